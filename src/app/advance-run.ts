/** Carries a run on from its checkpoint until it is done, waits, or the invocation ends. Every trigger drives this. Layer: app. */
import { errorFields } from '../domain/error-fields.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { ContinuationMessage } from '../domain/messages.ts';
import { type AbortReason, isEvidenceDue, type Run } from '../domain/run.ts';
import { NO_THROTTLING } from '../domain/run-throttling.ts';
import { decideOnCanaries } from './canary-gate.ts';
import { type Bounds, type Deps, isOver } from './deps.ts';
import { renewEvidence } from './evidence/renew-evidence.ts';
import { finishIfSettled, finishUnowned } from './finish-run.ts';
import { leaveSlice } from './leave-slice.ts';
import { pausesOf } from './note-pauses.ts';
import { notifyAborted } from './notify/notify-run.ts';
import { planRun } from './plan/plan-run.ts';
import { TargetUnreadableError } from './plan/refusal.ts';
import { refreshKeys } from './refresh-keys.ts';
import { adoptInFlight, type RotateProgress, rotateAgain, rotateUpTo } from './rotate-run.ts';
import { LeaseLostError, type RunLease, takeLeaseOrSeeItAlive } from './run-lease.ts';
import { messageDelayMs, waitAfterMs } from './wait-after.ts';

/**
 * - `handedBack`: one continuation message is on its way, to arrive after `delayMs`. `settling`: only looks are left, each with its own message.
 * - `paused`: the app is not `live`; the next tick tries again. `older`, `unknownRun`: the message is done already, or names no run.
 * - `busy`: the run has a live owner, with a message of its own: this one is a duplicate. `lost`: another owner took over.
 */
export type AdvanceOutcome =
  | { readonly kind: 'handedBack'; readonly delayMs: number; readonly because?: string }
  | { readonly kind: 'settling' | 'finished' | 'paused' | 'older' | 'busy' | 'unknownRun' | 'lost' };

/** Time for the checkpoint to be saved before the message that names it arrives. */
const HAND_OVER_MS = 1_000;

const WAITING_FOR_ITS_TIME = 'not wanted before its time';

/** @throws {GraphError} when only people can help (no token, a role missing, answers that make no sense). */
export async function advanceRun(deps: Deps, message: ContinuationMessage, bounds: Bounds): Promise<AdvanceOutcome> {
  const before = await deps.ledger.readRun(message.runId);
  if (before === undefined) return { kind: 'unknownRun' };
  if (message.checkpoint < before.value.checkpoint) return { kind: 'older' };
  if (before.value.state === 'completed' || before.value.state === 'aborted') {
    if (isEvidenceDue(before.value)) await renewEvidence(deps, message.runId);
    return { kind: 'finished' };
  }
  const answer = await takeLeaseOrSeeItAlive(
    deps,
    message.runId,
    bounds.signal,
    (run) => message.checkpoint >= run.checkpoint,
  );
  if (answer.kind === 'unknownRun') return { kind: 'unknownRun' };
  if (answer.kind === 'held') return { kind: message.checkpoint < answer.run.checkpoint ? 'older' : 'busy' };
  const { lease } = answer;
  try {
    return await drive(deps, lease, bounds);
  } catch (error) {
    return await leaveAfter(deps, lease, bounds, error);
  } finally {
    await deps.pacer.flush();
  }
}

/** Puts the run off when the fault passes by itself. Whatever happens here, the lease is given up: it would be renewed as long as this process lives. */
async function leaveAfter(deps: Deps, lease: RunLease, bounds: Bounds, error: unknown): Promise<AdvanceOutcome> {
  if (error instanceof LeaseLostError) return { kind: 'lost' };
  const retry = passing(deps, bounds, error);
  try {
    if (retry === undefined) throw error;
    deps.logger.warn('the run is put off', { ...errorFields(error), retryAfterMs: retry.delayMs });
    return await handBack(deps, lease, retry.delayMs, retry.because);
  } catch (fault) {
    await lease.release({}).catch(lostOr);
    return lostOr(fault);
  }
}

function lostOr(error: unknown): AdvanceOutcome {
  if (error instanceof LeaseLostError) return { kind: 'lost' };
  throw error;
}

/** Faults that pass by themselves, and when to try again. */
function passing(
  deps: Deps,
  bounds: Bounds,
  error: unknown,
): { readonly delayMs: number; readonly because: string } | undefined {
  if (bounds.signal.aborted && error === bounds.signal.reason) return { delayMs: 0, because: 'stopping' };
  if (error instanceof TargetUnreadableError)
    return { delayMs: Math.max(deps.timing.outageRetryMs, error.retryAfterMs), because: error.message };
  if (!(error instanceof GraphError)) return undefined;
  if (error.kind !== 'throttled' && error.kind !== 'unavailable') return undefined;
  return { delayMs: waitAfterMs(deps, error), because: error.message };
}

async function drive(deps: Deps, lease: RunLease, bounds: Bounds): Promise<AdvanceOutcome> {
  for (;;) {
    const run = lease.run();
    if (run.state === 'completed' || run.state === 'aborted') return await leave(lease, { kind: 'finished' });
    if (deps.mode() === 'off') return await leave(lease, { kind: 'paused' });
    if (isOver(deps, bounds)) return await handBack(deps, lease, 0);
    const earlyMs = tooEarlyMs(deps, run);
    if (earlyMs > 0) return await handBack(deps, lease, earlyMs, WAITING_FOR_ITS_TIME);
    const outcome =
      run.state === 'planning'
        ? (await planRun(deps, lease, bounds))
          ? undefined
          : await handBack(deps, lease, 0)
        : run.state === 'rotating'
          ? await rotate(deps, lease, bounds)
          : await settle(deps, lease, bounds);
    if (outcome !== undefined) return outcome;
  }
}

/** How long a run that nobody wants earlier still waits; 0 when its time has come. */
export function tooEarlyMs({ clock }: Pick<Deps, 'clock'>, run: Run): number {
  return run.state === 'planning' ? Math.max(0, (run.notBeforeMs ?? 0) - clock.nowMs()) : 0;
}

/** One stage of rotating: canaries, the gate, or the fleet. `undefined`: go on. */
async function rotate(deps: Deps, lease: RunLease, bounds: Bounds): Promise<AdvanceOutcome | undefined> {
  const run = lease.run();
  if (run.rotatingStartedAtMs === undefined && deps.mode() === 'live') {
    await lease.update({ rotatingStartedAtMs: deps.clock.nowMs(), throttling: NO_THROTTLING });
    if (run.targets === undefined) await deps.pacer.beginRun(run.runId);
  }
  const again = await rotateAgain(deps, lease, bounds);
  if (again.kind !== 'done') return await stop(deps, lease, again);
  if (!(await refreshKeys(deps, lease, bounds))) return await handBack(deps, lease, 0);
  const progress = await rotateUpTo(deps, lease, bounds, run.canaryPassed ? run.due : run.canaries);
  if (progress.kind !== 'done') return await stop(deps, lease, progress);
  if (run.canaryPassed) {
    await lease.update({
      ...(await pausesOf(deps, lease.run())),
      state: 'settling',
      rotatingEndedAtMs: deps.clock.nowMs(),
    });
    return undefined;
  }
  if (lease.run().canarySentAtMs === undefined) {
    await lease.update({ canarySentAtMs: deps.clock.nowMs() });
    deps.logger.info('canaries sent; waiting for proof', { canaries: run.canaries });
  }
  const decision = await decideOnCanaries(deps, lease, bounds);
  switch (decision.kind) {
    case 'go':
      await lease.update({ canaryPassed: true });
      deps.logger.info('enough canaries are proven; the fleet follows', { canaries: run.canaries });
      return undefined;
    case 'abort':
      return await abort(deps, lease, 'canaryFailed');
    case 'wait':
      return await handBack(
        deps,
        lease,
        Math.max(0, decision.untilMs - deps.clock.nowMs()),
        'waiting for the canaries',
      );
  }
}

/** Settling needs an owner only to ask again, or to end the run. */
async function settle(deps: Deps, lease: RunLease, bounds: Bounds): Promise<AdvanceOutcome | undefined> {
  const run = lease.run();
  if (run.abortReason !== undefined) {
    await notifyAborted(deps, lease);
    await adoptInFlight(deps, run);
  }
  for await (const slice of deps.ledger.listSlices(run.runId, { state: 'again' })) {
    if (run.abortReason !== undefined) {
      await leaveSlice(deps, run, slice);
      continue;
    }
    const again = await rotateAgain(deps, lease, bounds);
    // Others may have become due again meanwhile: they are asked for before the lease is given up.
    return again.kind === 'done' ? undefined : await stop(deps, lease, again);
  }
  if (await finishIfSettled(deps, lease)) return { kind: 'finished' };
  await lease.release({});
  // The last slice may have closed while this lease kept its closer from ending the run.
  await finishUnowned(deps, lease.run().runId);
  return { kind: 'settling' };
}

async function stop(
  deps: Deps,
  lease: RunLease,
  progress: Exclude<RotateProgress, { kind: 'done' }>,
): Promise<AdvanceOutcome | undefined> {
  switch (progress.kind) {
    case 'stopped':
      return await handBack(deps, lease, progress.delayMs);
    case 'paused':
      deps.logger.warn('the app is not live: nothing is sent until it is', { mode: deps.mode() });
      return await leave(lease, { kind: 'paused' });
    case 'tripped':
      return await abort(deps, lease, 'circuitBreaker');
  }
}

/** Stops asking; what was asked for is still settled. */
async function abort(deps: Deps, lease: RunLease, abortReason: AbortReason): Promise<undefined> {
  await lease.update({
    ...(await pausesOf(deps, lease.run())),
    state: 'settling',
    abortReason,
    rotatingEndedAtMs: deps.clock.nowMs(),
  });
  deps.logger.error('run aborted: nothing more is asked for; what was asked for is still looked at', { abortReason });
  return undefined;
}

/** The message goes first: a crash before the checkpoint is saved leaves two, of which the second changes nothing. */
async function handBack(deps: Deps, lease: RunLease, delayMs: number, because?: string): Promise<AdvanceOutcome> {
  const run = lease.run();
  const { tenantId, runId, checkpoint } = run;
  const waitMs = messageDelayMs(Math.max(HAND_OVER_MS, delayMs));
  await deps.queues.sendContinuation({ tenantId, runId, checkpoint: checkpoint + 1 }, waitMs);
  await lease.release({ ...(await pausesOf(deps, run)), checkpoint: checkpoint + 1 });
  return { kind: 'handedBack', delayMs: waitMs, ...(because === undefined ? {} : { because }) };
}

async function leave(lease: RunLease, outcome: AdvanceOutcome): Promise<AdvanceOutcome> {
  await lease.release({});
  return outcome;
}
