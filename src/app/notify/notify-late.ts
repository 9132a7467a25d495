/** Tells the webhook of devices that a later plan finds done without a newer key, before their claims are let go. Layer: app. */
import type { Claim } from '../../domain/device-record.ts';
import { errorFields } from '../../domain/error-fields.ts';
import { rotatedFacts, tracesOf } from '../../domain/fleet/rotated-without-key.ts';
import type { EntraDeviceId, RunId } from '../../domain/ids.ts';
import type { Rotation } from '../../domain/rotation.ts';
import { StorageError } from '../../domain/storage-error.ts';
import { countRun } from '../run-counts.ts';
import { noteFailure } from './note-notices.ts';
import { dangerOf, isTold, NEVER, type NotifyDeps, notificationOf } from './run-notification.ts';

/** A device whose action is done without a newer key, and the claim that is about to be let go. */
export interface LateDanger {
  readonly entraDeviceId: EntraDeviceId;
  readonly claim: Pick<Claim, 'runId' | 'order'>;
}

/** One plan's. */
export interface LateTeller {
  /**
   * Tells of the devices with their run, unless its own looks had seen them done. To be called before the claims are let go: a crash in
   * between has the next plan find them, and tell them, again. Returns the devices that could not be told because storage failed: their
   * claims must stand. After a webhook that failed the rest is left to `keyturn fleet`.
   */
  tell(found: readonly LateDanger[]): Promise<ReadonlySet<EntraDeviceId>>;
}

/** Never throws a `StorageError`: telling is no reason for a plan to fail. */
export function createLateTeller(deps: NotifyDeps): LateTeller {
  let hasFailed = false;

  async function tellOf(runId: RunId, ofRun: readonly LateDanger[]): Promise<void> {
    const run = (await deps.ledger.readRun(runId))?.value;
    if (run === undefined || !isTold(deps, run)) return;
    const orders = ofRun.map(({ claim }) => claim.order);
    const rows = await deps.ledger.readRotationsAt(runId, orders);
    const seenDone = new Set(rows.filter(({ value }) => wasSeenDone(value)).map(({ value }) => value.order));
    const found = ofRun.filter(({ claim }) => !seenDone.has(claim.order));
    if (found.length === 0) return;
    const counts = await countRun(deps.ledger, run);
    const notification = notificationOf(deps, 'deviceInDanger', run, counts, dangerOf(found));
    const outcome = await deps.notifier?.send(notification, NEVER);
    if (outcome?.kind !== 'failed') return;
    hasFailed = true;
    await noteFailure(deps, runId, outcome);
  }

  return {
    async tell(found) {
      const untold = new Set<EntraDeviceId>();
      if (deps.notifier === undefined) return untold;
      for (const [runId, ofRun] of Map.groupBy(found, ({ claim }) => claim.runId)) {
        if (hasFailed) break;
        try {
          await tellOf(runId, ofRun);
        } catch (error) {
          if (!(error instanceof StorageError)) throw error;
          deps.logger.warn('devices in danger could not be told: their claims stand until the next plan', {
            runId,
            ...errorFields(error),
          });
          for (const { entraDeviceId } of ofRun) untold.add(entraDeviceId);
        }
      }
      return untold;
    },
  };
}

/** By its own run, which told of it. */
function wasSeenDone({ late: _late, ...own }: Rotation): boolean {
  return rotatedFacts(tracesOf(own)).isDone;
}
