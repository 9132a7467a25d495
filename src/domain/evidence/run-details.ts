/** What an evidence file says of its run, and at its end: JSON in the cell `details`. Pure. Layer: domain. */
import type { Run } from '../run.ts';
import { type RunSettings, runSettings } from '../run-settings.ts';
import { scrub } from '../scrub.ts';
import type { GraphCloud, Settings } from '../settings.ts';
import { instant } from './device-cells.ts';
import type { EvidenceFigures } from './evidence-figures.ts';
import { type ThrottlingDetails, throttlingDetails } from './throttling-details.ts';

/** Raised when an older reader would misunderstand a file. */
export const EVIDENCE_FORMAT = 1;

/** The line `run`. */
export interface RunDetails {
  readonly format: typeof EVIDENCE_FORMAT;
  /** Of Keyturn. */
  readonly version: string;
  /** Which version of the run's evidence this is, from 1; numbers whose name was taken are left out. */
  readonly evidence: number;
  /** The digest of the version before, which is the one with the greatest smaller number; absent in the first. */
  readonly previousDigest?: string;
  /** Numbers since that version whose names were taken by blobs that are no evidence of the run. Absent: none. */
  readonly leftOut?: readonly number[];
  readonly tenantId: string;
  readonly cloud: GraphCloud;
  readonly runId: string;
  readonly trigger: Run['trigger'];
  /** `true`: nothing was sent; what is due would have been asked. */
  readonly dryRun: boolean;
  readonly outcome: 'completed' | 'aborted';
  readonly abortReason?: Run['abortReason'];
  readonly reason?: string;
  readonly requestedBy?: string;
  readonly createdAt: string;
  readonly rotatingStartedAt?: string;
  readonly rotatingEndedAt?: string;
  readonly writtenAt: string;
  /** Chooses the canaries. */
  readonly seed: number;
  /** How many targets were named; absent when the run was over the whole fleet. */
  readonly targets?: number;
  /** Targets that named no device, in words. */
  readonly unresolved?: readonly string[];
  /** What Graph throttled while it asked. Absent: it never asked, or an older version did, which kept no record. */
  readonly throttling?: ThrottlingDetails;
  /** As they were when it was planned; of a run that an older version planned, when the file was written. */
  readonly settings: RunSettings;
}

/** The line `end`. */
export interface EndDetails {
  /** In all, the heading and this line included. */
  readonly lines: number;
  readonly figures: EvidenceFigures;
}

/** What a file is written from, besides the run's rotations. */
export interface EvidenceFacts {
  readonly run: Run;
  readonly settings: Settings;
  /** Of Keyturn. */
  readonly version: string;
  /** Its number; absent: the one after what the run's row names. */
  readonly evidence?: number;
  /** Our clock. */
  readonly nowMs: number;
}

/** The number of the file that comes after what the run's row names, unless something else has its name. */
export function nextEvidence(run: Run): number {
  return (run.evidence?.version ?? 0) + 1;
}

export function runDetails({ run, settings, version, nowMs, evidence = nextEvidence(run) }: EvidenceFacts): RunDetails {
  const leftOut = Array.from({ length: evidence - nextEvidence(run) }, (_, i) => nextEvidence(run) + i);
  return {
    format: EVIDENCE_FORMAT,
    version,
    evidence,
    ...(run.evidence === undefined ? {} : { previousDigest: run.evidence.digest }),
    ...(leftOut.length === 0 ? {} : { leftOut }),
    tenantId: run.tenantId,
    cloud: settings.cloud,
    runId: run.runId,
    trigger: run.trigger,
    dryRun: run.mode === 'dryRun',
    outcome: run.abortReason === undefined ? 'completed' : 'aborted',
    ...(run.abortReason === undefined ? {} : { abortReason: run.abortReason }),
    ...(run.reason === undefined ? {} : { reason: scrub(run.reason) }),
    ...(run.requestedBy === undefined ? {} : { requestedBy: scrub(run.requestedBy) }),
    createdAt: instant(run.createdAtMs),
    ...(run.rotatingStartedAtMs === undefined ? {} : { rotatingStartedAt: instant(run.rotatingStartedAtMs) }),
    ...(run.rotatingEndedAtMs === undefined ? {} : { rotatingEndedAt: instant(run.rotatingEndedAtMs) }),
    writtenAt: instant(nowMs),
    seed: run.seed,
    ...(run.targets === undefined ? {} : { targets: run.targets.length }),
    ...(run.unresolved === undefined ? {} : { unresolved: run.unresolved.map(scrub) }),
    ...(run.throttling === undefined ? {} : { throttling: throttlingDetails(run.throttling) }),
    settings: run.settings ?? runSettings(settings),
  };
}
