/** What requests have changed: actions on their way, keys they brought, devices removed. Evaluated when read; no timers. Layer: simulator. */
import { unitHash } from '../seeded-random.ts';
import type { DeviceProfile } from './device-profile.ts';
import { seededCheckInDelayMs } from './device-traits.ts';
import { type EscrowedKey, initialKey, initialKeyCount, type KeyVolume, nextOrdinal } from './escrowed-key.ts';
import type { Fleet } from './fleet.ts';

/**
 * Entra keeps at most 200 recovery keys per device; at the cap escrow fails.
 * Source: Microsoft Entra device documentation, "Manage devices: BitLocker keys" (read 2026-11-22).
 */
const KEY_CAP = 200;
/** E_ACCESSDENIED, as a client reports a refused backup. Chosen: any failure code serves. */
const ESCROW_REFUSED_ERROR = -2_147_024_891;
/** After this nobody waits for a pending action any more. Chosen: the same 60 days after which Keyturn gives a claim back. */
const PENDING_MATTERS_MS = 60 * 86_400_000;

/** One accepted request and what the device makes of it. Instants are the tenant's. */
export interface DeviceAction {
  readonly acceptedAtMs: number;
  /** `Infinity`: never. */
  readonly checkInAtMs: number;
  readonly finalAtMs: number;
  readonly ends: 'done' | 'failed' | 'notSupported' | 'canceled';
  readonly errorCode: number;
  /** False for a rotation someone else asked for, in the portal say. */
  readonly ours: boolean;
  readonly keys: readonly EscrowedKey[];
}

export type WireActionState = 'pending' | 'active' | DeviceAction['ends'];

export interface DeviceWorldOptions {
  readonly seed: number;
  readonly fleet: Fleet;
  readonly kindOfFleet: 'mixed' | 'healthy';
  readonly speed: number;
  readonly startMs: number;
  /** What Intune does with a second request while one is pending; undocumented. `queued`: both are obeyed. `merged`: the later replaces the earlier. */
  readonly secondRequest: 'queued' | 'merged';
}

export interface DeviceWorld {
  /** Accepts a request, or says why not. */
  request(index: number, nowMs: number, ours: boolean): 'accepted' | 'gone' | 'refused';
  /** Oldest first. */
  actionsOf(index: number): readonly DeviceAction[];
  /** Keys in escrow at `nowMs`, by ordinal, from `fromOrdinal`. None without an Entra device id. */
  keysOf(profile: DeviceProfile, nowMs: number, fromOrdinal: number): EscrowedKey[];
  /** The key of that id, when it is in escrow at `nowMs`, and whose it is. */
  keyWithId(keyId: string, nowMs: number): { readonly key: EscrowedKey; readonly owner: number } | undefined;
  /** Escrows a key that comes through Graph, under the id given or one of its own. */
  addKey(owner: number, volume: KeyVolume, nowMs: number, keyId: string | undefined): EscrowedKey | 'full' | 'idTaken';
  /** An accepted request of ours for the owner, through any of its records, is not final yet. */
  mayStillTakeEffect(owner: number, nowMs: number): boolean;
  lastSyncAtMs(profile: DeviceProfile, nowMs: number): number;
  /** Deletes the record from Intune; its keys stay in Entra. */
  remove(index: number): void;
  isRemoved(index: number): boolean;
  /** Every accepted request, oldest first. */
  readonly log: readonly { readonly index: number; readonly action: DeviceAction }[];
}

/** The action's state at an instant. */
export function actionStateAt(action: DeviceAction, nowMs: number): WireActionState {
  if (nowMs >= action.finalAtMs) return action.ends;
  return nowMs >= action.checkInAtMs ? 'active' : 'pending';
}

/** A world without requests yet. */
export function createDeviceWorld(options: DeviceWorldOptions): DeviceWorld {
  const { seed, fleet, speed, startMs } = options;
  const actions = new Map<number, DeviceAction[]>();
  const newKeys = new Map<number, EscrowedKey[]>();
  const requestsOf = new Map<number, number>();
  const removed = new Set<number>();
  /** Keys whose id was given, so that it does not tell whose they are. */
  const namedKeys = new Map<string, { readonly owner: number; readonly ordinal: number }>();
  const log: { readonly index: number; readonly action: DeviceAction }[] = [];

  function ending(profile: DeviceProfile, keyCount: number): Pick<DeviceAction, 'ends' | 'errorCode'> {
    switch (profile.behaviour) {
      case 'fails':
        return { ends: 'failed', errorCode: profile.errorCode };
      case 'notSupported':
        return { ends: 'notSupported', errorCode: 0 };
      case 'canceled':
        return { ends: 'canceled', errorCode: 0 };
      case 'rotates':
        if (keyCount >= KEY_CAP) return { ends: 'failed', errorCode: ESCROW_REFUSED_ERROR };
        return { ends: 'done', errorCode: 0 };
      default:
        return { ends: 'done', errorCode: 0 };
    }
  }

  /** Keys the action brings: one for the OS volume, one for each fixed data volume, none for removable ones. */
  function escrow(profile: DeviceProfile, finalAtMs: number, request: number): EscrowedKey[] {
    const known = newKeys.get(profile.owner) ?? [];
    const base = initialKeyCount(profile);
    const delayMs = (profile.escrowDelayMs ?? 5_000 + unitHash(seed, profile.index, 300 + request) * 55_000) / speed;
    const volumes: KeyVolume[] = ['operatingSystemVolume'];
    if (profile.fixedKeys > 0) volumes.push('fixedDataVolume');
    const keys: EscrowedKey[] = [];
    for (const volume of volumes) {
      if (base + known.length + keys.length >= KEY_CAP) break;
      const ordinal = nextOrdinal(base, known) + keys.length;
      keys.push({
        ordinal,
        keyId: fleet.identity.keyId(profile.owner, ordinal),
        createdAtMs: Math.ceil(finalAtMs + delayMs),
        volume,
      });
    }
    newKeys.set(profile.owner, [...known, ...keys]);
    return keys;
  }

  /** The later request takes over: what the earlier one has not brought about yet never happens. */
  function dropPending(index: number, owner: number, nowMs: number): void {
    const pending = (actions.get(index) ?? []).filter((action) => action.finalAtMs > nowMs);
    if (pending.length === 0) return;
    const dropped = new Set(pending.flatMap((action) => action.keys));
    actions.set(
      index,
      (actions.get(index) ?? []).filter((action) => action.finalAtMs <= nowMs),
    );
    newKeys.set(
      owner,
      (newKeys.get(owner) ?? []).filter((key) => !dropped.has(key)),
    );
  }

  function request(index: number, nowMs: number, ours: boolean): 'accepted' | 'gone' | 'refused' {
    const profile = fleet.profile(index);
    if (removed.has(index) || profile.behaviour === 'gone') return 'gone';
    if (profile.behaviour === 'refuses') return 'refused';
    if (options.secondRequest === 'merged') dropPending(index, profile.owner, nowMs);

    const number = requestsOf.get(index) ?? 0;
    requestsOf.set(index, number + 1);
    const delayMs = profile.checkInDelayMs ?? seededCheckInDelayMs(seed, profile, number, options.kindOfFleet);
    const never = profile.behaviour === 'neverChecksIn';
    const checkInAtMs = never ? Number.POSITIVE_INFINITY : Math.ceil(nowMs + delayMs / speed);
    const busyMs = (20_000 + unitHash(seed, index, 400 + number) * 70_000) / speed;
    const finalAtMs = profile.behaviour === 'staysPending' ? Number.POSITIVE_INFINITY : Math.ceil(checkInAtMs + busyMs);
    const end = ending(profile, initialKeyCount(profile) + (newKeys.get(profile.owner)?.length ?? 0));
    const brings = profile.behaviour === 'rotates' && end.ends === 'done';
    const keys = brings ? escrow(profile, finalAtMs, number) : [];
    const action: DeviceAction = { acceptedAtMs: nowMs, checkInAtMs, finalAtMs, ...end, ours, keys };
    const known = actions.get(index);
    if (known === undefined) actions.set(index, [action]);
    else known.push(action);
    log.push({ index, action });
    return 'accepted';
  }

  function keysOf(profile: DeviceProfile, nowMs: number, fromOrdinal: number): EscrowedKey[] {
    const keys: EscrowedKey[] = [];
    const base = initialKeyCount(profile);
    for (let ordinal = fromOrdinal; ordinal < base; ordinal += 1) {
      keys.push(initialKey(profile, ordinal, fleet.identity.keyId(profile.owner, ordinal)));
    }
    for (const key of newKeys.get(profile.owner) ?? []) {
      if (key.ordinal >= fromOrdinal && key.createdAtMs <= nowMs) keys.push(key);
    }
    return keys;
  }

  function keyWithId(keyId: string, nowMs: number): { readonly key: EscrowedKey; readonly owner: number } | undefined {
    const place = namedKeys.get(keyId.toLowerCase()) ?? fleet.identity.ownerOfKey(keyId);
    if (place === undefined || place.owner >= fleet.size || fleet.ownerOf(place.owner) !== place.owner)
      return undefined;
    const key = keysOf(fleet.profile(place.owner), nowMs, place.ordinal)[0];
    return key?.keyId === keyId.toLowerCase() ? { key, owner: place.owner } : undefined;
  }

  function addKey(
    owner: number,
    volume: KeyVolume,
    nowMs: number,
    givenId: string | undefined,
  ): EscrowedKey | 'full' | 'idTaken' {
    const known = newKeys.get(owner) ?? [];
    const base = initialKeyCount(fleet.profile(owner));
    const keyId = givenId?.toLowerCase();
    if (keyId !== undefined && keyWithId(keyId, Number.POSITIVE_INFINITY) !== undefined) return 'idTaken';
    if (base + known.length >= KEY_CAP) return 'full';
    const ordinal = nextOrdinal(base, known);
    if (keyId !== undefined) namedKeys.set(keyId, { owner, ordinal });
    const key: EscrowedKey = {
      ordinal,
      keyId: keyId ?? fleet.identity.keyId(owner, ordinal),
      createdAtMs: nowMs,
      volume,
      added: true,
    };
    newKeys.set(owner, [...known, key]);
    return key;
  }

  return {
    request,
    keysOf,
    keyWithId,
    addKey,
    actionsOf: (index) => actions.get(index) ?? [],
    mayStillTakeEffect: (owner, nowMs) =>
      fleet
        .recordsOf(owner)
        .some((index) =>
          (actions.get(index) ?? []).some(
            (action) => action.ours && nowMs < Math.min(action.finalAtMs, action.acceptedAtMs + PENDING_MATTERS_MS),
          ),
        ),
    lastSyncAtMs(profile, nowMs) {
      let last = profile.lastSyncAtMs;
      if (profile.syncEveryMs > 0 && nowMs > startMs) {
        const everyMs = profile.syncEveryMs / speed;
        last += Math.floor((nowMs - last) / everyMs) * everyMs;
      }
      for (const action of actions.get(profile.index) ?? []) {
        if (action.checkInAtMs <= nowMs && action.checkInAtMs > last) last = action.checkInAtMs;
      }
      return last;
    },
    remove: (index) => removed.add(index),
    isRemoved: (index) => removed.has(index),
    log,
  };
}
