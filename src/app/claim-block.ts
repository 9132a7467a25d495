/** Claims the devices of a block: the intent is written before the effect, one holder per device across all runs. Layer: app. */
import { type Claim, type DeviceRecord, endedRecord, type RotationEnd } from '../domain/device-record.ts';
import { decideDue, ON_DEMAND_FLOOR_MS } from '../domain/due.ts';
import { hasRotatedWithoutKey } from '../domain/fleet/rotated-without-key.ts';
import type { EntraDeviceId } from '../domain/ids.ts';
import type { Versioned } from '../domain/ledger.ts';
import { CLOCK_MARGIN_MS, createdAfterMs } from '../domain/newer-key.ts';
import { applyEvent, type Rotation, type SkipReason, unanswered } from '../domain/rotation.ts';
import type { Run } from '../domain/run.ts';
import type { Deps } from './deps.ts';
import { derivedGuid } from './derived-guid.ts';

/** A rotation whose device is ours to ask until the claim's send deadline. */
export interface ClaimedRotation {
  readonly row: Versioned<Rotation>;
  readonly claim: Claim;
  /** The device's record as written, to release or give back. */
  readonly record: DeviceRecord;
}

export interface ClaimedBlock {
  readonly claimed: readonly ClaimedRotation[];
  /** Rotations that leave the block without a request: skipped, or found claimed by a crashed owner of this run. */
  readonly settled: readonly Versioned<Rotation>[];
}

/** Claims what can be claimed of `rows` (all `planned`). @throws {StorageError} */
export async function claimBlock(deps: Deps, run: Run, rows: readonly Versioned<Rotation>[]): Promise<ClaimedBlock> {
  const token = deps.random.guid();
  const settled: Versioned<Rotation>[] = [];
  const claimed: ClaimedRotation[] = [];
  let open = rows.filter((row) => row.value.entraDeviceId !== undefined);

  // A lost race is read again: the winner may be another run, or our own write whose answer was lost.
  while (open.length > 0) {
    const records = await deps.ledger.readDevices(open.map((row) => row.value.entraDeviceId as EntraDeviceId));
    const wanted: (ClaimedRotation & { readonly version: string | undefined })[] = [];
    for (const row of open) {
      const stored = records.get(row.value.entraDeviceId as EntraDeviceId);
      const decision = decideClaim(deps, run, row.value, stored?.value, token);
      if (decision.kind === 'settle') settled.push({ ...row, value: decision.rotation });
      else if (decision.kind === 'ours') claimed.push({ row, claim: decision.claim, record: decision.record });
      else wanted.push({ row, claim: decision.claim, record: decision.record, version: stored?.version });
    }
    const lost = new Set(await deps.ledger.writeDevices(wanted));
    for (const { version: _version, ...claim } of wanted)
      if (!lost.has(claim.record.entraDeviceId)) claimed.push(claim);
    open = open.filter((row) => lost.has(row.value.entraDeviceId as EntraDeviceId));
  }
  claimed.sort((a, b) => a.row.value.order - b.row.value.order);
  return { claimed, settled };
}

type ClaimDecision =
  | { readonly kind: 'settle'; readonly rotation: Rotation }
  /** Write this, on the condition that nobody else did. `ours`: it is written already. */
  | { readonly kind: 'claim' | 'ours'; readonly claim: Claim; readonly record: DeviceRecord };

function decideClaim(
  deps: Deps,
  run: Run,
  rotation: Rotation,
  record: DeviceRecord | undefined,
  token: string,
): ClaimDecision {
  const holder = record?.claim;
  if (record !== undefined && holder !== undefined) {
    const isOurs = holder.runId === run.runId && holder.order === rotation.order;
    if (!isOurs) return { kind: 'settle', rotation: skip(rotation, 'rotationPending') };
    if (holder.token === token) return { kind: 'ours', claim: holder, record };
    // An owner of this run died, or lost its lease, between the intent and the record: look before repeating.
    if (holder.attempt >= rotation.attempt) return { kind: 'settle', rotation: lostSight(rotation, holder) };
  } else {
    const reason = tooSoon(deps, run, rotation, record);
    if (reason !== undefined) return { kind: 'settle', rotation: skip(rotation, reason) };
  }
  const claimedAtMs = deps.ledger.serverNowMs();
  const previousRequestAtMs = holder?.previousRequestAtMs ?? record?.lastRequestAtMs;
  const claim: Claim = {
    runId: run.runId,
    order: rotation.order,
    attempt: rotation.attempt,
    token,
    claimedAtMs,
    sendByMs: claimedAtMs + deps.timing.sendWithinMs,
    ...(previousRequestAtMs === undefined ? {} : { previousRequestAtMs }),
  };
  const entraDeviceId = rotation.entraDeviceId as EntraDeviceId;
  return {
    kind: 'claim',
    claim,
    record: {
      ...record,
      entraDeviceId,
      managedDeviceId: rotation.managedDeviceId,
      claim,
      lastRequestAtMs: claimedAtMs,
      lastRunId: run.runId,
    },
  };
}

/** Since the plan was made another run may have rotated the device, its keys were listed again after a long wait, or one is being imported. */
function tooSoon(deps: Deps, run: Run, rotation: Rotation, record: DeviceRecord | undefined): SkipReason | undefined {
  // A key on its way into escrow: were the device asked now, that key could come after the request and pass for its proof.
  if (record?.importUntilMs !== undefined && deps.ledger.serverNowMs() < record.importUntilMs) return 'keyTooYoung';
  const lastKeyAtMs = Math.max(rotation.keyBeforeAtMs ?? 0, record?.lastKeyAtMs ?? 0);
  const decision = decideDue(
    {
      keyCount: rotation.keyCount ?? 0,
      ...(lastKeyAtMs === 0 ? {} : { newestKeyAtMs: lastKeyAtMs }),
      ...(record?.lastRequestAtMs === undefined ? {} : { lastRequestAtMs: record.lastRequestAtMs }),
    },
    {
      nowMs: deps.clock.nowMs(),
      minKeyAgeMs: run.targets === undefined ? deps.settings.minKeyAgeMs : ON_DEMAND_FLOOR_MS,
    },
  );
  return decision.kind === 'skipped' ? decision.reason : undefined;
}

function skip(rotation: Rotation, skipReason: SkipReason): Rotation {
  return applyEvent(rotation, { kind: 'skipped' }, { skipReason });
}

/** The `client-request-id` under which the claimed device is first asked: whoever reads the claim after a crash knows it too. */
export function clientRequestIdOf({ token, order }: Claim): string {
  return derivedGuid(`${token} ${order}`);
}

/** The rotation after an owner of its run died, or lost its lease, between the intent and the record: it may have been asked for. */
export function lostSight(rotation: Rotation, holder: Claim): Rotation {
  const asked = unanswered(rotation);
  const lost = applyEvent(
    asked,
    { kind: 'lostSight' },
    {
      clientRequestId: clientRequestIdOf(holder),
      claimedAtMs: holder.claimedAtMs,
      sendByMs: holder.sendByMs,
      acceptedAfterMs: holder.claimedAtMs - CLOCK_MARGIN_MS,
    },
  );
  return lost === asked ? rotation : lost;
}

/** The record of a device whose rotation is finally settled, with what was learnt. */
export function releasedRecord(record: DeviceRecord, rotation: Rotation): DeviceRecord {
  const { claim: _claim, ...rest } = endedRecord(record, endOf(rotation));
  return rest;
}

/** What the device's record keeps of a rotation that is terminal. */
export function endOf(rotation: Rotation): RotationEnd {
  const { state, keyAfterId, keyAfterAtMs } = rotation;
  const sinceMs = createdAfterMs(rotation);
  return {
    state,
    ...(keyAfterId === undefined || keyAfterAtMs === undefined
      ? {}
      : { key: { keyId: keyAfterId, createdAtMs: keyAfterAtMs } }),
    // Whoever was seen done has an action with a start: the instant is known.
    ...(hasRotatedWithoutKey(rotation) && Number.isFinite(sinceMs) ? { doneWithoutKeySinceMs: sinceMs } : {}),
  };
}

/** The record of a device that was certainly not asked: as if the claim had never been. */
export function unclaimedRecord(record: DeviceRecord): DeviceRecord {
  const { claim, lastRequestAtMs: _last, ...rest } = record;
  return claim?.previousRequestAtMs === undefined ? rest : { ...rest, lastRequestAtMs: claim.previousRequestAtMs };
}

/** Gives the claims of devices that were certainly not asked back, unless someone else holds them by now. */
export async function unclaim(deps: Pick<Deps, 'ledger'>, notSent: readonly ClaimedRotation[]): Promise<void> {
  let open = notSent;
  while (open.length > 0) {
    const records = await deps.ledger.readDevices(open.map(({ record }) => record.entraDeviceId));
    const changes = open.flatMap(({ record, claim }) => {
      const stored = records.get(record.entraDeviceId);
      return stored?.value.claim?.token === claim.token
        ? [{ record: unclaimedRecord(stored.value), version: stored.version }]
        : [];
    });
    const lost = new Set(await deps.ledger.writeDevices(changes));
    open = open.filter(({ record }) => lost.has(record.entraDeviceId));
  }
}
