/** Tells the webhook of a run, each event once as far as can be, and never lets it fail the run. Layer: app. */
import { errorFields } from '../../domain/error-fields.ts';
import type { RunId } from '../../domain/ids.ts';
import type { RunNotification } from '../../domain/notification.ts';
import type { Rotation } from '../../domain/rotation.ts';
import type { Run, RunNotices } from '../../domain/run.ts';
import { StorageError } from '../../domain/storage-error.ts';
import { countRun, type RunCounts } from '../run-counts.ts';
import type { RunLease } from '../run-lease.ts';
import { noteFailure, noteNotices } from './note-notices.ts';
import {
  countDanger,
  dangerOf,
  isTold,
  NEVER,
  type NotifyDeps,
  notificationOf,
  sayItFailed,
} from './run-notification.ts';

/** Chosen: a notifier ends in half a minute, and a run is counted in seconds; who has not ended by then is dead. */
const POSTING_MS = 120_000;

/**
 * Under the run's lease, before the run's last write: a crash in between may post it twice, and never leaves it out.
 * @param end what that write will say. @throws {LeaseLostError} @throws {StorageError}
 */
export async function notifyEnded(
  deps: NotifyDeps,
  lease: RunLease,
  counts: RunCounts,
  end: Pick<Run, 'state' | 'evidence'>,
): Promise<void> {
  const run = lease.run();
  if (!isTold(deps, run) || run.notified?.endedAtMs !== undefined) return;
  const danger = await countDanger(deps, run, counts);
  const notification = notificationOf(deps, 'runEnded', { ...run, ...end }, counts, danger);
  await tellUnderLease(deps, lease, notification, 'endedAtMs');
}

/** Under the run's lease, once it says that it is aborted. @throws {LeaseLostError} @throws {StorageError} */
export async function notifyAborted(deps: NotifyDeps, lease: RunLease): Promise<void> {
  const run = lease.run();
  if (!isTold(deps, run) || run.abortReason === undefined || run.notified?.abortedAtMs !== undefined) return;
  const counts = await countRun(deps.ledger, run);
  const danger = await countDanger(deps, run, counts);
  await tellUnderLease(deps, lease, notificationOf(deps, 'runAborted', run, counts, danger), 'abortedAtMs');
}

/**
 * Without a lease, by whoever finds the first device of a run that rotated without a new key. That it begins is noted before it posts: of
 * several that find one at once, one posts. What a crash or a fault of storage leaves out, the next look that finds one, or the summary at
 * the end, tells.
 */
export async function notifyDanger(deps: NotifyDeps, run: Run, found: readonly Rotation[]): Promise<void> {
  if (found.length === 0 || !isTold(deps, run) || run.notified?.dangerAtMs !== undefined) return;
  try {
    await tellDanger(deps, run.runId, found);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    deps.logger.warn('the webhook was not told of a device in danger', { runId: run.runId, ...errorFields(error) });
  }
}

async function tellDanger(deps: NotifyDeps, runId: RunId, found: readonly Rotation[]): Promise<void> {
  const begun = await noteNotices(deps, runId, (notices) => beginDanger(notices, deps.clock.nowMs()));
  if (begun === undefined) return;
  const counts = await countRun(deps.ledger, begun);
  const notification = notificationOf(deps, 'deviceInDanger', begun, counts, dangerOf(found));
  const outcome = await deps.notifier?.send(notification, NEVER);
  if (outcome === undefined) return;
  await noteNotices(deps, runId, (notices) => ({ ...notices, dangerAtMs: deps.clock.nowMs() }));
  if (outcome.kind === 'failed') await noteFailure(deps, runId, outcome);
}

/** `undefined`: it was posted, or somebody who may be alive is about to. */
function beginDanger(notices: RunNotices, nowMs: number): RunNotices | undefined {
  const { dangerAtMs, dangerBegunAtMs = Number.NEGATIVE_INFINITY } = notices;
  return dangerAtMs !== undefined || nowMs < dangerBegunAtMs + POSTING_MS
    ? undefined
    : { ...notices, dangerBegunAtMs: nowMs };
}

async function tellUnderLease(
  { notifier, clock, logger }: NotifyDeps,
  lease: RunLease,
  notification: RunNotification,
  event: 'endedAtMs' | 'abortedAtMs',
): Promise<void> {
  if (notifier === undefined) return;
  const outcome = await notifier.send(notification, lease.lost);
  const nowMs = clock.nowMs();
  const failure = outcome.kind === 'failed' ? { failedAtMs: nowMs } : {};
  // While it was posted somebody else may have noted that a device is in danger. The first failure counts.
  await lease.update(({ notified }) => ({ notified: { ...failure, ...notified, [event]: nowMs } }));
  if (outcome.kind === 'failed' && lease.run().notified?.failedAtMs === nowMs)
    sayItFailed({ logger }, lease.run(), outcome);
}
