/** Tells the webhook of a run, each event once as far as can be, and never lets it fail the run. Layer: app. */
import type { Claim } from '../../domain/device-record.ts';
import type { EntraDeviceId, RunId } from '../../domain/ids.ts';
import {
  MOST_IDS,
  type NotificationEvent,
  type NotifyOutcome,
  type RunNotification,
} from '../../domain/notification.ts';
import type { Rotation } from '../../domain/rotation.ts';
import type { Run, RunNotices } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';
import { countRun, type RunCounts } from '../run-counts.ts';
import type { RunLease } from '../run-lease.ts';

/** What telling needs. */
export type NotifyDeps = Pick<Deps, 'ledger' | 'clock' | 'logger' | 'notifier'>;

/** Devices in danger that an event knows of. */
interface Danger {
  readonly count: number;
  readonly ids: readonly EntraDeviceId[];
}

const NO_DANGER: Danger = { count: 0, ids: [] };
const NEVER = new AbortController().signal;

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
  await tellUnderLease(deps, lease, notificationOf(deps, 'runAborted', run, counts, NO_DANGER), 'abortedAtMs');
}

/**
 * Without a lease, by whoever finds the first device of a run that rotated without a new key. It is noted before it is posted: of several
 * that find one at once, one posts; a crash in between leaves it to the summary at the end. @throws {StorageError}
 */
export async function notifyDanger(deps: NotifyDeps, run: Run, found: readonly Rotation[]): Promise<void> {
  if (found.length === 0 || !isTold(deps, run) || run.notified?.dangerAtMs !== undefined) return;
  const noted = await note(deps, run.runId, (notices) =>
    notices.dangerAtMs === undefined ? { ...notices, dangerAtMs: deps.clock.nowMs() } : undefined,
  );
  if (noted === undefined) return;
  const counts = await countRun(deps.ledger, noted);
  const outcome = await deps.notifier?.send(
    notificationOf(deps, 'deviceInDanger', noted, counts, dangerOf(found)),
    NEVER,
  );
  if (outcome === undefined || outcome.kind === 'sent' || noted.notified?.failedAtMs !== undefined) return;
  sayItFailed(deps, noted, outcome);
  await note(deps, run.runId, (notices) => ({ ...notices, failedAtMs: notices.failedAtMs ?? deps.clock.nowMs() }));
}

/**
 * Of devices whose action a later plan found done, without a newer key: told with their run, unless its own looks had seen it done. Each is
 * let go once, and so told once; after a webhook that failed the rest is left to `keyturn fleet`. @throws {StorageError}
 */
export async function notifyLateDanger(
  deps: NotifyDeps,
  claims: readonly Pick<Claim, 'runId' | 'order'>[],
): Promise<void> {
  if (deps.notifier === undefined) return;
  for (const [runId, ofRun] of Map.groupBy(claims, (claim) => claim.runId)) {
    const stored = await deps.ledger.readRun(runId);
    if (stored === undefined || !isTold(deps, stored.value)) continue;
    const rows = await deps.ledger.readRotationsAt(
      runId,
      ofRun.map(({ order }) => order),
    );
    const found = rows.map(({ value }) => value).filter(({ actionState }) => actionState !== 'done');
    if (found.length === 0) continue;
    const counts = await countRun(deps.ledger, stored.value);
    const outcome = await deps.notifier.send(
      notificationOf(deps, 'deviceInDanger', stored.value, counts, dangerOf(found)),
      NEVER,
    );
    if (outcome.kind === 'sent') continue;
    sayItFailed(deps, stored.value, outcome);
    return;
  }
}

/** Nobody asked to be told what somebody plans at a command line. */
function isTold({ notifier }: NotifyDeps, { mode, trigger }: Run): boolean {
  return notifier !== undefined && (mode === 'live' || trigger !== 'commandLine');
}

async function tellUnderLease(
  { notifier, clock, logger }: NotifyDeps,
  lease: RunLease,
  notification: RunNotification,
  event: 'endedAtMs' | 'abortedAtMs',
): Promise<void> {
  if (notifier === undefined) return;
  const outcome = await notifier.send(notification, lease.lost);
  const { notified } = lease.run();
  const isFirst = outcome.kind === 'failed' && notified?.failedAtMs === undefined;
  if (isFirst) sayItFailed({ logger }, lease.run(), outcome);
  const nowMs = clock.nowMs();
  await lease.update({ notified: { ...notified, [event]: nowMs, ...(isFirst ? { failedAtMs: nowMs } : {}) } });
}

function sayItFailed(
  { logger }: Pick<NotifyDeps, 'logger'>,
  { runId }: Run,
  outcome: Extract<NotifyOutcome, { kind: 'failed' }>,
): void {
  logger.warn('the webhook could not be told of the run, which goes on', {
    runId,
    reason: outcome.because,
    ...(outcome.status === undefined ? {} : { status: outcome.status }),
  });
}

/** Writes the notices beside whatever else is written. `undefined`: there is nothing to change, or no such run. */
async function note(
  { ledger }: NotifyDeps,
  runId: RunId,
  change: (notices: RunNotices) => RunNotices | undefined,
): Promise<Run | undefined> {
  for (;;) {
    const found = await ledger.readRun(runId);
    const notified = found === undefined ? undefined : change(found.value.notified ?? {});
    if (found === undefined || notified === undefined) return undefined;
    const run: Run = { ...found.value, notified };
    if ((await ledger.writeRun(run, found.version)) !== undefined) return run;
  }
}

function notificationOf(
  { clock }: NotifyDeps,
  event: NotificationEvent,
  run: Run,
  { states, skipped }: RunCounts,
  danger: Danger,
): RunNotification {
  const { abortReason, evidence } = run;
  return {
    event,
    tenantId: run.tenantId,
    runId: run.runId,
    trigger: run.trigger,
    mode: run.mode,
    state: run.state,
    ...(abortReason === undefined ? {} : { abortReason }),
    at: new Date(clock.nowMs()).toISOString(),
    devices: run.devices,
    due: run.due,
    counts: states,
    skipped,
    rotatedWithoutKey: danger.count,
    rotatedWithoutKeyIds: danger.ids,
    ...(evidence === undefined
      ? {}
      : { evidence: { version: evidence.version, lines: evidence.lines, digest: evidence.digest } }),
  };
}

function dangerOf(found: readonly Rotation[]): Danger {
  return { count: found.length, ids: found.slice(0, MOST_IDS).flatMap(({ entraDeviceId }) => entraDeviceId ?? []) };
}

/** Given up on with the action done. Rows are read only when some were given up on. */
async function countDanger({ ledger }: NotifyDeps, run: Run, { states }: RunCounts): Promise<Danger> {
  if ((states.overdue ?? 0) + (states.abandoned ?? 0) === 0) return NO_DANGER;
  let count = 0;
  const ids: EntraDeviceId[] = [];
  for await (const page of ledger.rotationPages(run.runId)) {
    const found = dangerOf(page.filter(isGivenUpDone));
    count += found.count;
    ids.push(...found.ids.slice(0, MOST_IDS - ids.length));
  }
  return { count, ids };
}

function isGivenUpDone({ state, actionState }: Rotation): boolean {
  return (state === 'overdue' || state === 'abandoned') && actionState === 'done';
}
