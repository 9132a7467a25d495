/** An open-addressing hash table from GUID bytes to small integers; the bytes stay where they are. Layer: app. */
import { hashGuid, sameGuid } from './guid-bytes.ts';

/** Where the GUID of an entry stands. */
export type Locate = (index: number) => { readonly bytes: Uint8Array; readonly offset: number };

export interface GuidTable {
  /** The index under that GUID, or −1. */
  find(bytes: Uint8Array, offset: number): number;
  /** Puts `index` under its GUID, replacing what was there. */
  set(index: number): void;
}

/** Room for `capacity` entries; it does not grow. */
export function createGuidTable(capacity: number, locate: Locate): GuidTable {
  let size = 16;
  while (size < capacity * 2) size *= 2;
  const slots = new Int32Array(size).fill(-1);
  const mask = size - 1;

  function slotOf(bytes: Uint8Array, offset: number): number {
    let slot = hashGuid(bytes, offset) & mask;
    for (;;) {
      const index = slots[slot] as number;
      if (index < 0) return slot;
      const there = locate(index);
      if (sameGuid(there.bytes, there.offset, bytes, offset)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  return {
    find: (bytes, offset) => slots[slotOf(bytes, offset)] as number,
    set: (index) => {
      const { bytes, offset } = locate(index);
      slots[slotOf(bytes, offset)] = index;
    },
  };
}
