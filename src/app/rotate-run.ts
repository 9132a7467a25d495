/** Works through the due rotations of a run, block by block, the next one claimed while this one is sent. Layer: app. */
import type { Versioned } from '../domain/ledger.ts';
import type { Budget } from '../domain/request-class.ts';
import type { Run, Slice } from '../domain/run.ts';
import { type Bounds, type Deps, isOver } from './deps.ts';
import { pausesOf } from './note-pauses.ts';
import { recordOutcomes } from './outcomes.ts';
import { adoptBlock, type BlockResult, rotateBlock } from './rotate-block.ts';
import type { RunLease } from './run-lease.ts';

/** Why the walk stopped. `done`: every rotation up to `upTo` has been asked for. */
export type RotateProgress =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped'; readonly delayMs: number }
  /** The app is no longer `live`: nothing is sent until it is. */
  | { readonly kind: 'paused' }
  | { readonly kind: 'tripped' };

/** Claimed together, at most; also the most rows of one table transaction. */
const BLOCK_SIZE = 100;
/** A block should be sent well within its claims' deadline. */
const BLOCK_TAKES_MS = 30_000;
/** One being sent, one being claimed. */
const BLOCKS_IN_FLIGHT = 2;

/** How many rotations to claim together under that budget. */
export function blockSize({ limit, windowMs }: Budget): number {
  return Math.max(1, Math.min(BLOCK_SIZE, Math.floor((limit * BLOCK_TAKES_MS) / windowMs)));
}

/** Asks for every planned rotation with `nextOrder <= order < upTo`. @throws {GraphError} @throws {LeaseLostError} */
export async function rotateUpTo(deps: Deps, lease: RunLease, bounds: Bounds, upTo: number): Promise<RotateProgress> {
  const size = blockSize(deps.settings.budgets.write);
  const inFlight: { readonly to: number; readonly result: Promise<BlockResult> }[] = [];
  let next = lease.run().nextOrder;
  let stopped: RotateProgress | undefined = mayNotStart(deps, bounds) ?? (await brokenBefore(deps, lease));
  let isPrefixDone = true;

  for (;;) {
    stopped ??= mayNotStart(deps, bounds);
    while (stopped === undefined && inFlight.length < BLOCKS_IN_FLIGHT && next < upTo) {
      const to = Math.min(next + size, upTo);
      const result = rotateRange(deps, lease, bounds, next, to);
      // Awaited in order below; an earlier block's fault must not leave this one unheard.
      result.catch(() => undefined);
      inFlight.push({ to, result });
      next = to;
    }
    const first = inFlight.shift();
    if (first === undefined) return stopped ?? { kind: 'done' };
    const [settled] = await Promise.allSettled([first.result]);
    if (settled.status === 'rejected') {
      // The blocks behind it have claims and answers to record: let them.
      await Promise.allSettled(inFlight.map(({ result }) => result));
      throw settled.reason;
    }
    const { notSent, retryAfterMs, tripped } = settled.value;
    if (notSent > 0) {
      isPrefixDone = false;
      stopped ??= { kind: 'stopped', delayMs: retryAfterMs };
    } else if (isPrefixDone) await lease.update({ nextOrder: first.to, ...(await pausesOf(deps, lease.run())) });
    if (tripped) stopped = { kind: 'tripped' };
  }
}

/** In an aborted run: what owners that died had claimed, at most the blocks in flight, is looked at like the rest. */
export async function adoptInFlight(deps: Deps, run: Run): Promise<void> {
  const size = blockSize(deps.settings.budgets.write);
  const end = Math.min(run.due, run.nextOrder + BLOCKS_IN_FLIGHT * size);
  for (let from = run.nextOrder; from < end; from += size) {
    await adoptBlock(deps, run, await deps.ledger.readRotations(run.runId, from, Math.min(end, from + size)));
  }
}

/** Asks once more for rotations that were found never accepted. */
export async function rotateAgain(deps: Deps, lease: RunLease, bounds: Bounds): Promise<RotateProgress> {
  const { runId } = lease.run();
  const sinceMs = deps.ledger.serverNowMs();
  const slices: Versioned<Slice>[] = [];
  for await (const slice of deps.ledger.listSlices(runId, { state: 'again' })) slices.push(slice);
  for (const slice of slices) {
    const stopped = mayNotStart(deps, bounds) ?? (await brokenBefore(deps, lease));
    if (stopped !== undefined) return stopped;
    const rows = await deps.ledger.readRotationsAt(runId, slice.value.orders);
    const { notSent, retryAfterMs, tripped } = await rotateBlock(deps, lease.run(), rows, until(bounds, lease), slice);
    const pauses = await pausesOf(deps, lease.run(), sinceMs);
    if (pauses.throttling !== undefined) await lease.update(pauses);
    if (tripped) return { kind: 'tripped' };
    if (notSent > 0) return { kind: 'stopped', delayMs: retryAfterMs };
  }
  return { kind: 'done' };
}

async function rotateRange(
  deps: Deps,
  lease: RunLease,
  bounds: Bounds,
  from: number,
  to: number,
): Promise<BlockResult> {
  const run = lease.run();
  const rows = await deps.ledger.readRotations(run.runId, from, to);
  return rotateBlock(deps, run, rows, until(bounds, lease));
}

/** Losing the lease stops the sending too. */
function until(bounds: Bounds, lease: RunLease): Bounds {
  return { ...bounds, signal: AbortSignal.any([bounds.signal, lease.lost]) };
}

function mayNotStart(deps: Deps, bounds: Bounds): RotateProgress | undefined {
  if (deps.mode() !== 'live') return { kind: 'paused' };
  return isOver(deps, bounds) ? { kind: 'stopped', delayMs: 0 } : undefined;
}

/** Devices may have failed while no owner was looking. */
async function brokenBefore(deps: Deps, lease: RunLease): Promise<RotateProgress | undefined> {
  return (await recordOutcomes(deps, lease.run().runId, {})) ? { kind: 'tripped' } : undefined;
}
