/** Tells what was seen shortly before, in little memory: pages of a listing come again next to themselves. Layer: app. */
import { GUID_BYTES } from './guid-bytes.ts';
import { createGuidTable } from './guid-table.ts';

export interface RecentGuids {
  /** Notes the GUID. False when it is one of the last that were noted; older ones are forgotten. */
  isNew(bytes: Uint8Array, offset: number): boolean;
}

/** Remembers the last `atLeast` GUIDs, and at most twice as many: 48 bytes each. */
export function createRecentGuids(atLeast: number): RecentGuids {
  let older = createGeneration(atLeast);
  let newer = createGeneration(atLeast);
  return {
    isNew(bytes, offset) {
      if (newer.has(bytes, offset) || older.has(bytes, offset)) return false;
      if (newer.isFull()) [older, newer] = [newer, createGeneration(atLeast)];
      newer.add(bytes, offset);
      return true;
    },
  };
}

function createGeneration(capacity: number) {
  const guids = new Uint8Array(capacity * GUID_BYTES);
  const table = createGuidTable(capacity, (index) => ({ bytes: guids, offset: index * GUID_BYTES }));
  let size = 0;
  return {
    has: (bytes: Uint8Array, offset: number) => size > 0 && table.find(bytes, offset) >= 0,
    isFull: () => size === capacity,
    add(bytes: Uint8Array, offset: number): void {
      guids.set(bytes.subarray(offset, offset + GUID_BYTES), size * GUID_BYTES);
      table.set(size);
      size += 1;
    },
  };
}
