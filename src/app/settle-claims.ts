/** Lets go of devices whose rotation is settled, and marks those given up as pending. Layer: app. */
import { type DeviceRecord, endedRecord } from '../domain/device-record.ts';
import type { EntraDeviceId } from '../domain/ids.ts';
import { acceptedAfterMs } from '../domain/look.ts';
import { CLOCK_MARGIN_MS } from '../domain/newer-key.ts';
import { isFinallySettled, isTerminal, type Rotation } from '../domain/rotation.ts';
import type { Run } from '../domain/run.ts';
import { endOf, releasedRecord, unclaimedRecord } from './claim-block.ts';
import type { Deps } from './deps.ts';
import { graphBehindMs } from './graph-clock.ts';

/**
 * For each terminal rotation whose device this run still holds: releases the claim, or keeps it as pending when an accepted request may
 * still take effect. Idempotent: a claim that is no longer this run's is left alone.
 */
export async function settleClaims(deps: Deps, run: Run, rotations: readonly Rotation[]): Promise<void> {
  let open = rotations.filter(
    (rotation) => isTerminal(rotation.state) && rotation.state !== 'skipped' && rotation.entraDeviceId !== undefined,
  );
  while (open.length > 0) {
    const records = await deps.ledger.readDevices(open.map((rotation) => rotation.entraDeviceId as EntraDeviceId));
    const changes = open.flatMap((rotation) => {
      const stored = records.get(rotation.entraDeviceId as EntraDeviceId);
      const record = stored === undefined ? undefined : settledRecord(deps, run, rotation, stored.value);
      return stored === undefined || record === undefined ? [] : [{ record, version: stored.version }];
    });
    const lost = new Set(await deps.ledger.writeDevices(changes));
    open = open.filter((rotation) => lost.has(rotation.entraDeviceId as EntraDeviceId));
  }
}

/**
 * Frees devices whose last request was found never accepted: as if this run had never claimed them. A claim of the rotation's own attempt
 * stands: with it the device may have been asked once more. Idempotent.
 */
export async function giveBackClaims(deps: Deps, run: Run, rotations: readonly Rotation[]): Promise<void> {
  let open = rotations.filter((rotation) => rotation.entraDeviceId !== undefined);
  while (open.length > 0) {
    const records = await deps.ledger.readDevices(open.map((rotation) => rotation.entraDeviceId as EntraDeviceId));
    const changes = open.flatMap((rotation) => {
      const stored = records.get(rotation.entraDeviceId as EntraDeviceId);
      const claim = stored?.value.claim;
      const isOurs = claim?.runId === run.runId && claim.order === rotation.order && claim.attempt < rotation.attempt;
      return stored !== undefined && isOurs ? [{ record: unclaimedRecord(stored.value), version: stored.version }] : [];
    });
    const lost = new Set(await deps.ledger.writeDevices(changes));
    open = open.filter((rotation) => lost.has(rotation.entraDeviceId as EntraDeviceId));
  }
}

function settledRecord(deps: Deps, run: Run, rotation: Rotation, record: DeviceRecord): DeviceRecord | undefined {
  const { claim } = record;
  if (claim === undefined || claim.runId !== run.runId || claim.order !== rotation.order) return undefined;
  if (isFinallySettled(rotation.state)) return releasedRecord(record, rotation);
  if (claim.pending !== undefined) return undefined;
  return {
    ...endedRecord(record, endOf(rotation)),
    claim: {
      ...claim,
      pending: {
        sinceMs: deps.ledger.serverNowMs(),
        acceptedAfterMs: acceptedAfterMs(rotation, graphBehindMs(deps)) ?? claim.claimedAtMs - CLOCK_MARGIN_MS,
        acceptedByMs: rotation.acceptedByMs ?? rotation.actionStartedAtMs ?? claim.sendByMs + CLOCK_MARGIN_MS,
        ...(rotation.keyBeforeId === undefined ? {} : { keyBeforeId: rotation.keyBeforeId }),
      },
    },
  };
}
