/** What requests have changed: actions on their way, keys they brought, devices removed. Evaluated when read; no timers. Layer: simulator. */
import { unitHash } from '../seeded-random.ts';
import type { DeviceProfile } from './device-profile.ts';
import { seededCheckInDelayMs } from './device-traits.ts';
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

export type KeyVolume = 'operatingSystemVolume' | 'fixedDataVolume' | 'removableDataVolume';

export interface EscrowedKey {
  /** Position among all keys ever escrowed for the device; also its paging cursor. */
  readonly ordinal: number;
  readonly keyId: string;
  readonly createdAtMs: number;
  readonly volume: KeyVolume;
}

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
    const base = baseKeyCount(profile);
    const delayMs = (profile.escrowDelayMs ?? 5_000 + unitHash(seed, profile.index, 300 + request) * 55_000) / speed;
    const volumes: KeyVolume[] = ['operatingSystemVolume'];
    if (profile.fixedKeys > 0) volumes.push('fixedDataVolume');
    const keys: EscrowedKey[] = [];
    for (const volume of volumes) {
      const ordinal = base + known.length + keys.length;
      if (ordinal >= KEY_CAP) break;
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
    const end = ending(profile, baseKeyCount(profile) + (newKeys.get(profile.owner)?.length ?? 0));
    const brings = profile.behaviour === 'rotates' && end.ends === 'done';
    const keys = brings ? escrow(profile, finalAtMs, number) : [];
    const action: DeviceAction = { acceptedAtMs: nowMs, checkInAtMs, finalAtMs, ...end, ours, keys };
    const known = actions.get(index);
    if (known === undefined) actions.set(index, [action]);
    else known.push(action);
    log.push({ index, action });
    return 'accepted';
  }

  return {
    request,
    actionsOf: (index) => actions.get(index) ?? [],
    keysOf(profile, nowMs, fromOrdinal) {
      const keys: EscrowedKey[] = [];
      const base = baseKeyCount(profile);
      for (let ordinal = fromOrdinal; ordinal < base; ordinal += 1) {
        keys.push(baseKey(profile, ordinal, fleet.identity.keyId(profile.owner, ordinal)));
      }
      for (const key of newKeys.get(profile.owner) ?? []) {
        if (key.ordinal >= fromOrdinal && key.createdAtMs <= nowMs) keys.push(key);
      }
      return keys;
    },
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

function baseKeyCount(profile: DeviceProfile): number {
  return profile.osKeys + profile.fixedKeys + profile.removableKeys;
}

/** Ordinals of the keys a device starts with: OS volume oldest first, then fixed, then removable. */
function baseKey(profile: DeviceProfile, ordinal: number, keyId: string): EscrowedKey {
  const { osKeys, fixedKeys, newestKeyAtMs, keySpacingMs } = profile;
  if (ordinal < osKeys) {
    const createdAtMs = Math.floor(newestKeyAtMs - (osKeys - 1 - ordinal) * keySpacingMs);
    return { ordinal, keyId, createdAtMs, volume: 'operatingSystemVolume' };
  }
  const fixed = ordinal < osKeys + fixedKeys;
  // A little newer than the OS volume's, so that nobody proves a rotation by the wrong volume.
  const createdAtMs = Math.floor(newestKeyAtMs + (ordinal - osKeys + 1) * 60_000);
  return { ordinal, keyId, createdAtMs, volume: fixed ? 'fixedDataVolume' : 'removableDataVolume' };
}
