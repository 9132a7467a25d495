/** What a webhook is told of a run, and of which devices; shared by all who tell. Layer: app. */
import { hasRotatedWithoutKey } from '../../domain/fleet/rotated-without-key.ts';
import type { EntraDeviceId } from '../../domain/ids.ts';
import {
  MOST_IDS,
  type NotificationEvent,
  type NotifyOutcome,
  type RunNotification,
} from '../../domain/notification.ts';
import type { Run } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';
import type { RunCounts } from '../run-counts.ts';

/** What telling needs. */
export type NotifyDeps = Pick<Deps, 'ledger' | 'clock' | 'logger' | 'notifier'>;

/** Devices that rotated without a new key in escrow, as far as an event knows of them. */
export interface Danger {
  readonly count: number;
  /** The first of them, at most `MOST_IDS`. */
  readonly ids: readonly EntraDeviceId[];
}

/** Never aborted: whoever tells without a lease waits for the notifier, which ends in time. */
export const NEVER = new AbortController().signal;

/** Nobody asked to be told what somebody plans at a command line. */
export function isTold({ notifier }: Pick<NotifyDeps, 'notifier'>, { mode, trigger }: Run): boolean {
  return notifier !== undefined && (mode === 'live' || trigger !== 'commandLine');
}

/** As of now, by our clock. */
export function notificationOf(
  { clock }: Pick<NotifyDeps, 'clock'>,
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

/** Those devices. */
export function dangerOf(found: readonly { readonly entraDeviceId?: EntraDeviceId }[]): Danger {
  return { count: found.length, ids: found.slice(0, MOST_IDS).flatMap(({ entraDeviceId }) => entraDeviceId ?? []) };
}

/** All of the run, as its rows say now. They are read unless nobody was asked, or all are proven. @throws {StorageError} */
export async function countDanger(
  { ledger }: Pick<NotifyDeps, 'ledger'>,
  run: Run,
  { states }: RunCounts,
): Promise<Danger> {
  let count = 0;
  const ids: EntraDeviceId[] = [];
  if (run.mode === 'dryRun' || run.due === (states.proven ?? 0)) return { count, ids };
  for await (const page of ledger.rotationPages(run.runId)) {
    const found = dangerOf(page.filter(hasRotatedWithoutKey));
    count += found.count;
    ids.push(...found.ids.slice(0, MOST_IDS - ids.length));
  }
  return { count, ids };
}

/** A failing webhook never fails a run; this is all that comes of it. */
export function sayItFailed(
  { logger }: Pick<NotifyDeps, 'logger'>,
  { runId }: Pick<Run, 'runId'>,
  outcome: Extract<NotifyOutcome, { kind: 'failed' }>,
): void {
  logger.warn('the webhook could not be told of the run, which goes on', {
    runId,
    reason: outcome.because,
    ...(outcome.status === undefined ? {} : { status: outcome.status }),
  });
}
