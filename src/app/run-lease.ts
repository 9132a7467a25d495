/** One owner per run: a lease on the run row, renewed while its owner lives. Safety never rests on it (claims do); it keeps owners out of each other's way. Layer: app. */
import { errorFields } from '../domain/error-fields.ts';
import type { RunId } from '../domain/ids.ts';
import type { Versioned } from '../domain/ledger.ts';
import type { Run } from '../domain/run.ts';
import type { Deps } from './deps.ts';

/** Someone else owns the run now. An ordinary end of an invocation. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** What to write. A function is asked with the run as it is stored, once more after each lost race: what others wrote of it stays. */
export type RunChanges = Partial<Run> | ((run: Run) => Partial<Run>);

export interface RunLease {
  /** The run as last written. */
  run(): Run;
  /** Writes the changes and renews. @throws {LeaseLostError} */
  update(changes: RunChanges): Promise<void>;
  /** Writes the changes and gives the lease up. @throws {LeaseLostError} */
  release(changes: Partial<Run>): Promise<void>;
  /** Aborted once the lease is lost. */
  readonly lost: AbortSignal;
}

export type LeaseAnswer =
  | { readonly kind: 'leased'; readonly lease: RunLease }
  /** A live owner has it until then (storage server's clock) unless it renews. */
  | { readonly kind: 'held'; readonly run: Run; readonly untilMs: number }
  | { readonly kind: 'unknownRun' };

/** True while a live owner holds the run. */
export function isLeased(run: Run, serverNowMs: number): boolean {
  return run.leaseOwner !== undefined && (run.leaseUntilMs ?? 0) > serverNowMs;
}

/** Takes the lease when it is free or expired. A lost race is answered with the winner's lease. */
export async function takeLease(deps: Deps, runId: RunId): Promise<LeaseAnswer> {
  const owner = deps.random.guid();
  for (;;) {
    const found = await deps.ledger.readRun(runId);
    if (found === undefined) return { kind: 'unknownRun' };
    const nowMs = deps.ledger.serverNowMs();
    if (isLeased(found.value, nowMs))
      return { kind: 'held', run: found.value, untilMs: found.value.leaseUntilMs ?? nowMs };
    const run: Run = { ...found.value, leaseOwner: owner, leaseUntilMs: nowMs + deps.timing.leaseMs };
    const version = await deps.ledger.writeRun(run, found.version);
    if (version !== undefined) return { kind: 'leased', lease: createLease(deps, owner, { value: run, version }) };
  }
}

/** How often a waiting owner looks. */
const LOOK_EVERY_MS = 1_000;
/** A lease extended this often while we watched has a live owner. */
const SIGNS_OF_LIFE = 2;

/**
 * Waits for the lease until it is free, or until its owner has shown to be alive: a dead one's lease runs out while we wait.
 * Stops waiting when `isStillWanted` says no. @throws the signal's reason when aborted.
 */
export async function takeLeaseOrSeeItAlive(
  deps: Deps,
  runId: RunId,
  signal: AbortSignal,
  isStillWanted: (run: Run) => boolean,
): Promise<LeaseAnswer> {
  let seenUntilMs: number | undefined;
  let signs = 0;
  for (;;) {
    const answer = await takeLease(deps, runId);
    if (answer.kind !== 'held' || !isStillWanted(answer.run)) return answer;
    if (seenUntilMs !== undefined && answer.untilMs > seenUntilMs) signs += 1;
    if (signs >= SIGNS_OF_LIFE) return answer;
    seenUntilMs = answer.untilMs;
    await deps.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

function createLease(deps: Deps, owner: string, taken: Versioned<Run>): RunLease {
  let held: Versioned<Run> = taken;
  let writtenAtMs = deps.clock.nowMs();
  let queue: Promise<void> = Promise.resolve();
  const over = new AbortController();
  const lost = new AbortController();

  function lose(): LeaseLostError {
    const error = new LeaseLostError(`run ${held.value.runId} has another owner now`);
    lost.abort(error);
    over.abort(error);
    return error;
  }

  async function write(changes: RunChanges, isRelease: boolean): Promise<void> {
    if (lost.signal.aborted) throw lost.signal.reason;
    for (;;) {
      const changed = typeof changes === 'function' ? changes(held.value) : changes;
      const { leaseOwner: _owner, leaseUntilMs: _until, ...rest } = { ...held.value, ...changed };
      const run: Run = isRelease
        ? rest
        : { ...rest, leaseOwner: owner, leaseUntilMs: deps.ledger.serverNowMs() + deps.timing.leaseMs };
      const version = await deps.ledger.writeRun(run, held.version);
      if (version !== undefined) {
        held = { value: run, version };
        writtenAtMs = deps.clock.nowMs();
        return;
      }
      const now = await deps.ledger.readRun(held.value.runId);
      if (now === undefined || now.value.leaseOwner !== owner) {
        throw lose();
      }
      // Our own write went through although its answer was lost, or somebody without the lease noted something: go on from what is stored.
      held = now;
    }
  }

  /** Writes one after the other, so that each builds on the last. */
  function enqueue(changes: RunChanges, isRelease: boolean): Promise<void> {
    const done = queue.then(() => write(changes, isRelease));
    queue = done.catch(() => undefined);
    return done;
  }

  /** A failed renewal is tried again; a lease that ran out meanwhile is lost, whether somebody took it or not. */
  async function renew(): Promise<void> {
    const everyMs = deps.timing.leaseMs / 3;
    for (;;) {
      await deps.clock.sleep(everyMs, over.signal);
      if (deps.clock.nowMs() - writtenAtMs < everyMs * 0.9) continue;
      try {
        await enqueue({}, false);
      } catch (error) {
        if (over.signal.aborted) return;
        deps.logger.warn('could not renew the lease of the run; trying again', errorFields(error));
        if ((held.value.leaseUntilMs ?? 0) <= deps.ledger.serverNowMs()) lose();
      }
    }
  }

  renew().catch((error: unknown) => {
    // Released or lost: renewing is over.
    if (!over.signal.aborted) deps.logger.warn('the lease of the run is no longer renewed', errorFields(error));
  });

  return {
    run: () => held.value,
    update: (changes) => enqueue(changes, false),
    release: async (changes) => {
      over.abort(new Error('released'));
      await enqueue(changes, true);
    },
    lost: lost.signal,
  };
}
