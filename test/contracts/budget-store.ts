/** What every `BudgetStore` promises; run on memory and on Azurite. */
import { expect, it } from 'vitest';
import { type BudgetState, FRESH_BUDGET } from '../../src/domain/budget-state.ts';
import type { BudgetStore } from '../../src/domain/budget-store.ts';

const STATE: BudgetState = {
  ...FRESH_BUDGET,
  holds: [{ owner: 'a', count: 40, releaseAtMs: 1_790_000_020_000.5 }],
  wants: [{ owner: 'b', count: 1, untilMs: 1_790_000_001_000 }],
  pausedUntilMs: 1_790_000_000_000.25,
  factor: 1 / 3,
  pace: 'smooth',
  smoothRunId: 'run-1',
  nextStartAtMs: 1_790_000_000_101.5,
};

/** `fresh` gives an empty store. */
export function budgetStoreContract(fresh: () => BudgetStore | Promise<BudgetStore>): void {
  it('keeps one state per request class, to the last digit', async () => {
    const store = await fresh();
    expect(await store.read('write')).toBeUndefined();
    const version = await store.write('write', STATE, undefined);
    expect(await store.read('write')).toEqual({ value: STATE, version });
    expect(await store.read('any')).toBeUndefined();
  });

  it('is written by the holder of the latest version only', async () => {
    const store = await fresh();
    const first = await store.write('key', STATE, undefined);
    expect(await store.write('key', FRESH_BUDGET, undefined)).toBeUndefined();
    const second = await store.write('key', { ...STATE, factor: 0.5 }, first);
    expect(second).toBeDefined();
    expect(await store.write('key', FRESH_BUDGET, first)).toBeUndefined();
    expect(await store.read('key')).toEqual({ value: { ...STATE, factor: 0.5 }, version: second });
  });

  it('has one winner among writers at the same time', async () => {
    const store = await fresh();
    const first = await store.write('any', STATE, undefined);
    const versions = await Promise.all(
      [0.1, 0.2, 0.3].map((factor) => store.write('any', { ...STATE, factor }, first)),
    );
    expect(versions.filter((version) => version !== undefined)).toHaveLength(1);
  });

  it('keeps a state longer than one column', async () => {
    const store = await fresh();
    const holds = Array.from({ length: 2_000 }, (_, i) => ({ owner: `owner-${i}`, count: 1, releaseAtMs: i }));
    await store.write('write', { ...STATE, holds }, undefined);
    expect((await store.read('write'))?.value.holds).toEqual(holds);
  });
}
