/** Columns of a run in table `Runs`. Its targets are packed text, here or, when long, in rows of their own. Pure. Layer: storage adapter. */
import { assertNever } from '../../domain/assert-never.ts';
import type { EntraDeviceId, ManagedDeviceId } from '../../domain/ids.ts';
import { RUN_STATES, type Run } from '../../domain/run.ts';
import { StorageError } from '../../domain/storage-error.ts';
import type { RotationTarget } from '../../domain/targets.ts';
import { TABLES } from '../names.ts';
import { exactNumber, flag, instant, int, json, oneOf, text } from './columns.ts';
import { createRowCodec } from './row-codec.ts';

/** A run as its row keeps it. */
export type RunRow = Omit<Run, 'targets'> & {
  /** Packed targets, when they fit in one column. */
  readonly targets?: string;
  /** Names the rows that hold the packed targets, when they do not. */
  readonly targetsRef?: string;
};

/** A run's own row. */
export const runCodec = createRowCodec<RunRow>(TABLES.runs, {
  required: {
    tenantId: text('tenantId'),
    runId: text('runId'),
    trigger: oneOf('trigger', ['schedule', 'onDemand', 'commandLine']),
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
    planId: text('planId'),
    keysListedAtMs: instant('keysListedAt'),
    canarySentAtMs: instant('canarySentAt'),
    rotatingStartedAtMs: instant('rotatingStartedAt'),
    rotatingEndedAtMs: instant('rotatingEndedAt'),
    finishedAtMs: instant('finishedAt'),
    abortReason: oneOf('abortReason', ['canaryFailed', 'circuitBreaker']),
    finalCounts: json('finalCounts'),
    leaseOwner: text('leaseOwner'),
    leaseUntilMs: instant('leaseUntil'),
  },
});

type Kind = 'entraDeviceId' | 'managedDeviceId';
const LETTERS: Readonly<Record<Kind, string>> = { entraDeviceId: 'e', managedDeviceId: 'm' };

/** One line per target: a letter for its kind, and its id. */
export function packTargets(targets: readonly RotationTarget[]): string {
  return targets
    .map((t) =>
      'entraDeviceId' in t ? LETTERS.entraDeviceId + t.entraDeviceId : LETTERS.managedDeviceId + t.managedDeviceId,
    )
    .join('\n');
}

function kindOf(line: string): Kind {
  if (line.startsWith(LETTERS.entraDeviceId)) return 'entraDeviceId';
  if (line.startsWith(LETTERS.managedDeviceId)) return 'managedDeviceId';
  throw new StorageError('other', 'table Runs: the targets of a run are damaged');
}

/** @throws {StorageError} when the text is not packed targets. */
export function unpackTargets(packed: string): readonly RotationTarget[] {
  if (packed === '') return [];
  return packed.split('\n').map((line): RotationTarget => {
    const kind = kindOf(line);
    switch (kind) {
      case 'entraDeviceId':
        return { entraDeviceId: line.slice(1) as EntraDeviceId };
      case 'managedDeviceId':
        return { managedDeviceId: line.slice(1) as ManagedDeviceId };
      default:
        return assertNever(kind, 'kind of target');
    }
  });
}
