/** Where runs stand, for people and scripts. Reads only. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { SkipReason } from '../domain/rotation.ts';
import { hasEnded, isEvidenceDue, type Run, type RunEvidence, type StateCounts } from '../domain/run.ts';
import { countRun } from './run-counts.ts';

export interface RunReport {
  readonly runId: RunId;
  readonly trigger: Run['trigger'];
  readonly mode: Run['mode'];
  readonly state: Run['state'];
  readonly abortReason?: Run['abortReason'];
  /** Why, and by whom it was asked for, in the request's words. */
  readonly reason?: string;
  readonly requestedBy?: string;
  /** Nothing is planned before then. */
  readonly notBefore?: string;
  readonly createdAt: string;
  readonly finishedAt?: string;
  /** How long the rotation phase took, canary wait included; ms. */
  readonly rotatingMs?: number;
  readonly devices: number;
  readonly due: number;
  readonly canaries: number;
  /** Adds up to `devices` once planned. */
  readonly counts: StateCounts;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  readonly unresolved: readonly string[];
  /** When the next look falls due; absent when none is open. */
  readonly nextLookAt?: string;
  /** The latest evidence file. */
  readonly evidence?: Pick<RunEvidence, 'version' | 'lines' | 'digest'>;
  /** It has ended, and evidence of it is still to be written: a further version, or, with no `evidence`, the first. */
  readonly evidenceDue?: true;
}

/** @throws {StorageError} */
export async function reportRun(ledger: Ledger, run: Run): Promise<RunReport> {
  const counts = await countRun(ledger, run);
  const nextLookAtMs = await nextLook(ledger, run);
  return {
    runId: run.runId,
    trigger: run.trigger,
    mode: run.mode,
    state: run.state,
    ...(run.abortReason === undefined ? {} : { abortReason: run.abortReason }),
    ...(run.reason === undefined ? {} : { reason: run.reason }),
    ...(run.requestedBy === undefined ? {} : { requestedBy: run.requestedBy }),
    ...(run.notBeforeMs === undefined ? {} : { notBefore: iso(run.notBeforeMs) }),
    createdAt: iso(run.createdAtMs),
    ...(run.finishedAtMs === undefined ? {} : { finishedAt: iso(run.finishedAtMs) }),
    ...(run.rotatingStartedAtMs === undefined || run.rotatingEndedAtMs === undefined
      ? {}
      : { rotatingMs: run.rotatingEndedAtMs - run.rotatingStartedAtMs }),
    devices: run.devices,
    due: run.due,
    canaries: run.canaries,
    counts: counts.states,
    skipped: counts.skipped,
    unresolved: run.unresolved ?? [],
    ...(nextLookAtMs === undefined ? {} : { nextLookAt: iso(nextLookAtMs) }),
    ...(run.evidence === undefined ? {} : { evidence: evidenceOf(run.evidence) }),
    ...(hasEnded(run) && isEvidenceDue(run) ? { evidenceDue: true as const } : {}),
  };
}

function evidenceOf({ version, lines, digest }: RunEvidence): RunReport['evidence'] & object {
  return { version, lines, digest };
}

async function nextLook(ledger: Ledger, run: Run): Promise<number | undefined> {
  if (run.finishedAtMs !== undefined || run.due === 0) return undefined;
  let earliestMs: number | undefined;
  for await (const slice of ledger.listSlices(run.runId, { state: 'open' })) {
    earliestMs = Math.min(earliestMs ?? Number.POSITIVE_INFINITY, slice.value.dueAtMs);
  }
  return earliestMs;
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
