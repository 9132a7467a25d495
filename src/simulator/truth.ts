/** What the devices really did: the yardstick for every summary and report. Layer: simulator. */
import type { CreatedState, CreatedStates } from './devices/created-states.ts';
import { DEVICE_KINDS, type DeviceKind, reasonOf } from './devices/device-kind.ts';
import type { DeviceProfile } from './devices/device-profile.ts';
import { actionStateAt, type DeviceWorld, type WireActionState } from './devices/device-world.ts';
import type { Fleet } from './devices/fleet.ts';
import type { ReceivedKey, ReceivedKeys } from './devices/received-keys.ts';
import type { Scripts } from './devices/scripts.ts';

export interface DeviceTruth {
  readonly index: number;
  readonly kind: DeviceKind;
  /** Why its rotation ends the way it does, in words. */
  readonly reason: string;
  readonly managedDeviceId: string;
  readonly entraDeviceId: string;
  readonly deviceName: string;
  /** Requests of ours that were accepted for this record. */
  readonly requested: number;
  /** State of the last action, whoever asked; absent before the first. */
  readonly actionState?: WireActionState;
  /** OS-volume keys that rotations escrowed since the start; keys added through Graph do not count. */
  readonly rotated: number;
  /** Newest OS-volume key in escrow. */
  readonly newestKey?: { readonly keyId: string; readonly createdAtMs: number };
}

/** Per kind: devices, those we asked (accepted), and those that rotated. */
export type KindSummary = Readonly<
  Record<DeviceKind, { readonly devices: number; readonly requested: number; readonly rotated: number }>
>;

export interface Truth {
  readonly size: number;
  /** By index, managed device id or name (the first of that name). */
  device(key: number | string): DeviceTruth | undefined;
  /** All, one after the other. */
  devices(): IterableIterator<DeviceTruth>;
  /** Those with an accepted request, ours or not. */
  asked(): readonly DeviceTruth[];
  /** How many devices have a new OS-volume key in escrow by now. */
  rotatedCount(): number;
  summary(): KindSummary;
  /** By what else people call the device. @throws {RangeError} for an unknown index. */
  namesOf(index: number): DeviceNames;
  /** The devices on which the script finds a problem. @throws {RangeError} for an unknown script. */
  failingOf(scriptId: string): readonly DeviceTruth[];
  /** Encryption states that were created through Graph, oldest first. */
  readonly createdStates: readonly CreatedState[];
  /** How many of them gave that `id` or `deviceName`. */
  createdStatesOf(device: string): number;
  /** Recovery keys that were added or updated through Graph, oldest first; without their passwords. */
  readonly escrowed: readonly ReceivedKey[];
}

export interface DeviceNames {
  readonly deviceName: string;
  readonly serialNumber: string;
  readonly userPrincipalName: string;
  readonly userId: string;
}

/** Where the truth is kept; `nowMs`: the tenant's present. */
export interface TruthSources {
  readonly fleet: Fleet;
  readonly world: DeviceWorld;
  readonly scripts: Scripts;
  readonly createdStates: CreatedStates;
  readonly receivedKeys: ReceivedKeys;
  readonly nowMs: () => number;
}

/** Reads the sources at the tenant's present. */
export function createTruth(sources: TruthSources): Truth {
  const { fleet, world, scripts, createdStates, receivedKeys, nowMs } = sources;

  function truthOf(profile: DeviceProfile): DeviceTruth {
    const actions = world.actionsOf(profile.index);
    const last = actions.at(-1);
    const osKeys = world.keysOf(profile, nowMs(), 0).filter(({ volume }) => volume === 'operatingSystemVolume');
    const newest = osKeys.reduce<(typeof osKeys)[number] | undefined>(
      (a, b) => (a === undefined || b.createdAtMs > a.createdAtMs ? b : a),
      undefined,
    );
    return {
      index: profile.index,
      kind: profile.kind,
      reason: reasonOf(profile.kind),
      managedDeviceId: profile.managedDeviceId,
      entraDeviceId: profile.entraDeviceId,
      deviceName: profile.deviceName,
      requested: actions.filter(({ ours }) => ours).length,
      rotated: osKeys.filter(({ added }) => added === undefined).length - profile.osKeys,
      ...(last === undefined ? {} : { actionState: actionStateAt(last, nowMs()) }),
      ...(newest === undefined ? {} : { newestKey: { keyId: newest.keyId, createdAtMs: newest.createdAtMs } }),
    };
  }

  function* devices(): IterableIterator<DeviceTruth> {
    for (let index = 0; index < fleet.size; index += 1) yield truthOf(fleet.profile(index));
  }

  const askedIndices = (): readonly number[] => [...new Set(world.log.map(({ index }) => index))];

  return {
    size: fleet.size,
    device(key) {
      if (typeof key === 'number') return truthOf(fleet.profile(key));
      const index = fleet.indexOfManagedDevice(key);
      if (index !== undefined) return truthOf(fleet.profile(index));
      for (let i = 0; i < fleet.size; i += 1) {
        const profile = fleet.profile(i);
        if (profile.deviceName.toLowerCase() === key.toLowerCase()) return truthOf(profile);
      }
      return undefined;
    },
    devices,
    asked: () => askedIndices().map((index) => truthOf(fleet.profile(index))),
    rotatedCount: () => {
      const owners = new Set(askedIndices().map((index) => fleet.ownerOf(index)));
      let count = 0;
      for (const owner of owners) if (truthOf(fleet.profile(owner)).rotated > 0) count += 1;
      return count;
    },
    summary() {
      const kinds = Object.fromEntries(
        DEVICE_KINDS.map((kind) => [kind, { devices: 0, requested: 0, rotated: 0 }]),
      ) as Record<DeviceKind, { devices: number; requested: number; rotated: number }>;
      for (const { kind, requested, rotated } of devices()) {
        const row = kinds[kind];
        row.devices += 1;
        if (requested > 0) row.requested += 1;
        if (rotated > 0 && kind !== 'duplicateRecord') row.rotated += 1;
      }
      return kinds;
    },
    namesOf(index) {
      const { deviceName, serialNumber, userPrincipalName, userId } = fleet.profile(index);
      return { deviceName, serialNumber, userPrincipalName, userId };
    },
    failingOf(scriptId) {
      const script = scripts.withId(scriptId);
      if (script === undefined) throw new RangeError(`no script has the id ${scriptId}`);
      const failing: DeviceTruth[] = [];
      for (let index = 0; index < fleet.size; index += 1) {
        const profile = fleet.profile(index);
        if (script.runStateOn(profile) === 'fail') failing.push(truthOf(profile));
      }
      return failing;
    },
    createdStates: createdStates.log,
    createdStatesOf: createdStates.countFor,
    escrowed: receivedKeys.log,
  };
}
