import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntraDeviceId, RunId, TenantId } from '../../src/domain/ids.ts';
import {
  currentPartition,
  devicePartition,
  orderKey,
  poisonQueueOf,
  QUEUES,
  rotationRow,
  rowKeyOf,
  runPartition,
  TABLES,
} from '../../src/storage/names.ts';
import { sampleRotation } from '../contracts/samples.ts';

const tenant = '11111111-2222-3333-4444-555555555555' as TenantId;

describe('names in storage', () => {
  it('are the contract’s', () => {
    expect(Object.values(TABLES)).toEqual(['Runs', 'Rotations', 'Devices', 'Quarantine', 'Budgets']);
    expect(Object.values(QUEUES)).toEqual(['rotation-requests', 'rotation-runs', 'encryption-states']);
    expect(poisonQueueOf('rotation-runs')).toBe('rotation-runs-poison');
  });

  it('put a device into the shard of the first digit of its id', () => {
    expect(devicePartition(tenant, 'a0000000-0000-4000-8000-000000000000' as EntraDeviceId)).toBe(`${tenant}_a`);
  });

  it('keep the rows of a run and the current pointer out of the partition that lists runs', () => {
    expect(runPartition(tenant, 'r-1' as RunId)).toBe(`${tenant}_r-1`);
    expect(currentPartition(tenant)).toBe(`${tenant}_current`);
  });

  it('sort like orders, and every key of an order lies between it and the next', () => {
    const order = fc.integer({ min: 0, max: 9_999_998 });
    fc.assert(
      fc.property(order, order, (a, b) => {
        expect(orderKey(a) < orderKey(b)).toBe(a < b);
        const key = rotationRow(sampleRotation(a));
        expect(key >= orderKey(a) && key < orderKey(a + 1)).toBe(true);
      }),
    );
    expect(rotationRow(sampleRotation(9_999_999)) < orderKey(10_000_000)).toBe(true);
    expect(() => rotationRow(sampleRotation(10_000_000))).toThrow(RangeError);
  });

  it('make different, legal row keys of different texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(rowKeyOf(a)).toMatch(/^[0-9A-Za-z._=-]*$/);
        expect(rowKeyOf(a) === rowKeyOf(b)).toBe(a === b);
      }),
    );
  });
});
