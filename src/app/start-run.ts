/** Finds the scheduled run in progress or starts one; starts a run for a list of targets. Two at once make one. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import type { CurrentRun } from '../domain/ledger.ts';
import type { Run, RunTrigger } from '../domain/run.ts';
import type { RotationTarget } from '../domain/targets.ts';
import type { Deps } from './deps.ts';

/**
 * Two ticks this close are one: a timer that fired twice, or a host that fires a tick again after a restart.
 * Chosen: no sensible schedule is shorter.
 */
const SAME_TICK_MS = 60_000;

export interface RunStart {
  readonly run: Run;
  /** False when the run was there already. */
  readonly isNew: boolean;
}

/**
 * The fleet's run: the one that plans or rotates now, else a new one. `mode` counts only for a new one.
 * A timer that finds a run started within the last minute takes that one, whatever its state.
 */
export async function startFleetRun(
  deps: Deps,
  start: { readonly trigger: RunTrigger; readonly mode: Run['mode'] },
): Promise<RunStart> {
  for (;;) {
    const nowMs = deps.clock.nowMs();
    const current = await deps.ledger.readCurrentRun();
    if (current !== undefined) {
      const { run, isNew } = await ensureRun(deps, current.value);
      const isSameTick = start.trigger === 'schedule' && Math.abs(nowMs - current.value.createdAtMs) < SAME_TICK_MS;
      // A pointer whose run had no row yet: whoever wrote it died before it could ring the bell.
      if (run.state === 'planning' || run.state === 'rotating' || isSameTick) return { run, isNew };
    }
    const next: CurrentRun = {
      runId: fleetRunId(nowMs, deps.random.guid()),
      mode: start.mode,
      trigger: start.trigger,
      createdAtMs: nowMs,
      seed: Math.floor(deps.random.next() * 2 ** 31),
    };
    if (await deps.ledger.writeCurrentRun(next, current?.version))
      return { ...(await ensureRun(deps, next)), isNew: true };
  }
}

/** A run over the devices named. The same id twice is the same run. */
export async function startTargetedRun(
  deps: Deps,
  start: {
    readonly runId: RunId;
    readonly trigger: RunTrigger;
    readonly mode: Run['mode'];
    readonly targets: readonly RotationTarget[];
    readonly reason?: string;
    readonly requestedBy?: string;
    /** Nothing is planned before then. */
    readonly notBeforeMs?: number;
  },
): Promise<RunStart> {
  const run: Run = {
    ...emptyRun(deps, { ...start, createdAtMs: deps.clock.nowMs(), seed: Math.floor(deps.random.next() * 2 ** 31) }),
    targets: start.targets,
    ...(start.reason === undefined ? {} : { reason: start.reason }),
    ...(start.requestedBy === undefined ? {} : { requestedBy: start.requestedBy }),
    ...(start.notBeforeMs === undefined ? {} : { notBeforeMs: start.notBeforeMs }),
    // Someone asked for these devices by name: no sample of them is tried first.
    canaryPassed: true,
  };
  if (await deps.ledger.createRun(run)) return { run, isNew: true };
  const found = await deps.ledger.readRun(start.runId);
  if (found === undefined) throw new Error(`run ${start.runId} vanished while it was being started`);
  return { run: found.value, isNew: false };
}

/** The pointer is written before the run's row: whoever finds a pointer without a row writes the row. */
async function ensureRun(deps: Deps, current: CurrentRun): Promise<RunStart> {
  const found = await deps.ledger.readRun(current.runId);
  if (found !== undefined) return { run: found.value, isNew: false };
  const run = emptyRun(deps, current);
  if (await deps.ledger.createRun(run)) return { run, isNew: true };
  return { run: (await deps.ledger.readRun(current.runId))?.value ?? run, isNew: false };
}

function emptyRun(deps: Deps, start: CurrentRun): Run {
  return {
    tenantId: deps.settings.tenantId,
    runId: start.runId,
    trigger: start.trigger,
    mode: start.mode,
    state: 'planning',
    createdAtMs: start.createdAtMs,
    seed: start.seed,
    checkpoint: 0,
    rowsWritten: 0,
    devices: 0,
    due: 0,
    notDue: 0,
    skipped: {},
    canaries: 0,
    nextOrder: 0,
    canaryPassed: false,
  };
}

/** Sorts by time and reads as one: `20261122-020000-1a2b3c4d`. */
function fleetRunId(nowMs: number, guid: string): RunId {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${stamp}-${guid.slice(0, 8)}` as RunId;
}
