import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../../src/domain/storage-error.ts';
import { budgetCodec } from '../../../src/storage/rows/budget-row.ts';
import { type Cells, TEXT_PER_COLUMN } from '../../../src/storage/rows/columns.ts';
import { deviceCodec } from '../../../src/storage/rows/device-row.ts';
import { quarantineCodec } from '../../../src/storage/rows/quarantine-row.ts';
import { rotationCodec } from '../../../src/storage/rows/rotation-row.ts';
import type { RowCodec } from '../../../src/storage/rows/row-codec.ts';
import { packTargets, type RunRow, runCodec, unpackTargets } from '../../../src/storage/rows/run-row.ts';
import { currentRunCodec, outcomesCodec, sliceCodec } from '../../../src/storage/rows/slice-row.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import {
  anyBudgetState,
  anyCurrentRun,
  anyDeviceRecord,
  anyOutcomes,
  anyQuarantineEntry,
  anyRotation,
  anyRun,
  anySlice,
  anyTarget,
} from '../arbitraries.ts';

const anyRunRow: Arbitrary<RunRow> = anyRun.map(({ targets, ...run }) =>
  targets === undefined ? run : { ...run, targets: packTargets(targets) },
);

/** A codec and its values, with the value's type forgotten, so that they fit in one table. */
function row<T>(name: string, codec: RowCodec<T>, values: Arbitrary<T>) {
  return {
    name,
    values: values as Arbitrary<unknown>,
    encode: (value: unknown) => codec.encode(value as T),
    decode: (cells: Readonly<Record<string, unknown>>) => codec.decode(cells) as unknown,
  };
}

const kinds = [
  row('rotation', rotationCodec, anyRotation),
  row('slice', sliceCodec, anySlice),
  row('run', runCodec, anyRunRow),
  row('current run', currentRunCodec, anyCurrentRun),
  row('outcomes', outcomesCodec, anyOutcomes),
  row('device record', deviceCodec, anyDeviceRecord),
  row('quarantine entry', quarantineCodec, anyQuarantineEntry),
  row('budget', budgetCodec, anyBudgetState),
];

/** What comes back from the service besides the columns. */
const SYSTEM = { partitionKey: 'p', rowKey: 'r', etag: 'W/"1"', timestamp: '2026-11-22T00:00:00Z' };

describe.each(kinds)('a row of kind $name', ({ values, encode, decode }) => {
  it('obeys decode(encode(row)) = row, whatever else is in the row', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decode({ ...SYSTEM, colour: 'blue', size: 7n, ...encode(value) })).toEqual(value);
      }),
    );
  });

  it('has columns of at most 64 KiB, and none that is undefined', () => {
    fc.assert(
      fc.property(values, (value) => {
        for (const cell of Object.values(encode(value))) {
          expect(cell).toBeDefined();
          if (typeof cell === 'string') expect(cell.length * 2).toBeLessThanOrEqual(64 * 1024);
        }
      }),
    );
  });

  it('is refused when a newer version wrote it, when its version is missing, and when a needed column is', () => {
    fc.assert(
      fc.property(values, (value) => {
        const cells = encode(value);
        expect(() => decode({ ...SYSTEM, ...cells, v: 2 })).toThrow(/row p \/ r: written by a newer version.*update/);
        const { v: _, ...unversioned } = cells;
        expect(() => decode({ ...SYSTEM, ...unversioned })).toThrow(/column v/);
        expect(() => decode({ ...SYSTEM, v: 1 })).toThrow(/column \w+ is missing/);
      }),
      { numRuns: 10 },
    );
  });
});

describe('damaged rows', () => {
  const cells = rotationCodec.encode(sampleRotation(7));

  it.each([
    ['state', 'rotated', /column state must hold one of planned, /],
    ['state', 7, /column state/],
    ['order', '7', /column order must hold a number/],
    ['deviceName', 7, /column deviceName must hold text/],
    ['keyBeforeAt', '2026-11-22', /column keyBeforeAt must hold an instant/],
    ['canary', 'yes', /column canary must hold true or false/],
    ['encryptionStates', '[{"look":', /column encryptionStates must hold JSON/],
    ['route', '{"via":', /column route must hold JSON/],
  ])('with a wrong %s are refused by name of table, row and column', (name, value, message) => {
    const decode = () => rotationCodec.decode({ ...SYSTEM, ...cells, [name]: value });
    expect(decode).toThrow(StorageError);
    expect(decode).toThrow(message);
    expect(decode).toThrow(/table Rotations, row p \/ r/);
  });

  it('do not come about through numbers that no column holds', () => {
    expect(() => rotationCodec.encode(sampleRotation(0, { keyCount: 2 ** 31 }))).toThrow(/column keyCount/);
    expect(() => rotationCodec.encode(sampleRotation(0, { attempt: 0.5 }))).toThrow(/column attempt/);
  });
});

describe('columns for people', () => {
  it('hold instants as dates to the millisecond, reasons and names as they are', () => {
    const atMs = Date.UTC(2026, 10, 22, 1, 2, 3, 4);
    const rotation = sampleRotation(7, { state: 'skipped', skipReason: 'osTooOld', claimedAtMs: atMs });
    const expected: Cells = {
      v: 1,
      order: 7,
      state: 'skipped',
      skipReason: 'osTooOld',
      deviceName: 'LAPTOP-7',
      claimedAt: new Date(atMs),
    };
    expect(rotationCodec.encode(rotation)).toMatchObject(expected);
  });

  it('say who holds a device’s claim, and that it is pending', () => {
    fc.assert(
      fc.property(anyDeviceRecord, (record) => {
        const { claimedByRun, claimState } = deviceCodec.encode(record);
        expect(claimedByRun).toBe(record.claim?.runId);
        const state = record.claim?.pending === undefined ? 'held' : 'pending';
        expect(claimState).toBe(record.claim && state);
      }),
    );
  });

  it('round instants that are no whole milliseconds', () => {
    expect(rotationCodec.encode(sampleRotation(0, { claimedAtMs: 1.6 })).claimedAt).toEqual(new Date(2));
  });
});

describe('long texts', () => {
  it('are cut at the column’s end, and never through a surrogate pair', () => {
    const name = `${'a'.repeat(TEXT_PER_COLUMN - 1)}🎉b`;
    const cells = rotationCodec.encode(sampleRotation(0, { deviceName: name }));
    expect(cells.deviceName).toBe('a'.repeat(TEXT_PER_COLUMN - 1));
    expect(cells.deviceName_1).toBe('🎉b');
  });
});

describe('packed targets', () => {
  it('unpack to the same targets in the same order, whatever their shapes', () => {
    fc.assert(
      fc.property(fc.array(anyTarget), (targets) => {
        expect(unpackTargets(packTargets(targets))).toEqual(targets);
      }),
    );
  });

  it('of an earlier version are still read', () => {
    const id = '0f0e0d0c-1111-4222-8333-444455556666';
    expect(unpackTargets(`e${id}\nm${id}`)).toEqual([{ entraDeviceId: id }, { managedDeviceId: id }]);
  });

  it.each(['x123', '{"managedDeviceId":', 'null', '7', '[]', 'eggs'])('are refused when damaged: %s', (line) => {
    expect(() => unpackTargets(line)).toThrow(StorageError);
  });
});
