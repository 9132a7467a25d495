import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countRequests } from '../../../src/domain/report/request-rate.ts';
import { NO_THROTTLING, type RunPause, throttledOf } from '../../../src/domain/run-throttling.ts';

const AT_MS = Date.UTC(2026, 10, 22, 2);
const budgets = { write: { limit: 200, windowMs: 20_000 }, any: { limit: 2_000, windowMs: 20_000 } };

/** So many requests, ten a second. */
function sent(n: number, fromMs = AT_MS) {
  const count = countRequests();
  for (let i = 0; i < n; i++) count.add(fromMs + i * 100);
  return count;
}

function pause(fromMs: number, lengthMs: number, changes: Partial<RunPause> = {}): RunPause {
  return { requestClass: 'write', fromMs, untilMs: fromMs + lengthMs, throttled: 3, ...changes };
}

describe('requests over time', () => {
  it('are counted in whole windows, with long breaks cut out', () => {
    const count = sent(600, AT_MS + 3_600_000);
    for (let i = 0; i < 20; i++) count.add(AT_MS);
    const rate = count.rate(budgets, undefined);
    expect(rate).toMatchObject({ requests: 620, barMs: 20_000, allowedPerBar: 200 });
    expect(rate?.bars.map(({ requests }) => requests)).toEqual([20, 200, 200, 200]);
    expect(rate?.breaks).toEqual([{ fromMs: AT_MS + 1_000, untilMs: AT_MS + 3_600_000, afterBars: 1, isPause: false }]);
    expect(rate?.utilisation).toBeCloseTo(620 / 800, 5);
    expect(rate).not.toHaveProperty('throttling');
  });

  it('never take more columns than fit, and none is lost', () => {
    const rate = sent(100_000).rate(budgets, NO_THROTTLING);
    expect(rate?.bars.length).toBeLessThanOrEqual(60);
    expect(rate?.bars.reduce((sum, { requests }) => sum + requests, 0)).toBe(100_000);
    expect(rate?.bars.every(({ requests }) => requests <= (rate.allowedPerBar ?? 0))).toBe(true);
  });

  it('are none when none was sent', () => {
    expect(countRequests().rate(budgets, NO_THROTTLING)).toBeUndefined();
  });
});

describe('429s and pauses over time', () => {
  it('are measured by the budget that allows the least, so that a small one is not taken for a lowered one', () => {
    const small = { ...budgets, any: { limit: 50, windowMs: 20_000 } };
    const count = countRequests();
    for (let i = 0; i < 150; i++) count.add(AT_MS + i * 400);
    const rate = count.rate(small, { pauses: [pause(AT_MS + 30_000, 1_000)] });
    expect(rate).toMatchObject({ allowedPerBar: 50, throttling: { lowestShare: 1 } });
    expect(rate?.utilisation).toBeCloseTo(1, 1);
  });

  it('are none when nothing was throttled', () => {
    expect(sent(600).rate(budgets, NO_THROTTLING)?.throttling).toEqual({
      throttled: 0,
      pauses: 0,
      pausedMs: 0,
      lowestShare: 1,
      othersPauses: 0,
      bands: [],
    });
  });

  it('stand in the bar in which they came, as long as they took', () => {
    const count = sent(600);
    const rate = count.rate(budgets, { pauses: [pause(AT_MS + 30_000, 21_000)] });
    expect(rate?.bars.map(({ throttled, pausedMs }) => [throttled, pausedMs])).toEqual([
      [0, 0],
      [3, 10_000],
      [0, 11_000],
    ]);
    expect(rate?.throttling).toMatchObject({ throttled: 3, pauses: 1, pausedMs: 21_000 });
    expect(rate?.throttling?.bands).toEqual([{ fromBar: 1.5, toBar: 2.55 }]);
  });

  it('lower what is allowed until it has recovered', () => {
    const lowered = { factor: 0.6, factorAtMs: AT_MS + 40_000, ceiling: 0.9 };
    const rate = sent(20_000).rate(budgets, { pauses: [pause(AT_MS + 20_000, 20_000, { lowered })] });
    const allowed = rate?.bars.map((bar) => bar.allowed / (rate.allowedPerBar || 1)) ?? [];
    expect(rate?.barMs).toBe(40_000);
    // Half of the first bar came before.
    expect(allowed[0]).toBeCloseTo(0.8, 1);
    expect(Math.min(...allowed.slice(1))).toBeGreaterThan(0.6);
    expect(allowed.at(-1)).toBe(1);
    expect(allowed.slice(1)).toEqual([...allowed.slice(1)].sort((a, b) => a - b));
    expect(rate?.throttling?.lowestShare).toBeCloseTo(Math.min(...allowed));
  });

  it('of reads count too: a rotation request waits for the smaller of both budgets', () => {
    const lowered = { factor: 0.05, factorAtMs: AT_MS + 1_000_000, ceiling: 0.05 };
    const rate = sent(600).rate(budgets, { pauses: [pause(AT_MS, 5_000, { requestClass: 'any', lowered })] });
    expect(rate?.bars.map(({ allowed }) => Math.round(allowed))).toEqual([100, 100, 100]);
    expect(rate?.throttling).toMatchObject({ othersPauses: 1, lowestShare: expect.closeTo(0.5) });
  });

  it('that overlap are paused for once', () => {
    const pauses = [pause(AT_MS, 30_000), pause(AT_MS + 10_000, 40_000, { requestClass: 'any' })];
    expect(sent(600).rate(budgets, { pauses })?.throttling).toMatchObject({ pausedMs: 50_000, throttled: 6 });
  });

  it('that last for hours are a break, and said to be one', () => {
    const count = sent(100);
    for (let i = 0; i < 100; i++) count.add(AT_MS + 7_210_000);
    const rate = count.rate(budgets, { pauses: [pause(AT_MS + 10_000, 7_200_000)] });
    expect(rate?.breaks).toMatchObject([{ isPause: true }]);
    expect(rate?.throttling).toMatchObject({ pausedMs: 7_200_000 });
    expect(rate?.bars.reduce((sum, { throttled }) => sum + throttled, 0)).toBe(3);
  });

  it('are shown of a run that got nothing through', () => {
    const rate = countRequests().rate(budgets, { pauses: [pause(AT_MS, 21_000)] });
    expect(rate).toMatchObject({ requests: 0, utilisation: 0, throttling: { throttled: 3, pausedMs: 21_000 } });
  });

  it('add up, drawn and not, whenever they come', () => {
    const anyPause = fc.record({
      fromMs: fc.integer({ min: AT_MS - 100_000, max: AT_MS + 10_000_000 }),
      lengthMs: fc.integer({ min: 1, max: 4_000_000 }),
      throttled: fc.integer({ min: 1, max: 40 }),
      requestClass: fc.constantFrom('write', 'any'),
    });
    fc.assert(
      fc.property(fc.array(anyPause, { maxLength: 30 }), fc.nat(3_000), (all, n) => {
        const pauses = all.map(({ fromMs, lengthMs, ...rest }) => pause(fromMs, lengthMs, rest));
        const earlier = { pauses: 4, throttled: 9 };
        const rate = sent(n).rate(budgets, { pauses, earlier });
        expect(rate === undefined).toBe(pauses.length === 0 && n === 0);
        if (rate === undefined) return;
        expect(rate.bars.reduce((sum, { throttled }) => sum + throttled, 0)).toBe(throttledOf(pauses));
        expect(rate.throttling).toMatchObject({ throttled: throttledOf(pauses) + 9, pauses: pauses.length + 4 });
        expect(rate.bars.length).toBeLessThanOrEqual(60);
        expect(rate.bars.every(({ pausedMs }) => pausedMs <= rate.barMs)).toBe(true);
        expect(
          rate.throttling?.bands.every(
            ({ fromBar, toBar }) => fromBar >= 0 && toBar <= rate.bars.length && toBar > fromBar,
          ),
        ).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
