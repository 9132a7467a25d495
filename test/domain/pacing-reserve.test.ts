import { describe, expect, it } from 'vitest';
import { type BudgetState, FRESH_BUDGET } from '../../src/domain/budget-state.ts';
import { type Ask, certainlyNotBeforeMs, reserve } from '../../src/domain/pacing-reserve.ts';
import { pacingRule } from '../../src/domain/pacing-rule.ts';

const NOW_MS = 1_795_334_400_000;
const rule = pacingRule({ limit: 200, windowMs: 20_000 }, 30_000);
const ASK: Ask = {
  owner: 'a',
  own: { held: 0, useByMs: 0, used: [] },
  need: 32,
  spare: 0,
  atLeast: 1,
  demand: 1,
  priority: 'bulk',
  aheadMs: 1_250,
  leastUseMs: 0,
};
const SMOOTH: BudgetState = { ...FRESH_BUDGET, pace: 'smooth' };
const offsets = (starts: readonly { readonly atMs: number; readonly count: number }[]) =>
  starts.map(({ atMs, count }) => [Math.round(atMs - NOW_MS), count]);

describe('reserving while eager', () => {
  it('grants what is asked for at once while there is room', () => {
    const result = reserve(FRESH_BUDGET, { ...ASK, spare: 8 }, rule, NOW_MS);
    expect(offsets(result.starts)).toEqual([[0, 40]]);
    expect(result.state.holds).toMatchObject([{ owner: 'a', count: 40 }]);
  });

  it('grants slots of the near future as they free up, and says when the next does', () => {
    const used = [
      { atMs: NOW_MS + 100, count: 3 },
      { atMs: NOW_MS + 900, count: 2 },
      { atMs: NOW_MS + 1_900, count: 195 },
    ];
    const result = reserve(FRESH_BUDGET, { ...ASK, own: { ...ASK.own, used } }, rule, NOW_MS);
    expect(offsets(result.starts)).toEqual([
      [100, 3],
      [900, 2],
    ]);
    expect(result.nextAtMs).toBe(NOW_MS + 1_900);
  });

  it("lets another's slots rest longer by what two clocks may differ", () => {
    const other = [{ owner: 'b', fromMs: NOW_MS, stepMs: 1, slots: [100, 200] }];
    const result = reserve({ ...FRESH_BUDGET, used: other }, ASK, rule, NOW_MS);
    expect(offsets(result.starts)).toEqual([[1_100, 32]]);
  });

  it('completes a large demand beyond the near future once its first slot is near', () => {
    const used = [
      { atMs: NOW_MS + 1_000, count: 5 },
      { atMs: NOW_MS + 8_000, count: 195 },
    ];
    const ask = { ...ASK, need: 20, demand: 20, atLeast: 20, own: { ...ASK.own, used } };
    expect(offsets(reserve(FRESH_BUDGET, ask, rule, NOW_MS).starts)).toEqual([
      [1_000, 5],
      [8_000, 15],
    ]);
  });

  it('grants nothing that is far off', () => {
    const own = { ...ASK.own, used: [{ atMs: NOW_MS + 9_000, count: 200 }] };
    const result = reserve(FRESH_BUDGET, { ...ASK, own }, rule, NOW_MS);
    expect(result.starts).toEqual([]);
    expect(result.nextAtMs).toBe(NOW_MS + 9_000);
  });

  it('grants no more than the share in use, but a single demand above it whole', () => {
    const state = { ...FRESH_BUDGET, factor: 0.05, ceiling: 0.05, factorAtMs: NOW_MS };
    expect(offsets(reserve(state, ASK, rule, NOW_MS).starts)).toEqual([[0, 10]]);
    expect(offsets(reserve(state, { ...ASK, need: 20, demand: 20, atLeast: 20 }, rule, NOW_MS).starts)).toEqual([
      [0, 20],
    ]);
  });
});

describe('reserving while smooth', () => {
  it('spreads starts evenly at 98.5 % of the rate, after a catch-up of a few', () => {
    const result = reserve(SMOOTH, ASK, rule, NOW_MS);
    const atMs = result.starts.map((start) => start.atMs - NOW_MS);
    expect(atMs.slice(0, 4)).toEqual([0, 0, 0, 0]);
    const gaps = atMs.slice(5).map((each, i) => each - (atMs[i + 4] ?? 0));
    for (const gap of gaps) expect(gap).toBeCloseTo(20_000 / (200 * 0.985), 2);
    expect(atMs.at(-1)).toBeLessThanOrEqual(1_250);
  });

  it('goes on where the last block ended, whoever reserved it', () => {
    const first = reserve(SMOOTH, ASK, rule, NOW_MS);
    const second = reserve(first.state, { ...ASK, owner: 'b' }, rule, NOW_MS + 1_000);
    const gapMs = (second.starts[0]?.atMs ?? 0) - (first.starts.at(-1)?.atMs ?? 0);
    expect(gapMs).toBeCloseTo(20_000 / (200 * 0.985), 2);
  });

  it('spreads what follows a pause, too', () => {
    const state = { ...SMOOTH, pausedUntilMs: NOW_MS + 500 };
    const result = reserve(state, ASK, rule, NOW_MS);
    expect(result.starts[0]?.atMs).toBe(NOW_MS + 500);
    expect(result.starts.length).toBeLessThan(15);
  });
});

describe('on-demand wants', () => {
  const full = { ...FRESH_BUDGET, used: [{ owner: 'b', fromMs: NOW_MS, stepMs: 1, slots: [9_000, 190] }] };

  it('are written when on-demand work is short, and not otherwise', () => {
    const short = reserve(full, { ...ASK, priority: 'onDemand' }, rule, NOW_MS);
    expect(short.state.wants).toMatchObject([{ owner: 'a', count: 22 }]);
    expect(reserve(full, ASK, rule, NOW_MS).state.wants).toEqual([]);
    expect(reserve(full, { ...ASK, need: 10, priority: 'onDemand' }, rule, NOW_MS).state.wants).toEqual([]);
  });

  it('keep bulk work of others from taking anything, and not on-demand work', () => {
    const state = { ...full, wants: [{ owner: 'c', count: 1, untilMs: NOW_MS + 1_000 }] };
    expect(reserve(state, ASK, rule, NOW_MS)).toMatchObject({ starts: [], yielded: true });
    expect(reserve(state, { ...ASK, priority: 'onDemand' }, rule, NOW_MS).starts).toHaveLength(1);
    expect(reserve(state, ASK, rule, NOW_MS + 1_000).starts).toHaveLength(1);
  });

  it('stand a while longer once served', () => {
    const want = { owner: 'a', count: 5, untilMs: NOW_MS + 100 };
    const ask = { ...ASK, need: 10, priority: 'onDemand' as const };
    const result = reserve({ ...full, wants: [want] }, ask, rule, NOW_MS);
    expect(result.state.wants).toEqual([{ owner: 'a', count: 0, untilMs: NOW_MS + 2_000 }]);
  });

  it('that were served are not renewed by work that need not wait', () => {
    const want = { owner: 'a', count: 0, untilMs: NOW_MS + 100 };
    const ask = { ...ASK, need: 1, priority: 'onDemand' as const };
    expect(reserve({ ...full, wants: [want] }, ask, rule, NOW_MS).state.wants).toEqual([want]);
  });
});

describe('what certainly lies before the next slot', () => {
  it('is a pause, and the rest of answered slots, but not what others may give back', () => {
    const hold = { owner: 'b', count: 200, releaseAtMs: NOW_MS + 50_000 };
    expect(certainlyNotBeforeMs({ ...FRESH_BUDGET, holds: [hold] }, ASK, rule, NOW_MS)).toBeLessThanOrEqual(NOW_MS);
    expect(certainlyNotBeforeMs({ ...FRESH_BUDGET, pausedUntilMs: NOW_MS + 70_000 }, ASK, rule, NOW_MS)).toBe(
      NOW_MS + 70_000,
    );
    const own = { ...ASK.own, used: [{ atMs: NOW_MS + 9_000, count: 200 }] };
    expect(certainlyNotBeforeMs(FRESH_BUDGET, { ...ASK, own }, rule, NOW_MS)).toBe(NOW_MS + 9_000);
  });
});
