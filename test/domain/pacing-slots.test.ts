import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRESH_BUDGET } from '../../src/domain/budget-state.ts';
import { pacingRule } from '../../src/domain/pacing-rule.ts';
import { packReleases, settleOwn, unpackReleases } from '../../src/domain/pacing-slots.ts';

const NOW_MS = 1_795_334_400_000;

const releases = fc
  .array(fc.record({ atMs: fc.integer({ min: 0, max: 40_000_000 }), count: fc.integer({ min: 1, max: 5 }) }), {
    minLength: 1,
    maxLength: 400,
  })
  .map((all) => all.map(({ atMs, count }) => ({ atMs: NOW_MS + atMs / 1_000, count })).sort((a, b) => a.atMs - b.atMs));

const sum = (all: readonly { readonly count: number }[]) => all.reduce((n, each) => n + each.count, 0);

describe('packed release times', () => {
  it('keep every slot, and never free one early nor more than a step late', () => {
    fc.assert(
      fc.property(releases, fc.constantFrom(1, 20, 0.02), (all, stepMs) => {
        const packed = packReleases('a', all, stepMs, 10_000);
        if (packed === undefined) throw new Error('nothing packed');
        const back = unpackReleases(packed);
        expect(sum(back)).toBe(sum(all));
        for (const { atMs } of all) {
          const freeBefore = (list: typeof all, untilMs: number) => sum(list.filter((each) => each.atMs < untilMs));
          expect(freeBefore(back, atMs)).toBeLessThanOrEqual(freeBefore(all, atMs));
          expect(freeBefore(back, atMs + 2 * stepMs)).toBeGreaterThanOrEqual(freeBefore(all, atMs));
        }
      }),
    );
  });

  it('become coarser rather than more than there is room for', () => {
    fc.assert(
      fc.property(releases, fc.integer({ min: 1, max: 50 }), (all, most) => {
        const packed = packReleases('a', all, 1, most);
        expect((packed?.slots.length ?? 0) / 2).toBeLessThanOrEqual(most);
        expect(sum(unpackReleases(packed ?? { owner: 'a', fromMs: 0, stepMs: 1, slots: [] }))).toBe(sum(all));
      }),
    );
  });

  it('are nothing when no slot was used', () => {
    expect(packReleases('a', [], 1, 10)).toBeUndefined();
  });
});

describe('a row settled by its owner', () => {
  const rule = pacingRule({ limit: 200, windowMs: 20_000 }, 30_000);
  const used = [{ atMs: NOW_MS + 5_000, count: 3 }];

  it('holds what the owner says, in place of what it said before', () => {
    const first = settleOwn(FRESH_BUDGET, 'a', { held: 30, useByMs: NOW_MS + 2_000, used: [] }, rule, NOW_MS);
    const second = settleOwn(first, 'a', { held: 0, useByMs: 0, used }, rule, NOW_MS + 1_000);
    expect(first.holds).toEqual([{ owner: 'a', count: 30, releaseAtMs: NOW_MS + 2_000 + 30_000 + 20_002 }]);
    expect(second.holds).toEqual([]);
    expect(second.used.flatMap(unpackReleases)).toEqual(used);
  });

  it("keeps others' slots until they run out, with an allowance for their clocks", () => {
    const own = { held: 30, useByMs: NOW_MS, used };
    const state = settleOwn(FRESH_BUDGET, 'a', own, rule, NOW_MS);
    const nothing = { held: 0, useByMs: 0, used: [] };
    expect(settleOwn(state, 'b', nothing, rule, NOW_MS + 5_900).used).toHaveLength(1);
    expect(settleOwn(state, 'b', nothing, rule, NOW_MS + 6_000).used).toHaveLength(0);
    expect(settleOwn(state, 'b', nothing, rule, NOW_MS + 51_001).holds).toHaveLength(1);
    expect(settleOwn(state, 'b', nothing, rule, NOW_MS + 51_002).holds).toHaveLength(0);
  });

  it('forgets wants that have expired', () => {
    const wants = [{ owner: 'b', count: 4, untilMs: NOW_MS + 100 }];
    const nothing = { held: 0, useByMs: 0, used: [] };
    expect(settleOwn({ ...FRESH_BUDGET, wants }, 'a', nothing, rule, NOW_MS).wants).toEqual(wants);
    expect(settleOwn({ ...FRESH_BUDGET, wants }, 'a', nothing, rule, NOW_MS + 100).wants).toEqual([]);
  });
});
