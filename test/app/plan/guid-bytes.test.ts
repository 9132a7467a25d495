import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GUID_BYTES, hashGuid, readGuid, sameGuid, writeGuid } from '../../../src/app/plan/guid-bytes.ts';
import { createGuidTable } from '../../../src/app/plan/guid-table.ts';

const ZERO = '00000000-0000-0000-0000-000000000000';
/** Any sixteen bytes but sixteen zeros, in lower case. */
const guid = fc
  .uint8Array({ minLength: GUID_BYTES, maxLength: GUID_BYTES })
  .filter((bytes) => bytes.some((byte) => byte !== 0))
  .map((bytes) =>
    Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  );

describe('GUID bytes', () => {
  it('say the GUID that was written, and touch nothing around it', () => {
    fc.assert(
      fc.property(guid, fc.nat({ max: 9 }), (id, offset) => {
        const bytes = new Uint8Array(offset + GUID_BYTES + 1).fill(0xee);
        writeGuid(bytes, offset, id);
        expect(readGuid(bytes, offset)).toBe(id);
        expect(bytes.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
        expect(bytes.at(-1)).toBe(0xee);
      }),
    );
  });

  it('keep the order of the letters', () => {
    fc.assert(
      fc.property(guid, guid, (a, b) => {
        const [x, y] = [Buffer.alloc(GUID_BYTES), Buffer.alloc(GUID_BYTES)];
        writeGuid(x, 0, a);
        writeGuid(y, 0, b);
        expect(Buffer.compare(x, y)).toBe(a < b ? -1 : Number(a > b));
      }),
    );
  });

  it('of none, or of all zeros, are none', () => {
    const bytes = new Uint8Array(GUID_BYTES).fill(7);
    writeGuid(bytes, 0, undefined);
    expect(readGuid(bytes, 0)).toBeUndefined();
    writeGuid(bytes, 0, ZERO);
    expect(readGuid(bytes, 0)).toBeUndefined();
  });

  it('are the same, and hash the same, exactly when the GUIDs are the same', () => {
    fc.assert(
      fc.property(guid, guid, (a, b) => {
        const bytes = new Uint8Array(2 * GUID_BYTES);
        writeGuid(bytes, 0, a);
        writeGuid(bytes, GUID_BYTES, b);
        expect(sameGuid(bytes, 0, bytes, GUID_BYTES)).toBe(a === b);
        if (a === b) expect(hashGuid(bytes, 0)).toBe(hashGuid(bytes, GUID_BYTES));
        expect(hashGuid(bytes, 0)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('createGuidTable', () => {
  it('is a map from GUIDs to the last index set under them', () => {
    fc.assert(
      fc.property(fc.array(guid, { maxLength: 60 }), fc.array(guid, { maxLength: 10 }), (ids, others) => {
        const bytes = new Uint8Array(ids.length * GUID_BYTES);
        for (const [i, id] of ids.entries()) writeGuid(bytes, i * GUID_BYTES, id);
        const table = createGuidTable(ids.length, (index) => ({ bytes, offset: index * GUID_BYTES }));
        const map = new Map<string, number>();
        for (const [i, id] of ids.entries()) {
          table.set(i);
          map.set(id, i);
        }
        const probe = new Uint8Array(GUID_BYTES);
        for (const id of [...ids, ...others]) {
          writeGuid(probe, 0, id);
          expect(table.find(probe, 0)).toBe(map.get(id) ?? -1);
        }
      }),
    );
  });

  it('keeps GUIDs apart that differ in one place only', () => {
    const ids = Array.from({ length: 5_000 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
    const bytes = new Uint8Array(ids.length * GUID_BYTES);
    const table = createGuidTable(ids.length, (index) => ({ bytes, offset: index * GUID_BYTES }));
    for (const [i, id] of ids.entries()) {
      writeGuid(bytes, i * GUID_BYTES, id);
      table.set(i);
    }
    expect(ids.every((_, i) => table.find(bytes, i * GUID_BYTES) === i)).toBe(true);
  });
});
