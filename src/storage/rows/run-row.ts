/** Columns of a run in table `Runs`. Its targets are packed text, here or, when long, in rows of their own. Pure. Layer: storage adapter. */
import type { EntraDeviceId, ManagedDeviceId } from '../../domain/ids.ts';
import { isEvidenceDue, RUN_STATES, RUN_TRIGGERS, type Run } from '../../domain/run.ts';
import { StorageError } from '../../domain/storage-error.ts';
import type { RotationTarget } from '../../domain/targets.ts';
import { TABLES } from '../names.ts';
import { type Cells, exactNumber, flag, instant, int, json, oneOf, text } from './columns.ts';
import { createRowCodec } from './row-codec.ts';

/** A run as its row keeps it. */
export type RunRow = Omit<Run, 'targets'> & {
  /** Packed targets, when they fit in one column. */
  readonly targets?: string;
  /** Names the rows that hold the packed targets, when they do not. */
  readonly targetsRef?: string;
};

/** `evidenceDue`: what `listRuns` filters by. */
function forFilters(run: RunRow): Cells {
  return isEvidenceDue(run) ? { evidenceDue: true } : {};
}

/** A run's own row. */
export const runCodec = createRowCodec<RunRow>(
  TABLES.runs,
  {
    required: {
      tenantId: text('tenantId'),
      runId: text('runId'),
      trigger: oneOf('trigger', RUN_TRIGGERS),
      mode: oneOf('mode', ['live', 'dryRun']),
      state: oneOf('state', RUN_STATES),
      createdAtMs: instant('createdAt'),
      seed: exactNumber('seed'),
      checkpoint: int('checkpoint'),
      rowsWritten: int('rowsWritten'),
      devices: int('devices'),
      due: int('due'),
      notDue: int('notDue'),
      skipped: json('skipped'),
      canaries: int('canaries'),
      nextOrder: int('nextOrder'),
      canaryPassed: flag('canaryPassed'),
    },
    optional: {
      targets: text('targets'),
      targetsRef: text('targetsRef'),
      unresolved: json('unresolved'),
      reason: text('reason'),
      requestedBy: text('requestedBy'),
      notBeforeMs: instant('notBefore'),
      planId: text('planId'),
      settings: json('settings'),
      keysListedAtMs: instant('keysListedAt'),
      canarySentAtMs: instant('canarySentAt'),
      rotatingStartedAtMs: instant('rotatingStartedAt'),
      rotatingEndedAtMs: instant('rotatingEndedAt'),
      throttling: json('throttling'),
      finishedAtMs: instant('finishedAt'),
      abortReason: oneOf('abortReason', ['canaryFailed', 'circuitBreaker']),
      finalCounts: json('finalCounts'),
      evidence: json('evidence'),
      lateNotices: int('lateNotices'),
      notified: json('notified'),
      leaseOwner: text('leaseOwner'),
      leaseUntilMs: instant('leaseUntil'),
    },
  },
  forFilters,
);

/** One target a line. */
export function packTargets(targets: readonly RotationTarget[]): string {
  return targets.map((target) => JSON.stringify(target)).join('\n');
}

/** @throws {StorageError} when the text is not packed targets. */
export function unpackTargets(packed: string): readonly RotationTarget[] {
  return packed === '' ? [] : packed.split('\n').map(unpackTarget);
}

/** Once a line was a letter for the kind, and the id: rows of runs that are long over can still be read. */
const EARLIER_LINE = /^([em])([0-9a-f-]{36})$/;

function unpackTarget(line: string): RotationTarget {
  const [, kind, id] = EARLIER_LINE.exec(line) ?? [];
  if (id !== undefined) {
    return kind === 'e' ? { entraDeviceId: id as EntraDeviceId } : { managedDeviceId: id as ManagedDeviceId };
  }
  let target: unknown;
  try {
    target = JSON.parse(line);
  } catch (cause) {
    throw damaged(cause);
  }
  if (typeof target !== 'object' || target === null || Array.isArray(target)) throw damaged();
  return target as RotationTarget;
}

function damaged(cause?: unknown): StorageError {
  return new StorageError('other', 'table Runs: the targets of a run are damaged', cause);
}
