/** The devices of a tenant, made on the fly from a seed or from a test's list; nothing is kept per device. Layer: simulator. */
import { hash32 } from '../seeded-random.ts';
import { createDeviceIdentity, type DeviceIdentity } from './device-identity.ts';
import { behaviourOf, type DeviceKind, MIXED_BLOCK } from './device-kind.ts';
import { type DeviceProfile, type DeviceSpec, ZERO_GUID } from './device-profile.ts';
import { seededProfile } from './device-traits.ts';

export interface FleetOptions {
  readonly seed: number;
  /** How many, seeded; or the devices themselves. */
  readonly devices: number | readonly DeviceSpec[];
  /** `mixed`: every kind, in real-world shares. `healthy`: every device is due and answers soon. */
  readonly fleet: 'mixed' | 'healthy';
  /** Ages count back from here. */
  readonly startMs: number;
}

export interface Fleet {
  readonly size: number;
  readonly identity: DeviceIdentity;
  /** @throws {RangeError} outside 0 to size − 1. */
  profile(index: number): DeviceProfile;
  /** Index of the record that owns the keys of this one. */
  ownerOf(index: number): number;
  /** Indices of all records with the owner's Entra device id. */
  recordsOf(owner: number): readonly number[];
  indexOfManagedDevice(id: string): number | undefined;
  ownerOfEntraDevice(id: string): number | undefined;
}

/** @throws {RangeError} when the number of devices is not a whole number from 0 to 16 million. */
export function createFleet(options: FleetOptions): Fleet {
  return typeof options.devices === 'number'
    ? createSeededFleet(options, options.devices)
    : createListedFleet(options, options.devices);
}

function checkIndex(index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`device index must be 0 to ${size - 1}, got ${index}`);
  }
}

function createSeededFleet(options: FleetOptions, size: number): Fleet {
  // Ids and paging cursors keep the index in few bits.
  if (!Number.isInteger(size) || size < 0 || size > 2 ** 24) {
    throw new RangeError(`devices must be a whole number from 0 to ${2 ** 24}, got ${size}`);
  }
  const { seed, startMs } = options;
  const identity = createDeviceIdentity(seed);
  const known = (index: number | undefined): number | undefined =>
    index !== undefined && index < size ? index : undefined;

  /** Each 200 devices hold exactly the mixed block, in an order of their own: 200 and the odd steps not divisible by 5 share no factor. */
  function drawnKind(index: number): DeviceKind {
    if (options.fleet === 'healthy') return 'online';
    const block = Math.floor(index / MIXED_BLOCK.length);
    const step = [1, 3, 7, 9, 11, 13, 17, 19][hash32(seed, block, 900) % 8] as number;
    const place = ((index % MIXED_BLOCK.length) * step * 7 + (hash32(seed, block, 901) % 200)) % MIXED_BLOCK.length;
    const kind = MIXED_BLOCK[place] as DeviceKind;
    // Devices with hundreds of keys are rare: one block in five has them.
    return block % 5 !== 0 && (kind === 'keyCap' || kind === 'nearKeyCap') ? 'online' : kind;
  }

  /** A second record needs a first: the device before it, when that one simply works. */
  function kindAt(index: number): DeviceKind {
    const kind = drawnKind(index);
    if (kind !== 'duplicateRecord') return kind;
    return index > 0 && drawnKind(index - 1) === 'online' ? kind : 'online';
  }

  const ownerOf = (index: number): number => (kindAt(index) === 'duplicateRecord' ? index - 1 : index);

  // One request asks for one device several times.
  let last: DeviceProfile | undefined;
  function profile(index: number): DeviceProfile {
    if (last?.index !== index) last = made(index);
    return last;
  }

  function made(index: number): DeviceProfile {
    checkIndex(index, size);
    const kind = kindAt(index);
    const own = seededProfile(seed, identity, index, kind, startMs, options.fleet);
    if (kind !== 'duplicateRecord') return own;
    const first = seededProfile(seed, identity, index - 1, 'online', startMs, options.fleet);
    return {
      ...first,
      index,
      kind,
      owner: index - 1,
      behaviour: behaviourOf(kind),
      managedDeviceId: own.managedDeviceId,
      lastSyncAtMs: own.lastSyncAtMs,
      syncEveryMs: 0,
    };
  }

  return {
    size,
    identity,
    profile,
    ownerOf,
    recordsOf: (owner) => {
      const next = owner + 1;
      return next < size && kindAt(next) === 'duplicateRecord' ? [owner, next] : [owner];
    },
    indexOfManagedDevice: (id) => known(identity.indexOfManagedDevice(id)),
    ownerOfEntraDevice: (id) => {
      const index = known(identity.indexOfEntraDevice(id));
      return index !== undefined && ownerOf(index) === index && kindAt(index) !== 'noEntraId' ? index : undefined;
    },
  };
}

function createListedFleet(options: FleetOptions, specs: readonly DeviceSpec[]): Fleet {
  const identity = createDeviceIdentity(options.seed);
  const profiles: DeviceProfile[] = [];
  const byManaged = new Map<string, number>();
  const byEntra = new Map<string, number[]>();

  for (const [index, spec] of specs.entries()) {
    const seeded = specifiedProfile(options, identity, index, spec);
    const shared = seeded.entraDeviceId === ZERO_GUID ? [] : (byEntra.get(seeded.entraDeviceId) ?? []);
    const profile = { ...seeded, owner: shared[0] ?? index };
    if (byManaged.has(profile.managedDeviceId)) {
      throw new RangeError(`two devices have the managed device id ${profile.managedDeviceId}`);
    }
    profiles.push(profile);
    byManaged.set(profile.managedDeviceId, index);
    if (profile.entraDeviceId !== ZERO_GUID) byEntra.set(profile.entraDeviceId, [...shared, index]);
  }

  const profile = (index: number): DeviceProfile => {
    checkIndex(index, profiles.length);
    return profiles[index] as DeviceProfile;
  };
  return {
    size: profiles.length,
    identity,
    profile,
    ownerOf: (index) => profile(index).owner,
    recordsOf: (owner) => byEntra.get(profile(owner).entraDeviceId) ?? [owner],
    indexOfManagedDevice: (id) => byManaged.get(id.toLowerCase()),
    ownerOfEntraDevice: (id) => byEntra.get(id.toLowerCase())?.[0],
  };
}

const DAY = 86_400_000;

function specifiedProfile(
  options: FleetOptions,
  identity: DeviceIdentity,
  index: number,
  spec: DeviceSpec,
): DeviceProfile {
  const kind = spec.kind ?? 'online';
  // 'healthy': unless the test says otherwise, a listed device is due.
  const base = seededProfile(options.seed, identity, index, kind, options.startMs, 'healthy');
  return {
    ...base,
    ...given('behaviour', spec.behaviour),
    ...given('deviceName', spec.name),
    ...given('managedDeviceId', spec.managedDeviceId?.toLowerCase()),
    ...given('entraDeviceId', spec.entraDeviceId?.toLowerCase()),
    ...given('serialNumber', spec.serialNumber),
    ...given('userPrincipalName', spec.userPrincipalName),
    ...given('operatingSystem', spec.operatingSystem),
    ...given('osVersion', spec.osVersion),
    ...given('isEncrypted', spec.isEncrypted),
    ...given('enrollmentType', spec.enrollmentType),
    ...given('managementAgent', spec.managementAgent),
    ...given('managementState', spec.managementState),
    ...given('osKeys', spec.osKeys),
    ...given('fixedKeys', spec.fixedKeys),
    ...given('removableKeys', spec.removableKeys),
    ...given('errorCode', spec.errorCode),
    ...given('checkInDelayMs', spec.checkInDelayMs),
    ...given('escrowDelayMs', spec.escrowDelayMs),
    ...(spec.keyAgeDays === undefined ? {} : { newestKeyAtMs: options.startMs - spec.keyAgeDays * DAY }),
    ...(spec.lastSyncAgoMs === undefined ? {} : { lastSyncAtMs: options.startMs - spec.lastSyncAgoMs, syncEveryMs: 0 }),
  };
}

/** The property, when a value was given. */
function given<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, V>>);
}
