/** Ids that carry the device's index, scrambled: a million devices can be found by id without a table. Layer: simulator. */
import { guidOf, hash32 } from '../seeded-random.ts';

/** Ids by index, and back. */
export interface DeviceIdentity {
  managedDeviceId(index: number): string;
  entraDeviceId(index: number): string;
  userId(index: number): string;
  /** Id of the `ordinal`-th recovery key (0 to 65,535) ever escrowed for a device. */
  keyId(owner: number, ordinal: number): string;
  /** `undefined` when the id was not made here. */
  indexOfManagedDevice(id: string): number | undefined;
  indexOfEntraDevice(id: string): number | undefined;
  ownerOfKey(id: string): { readonly owner: number; readonly ordinal: number } | undefined;
  /** A unique number for the index that looks random, 0 to 2³² − 1. */
  scrambled(index: number): number;
}

const MANAGED = 1;
const ENTRA = 2;
const KEY = 3;
const USER = 4;
const ROUNDS = [0, 1, 2, 3] as const;

/** A Feistel network over 16-bit halves: whatever the round function, it can be undone. */
function scramble(index: number, seed: number, salt: number): number {
  let left = index >>> 16;
  let right = index & 0xffff;
  for (const round of ROUNDS) {
    [left, right] = [right, left ^ (hash32(seed, right, salt * 8 + round) & 0xffff)];
  }
  return ((left << 16) | right) >>> 0;
}

function unscramble(word: number, seed: number, salt: number): number {
  let left = word >>> 16;
  let right = word & 0xffff;
  for (const round of ROUNDS.toReversed()) {
    [left, right] = [right ^ (hash32(seed, left, salt * 8 + round) & 0xffff), left];
  }
  return ((left << 16) | right) >>> 0;
}

/** Ids of one seeded fleet. */
export function createDeviceIdentity(seed: number): DeviceIdentity {
  const idOf = (index: number, salt: number): string =>
    guidOf(
      scramble(index, seed, salt),
      hash32(seed, index, salt * 8 + 5),
      hash32(seed, index, salt * 8 + 6),
      hash32(seed, index, salt * 8 + 7),
    );

  const indexOf = (id: string, salt: number): number | undefined => {
    const lower = id.toLowerCase();
    const index = unscramble(Number.parseInt(lower.slice(0, 8), 16) >>> 0, seed, salt);
    return idOf(index, salt) === lower ? index : undefined;
  };

  const keyMask = (owner: number): number => hash32(seed, owner, KEY * 8 + 5) & 0xffff;
  const keyId = (owner: number, ordinal: number): string => {
    const tail = hash32(seed, owner, 1000 + ordinal);
    return guidOf(scramble(owner, seed, KEY), ((ordinal ^ keyMask(owner)) << 16) | (tail & 0xffff), tail, ~tail);
  };

  return {
    managedDeviceId: (index) => idOf(index, MANAGED),
    entraDeviceId: (index) => idOf(index, ENTRA),
    userId: (index) => idOf(index, USER),
    keyId,
    indexOfManagedDevice: (id) => indexOf(id, MANAGED),
    indexOfEntraDevice: (id) => indexOf(id, ENTRA),
    ownerOfKey(id) {
      const lower = id.toLowerCase();
      const owner = unscramble(Number.parseInt(lower.slice(0, 8), 16) >>> 0, seed, KEY);
      const ordinal = Number.parseInt(lower.slice(9, 13), 16) ^ keyMask(owner);
      return keyId(owner, ordinal) === lower ? { owner, ordinal } : undefined;
    },
    scrambled: (index) => scramble(index, seed, 0),
  };
}
