import { describe, expect, it } from 'vitest';
import { type BudgetState, FRESH_BUDGET } from '../../src/domain/budget-state.ts';
import { pacingRule } from '../../src/domain/pacing-rule.ts';
import { factorAt, paceForRun, throttle } from '../../src/domain/pacing-throttle.ts';

const NOW_MS = 1_795_334_400_000;
const rule = pacingRule({ limit: 200, windowMs: 20_000 }, 30_000);
const at = (state: BudgetState, nowMs: number, retryAfterMs?: number, sentAtMs?: number) =>
  throttle(state, { retryAfterMs, sentAtMs, runId: 'run' }, rule, nowMs);

describe('a 429', () => {
  it.each([
    { retryAfterMs: undefined, pauseMs: 20_000 },
    { retryAfterMs: 2_128, pauseMs: 2_128 },
    { retryAfterMs: 120_000, pauseMs: 120_000 },
    { retryAfterMs: 0, pauseMs: 0 },
    { retryAfterMs: -5_000, pauseMs: 0 },
  ])(
    'with Retry-After $retryAfterMs pauses for $pauseMs ms, and what clocks may differ',
    ({ retryAfterMs, pauseMs }) => {
      expect(at(FRESH_BUDGET, NOW_MS, retryAfterMs).pausedUntilMs).toBe(NOW_MS + pauseMs + rule.skewMs);
    },
  );

  it('never shortens a pause', () => {
    const long = at(FRESH_BUDGET, NOW_MS, 120_000);
    expect(at(long, NOW_MS + 100, 1_000).pausedUntilMs).toBe(long.pausedUntilMs);
  });

  it('that asks for longer than dates reach is still a date', () => {
    const state = at(FRESH_BUDGET, NOW_MS, Number.MAX_VALUE);
    expect(new Date(state.pausedUntilMs).toISOString()).toBe('9999-12-31T23:59:59.000Z');
  });

  it('makes an eager pace smooth and cuts nothing', () => {
    const state = at(FRESH_BUDGET, NOW_MS);
    expect(state).toMatchObject({ pace: 'smooth', smoothRunId: 'run', factor: 1 });
  });

  it('cuts the share when the pace is smooth already', () => {
    const smooth = at(FRESH_BUDGET, NOW_MS);
    const cut = at(smooth, NOW_MS + 60_000);
    expect(factorAt(cut, rule, NOW_MS + 60_000)).toBeCloseTo(0.85);
    expect(factorAt(at(cut, NOW_MS + 200_000), rule, NOW_MS + 200_000)).toBeLessThan(0.85);
  });

  it.each([
    ['arrives during the pause', NOW_MS + 62_000, undefined],
    ['was sent before the pause began', NOW_MS + 90_000, NOW_MS + 59_900],
    ['was sent during the pause, by someone who had not heard of it', NOW_MS + 90_000, NOW_MS + 61_000],
  ])('of the same flight counts once: one that %s', (_, nowMs, sentAtMs) => {
    const cut = at(at(FRESH_BUDGET, NOW_MS), NOW_MS + 60_000, 5_000, NOW_MS + 59_800);
    const again = at(cut, nowMs, undefined, sentAtMs);
    expect(again.factor).toBe(cut.factor);
    expect(again.pausedUntilMs).toBeGreaterThan(cut.pausedUntilMs);
  });

  it('of a request sent after the pause counts anew', () => {
    const cut = at(at(FRESH_BUDGET, NOW_MS), NOW_MS + 60_000, 5_000);
    expect(at(cut, NOW_MS + 70_000, 5_000, NOW_MS + 69_900).factor).toBeLessThan(cut.factor);
  });
});

describe('recovery', () => {
  const cut = at(at(FRESH_BUDGET, NOW_MS), NOW_MS + 60_000, 0);
  const windows = (n: number) => factorAt(cut, rule, cut.factorAtMs + n * 20_000);

  it('is fast at first, flat around where it failed, and complete in the end', () => {
    expect(windows(0)).toBeCloseTo(0.85);
    expect(windows(4) - windows(0)).toBeGreaterThan(2 * (windows(8) - windows(4)));
    expect(windows(12)).toBeCloseTo(1);
    expect(windows(1_000)).toBe(1);
  });

  it('does not begin before the pause ends', () => {
    expect(factorAt(cut, rule, cut.factorAtMs - 1)).toBe(cut.factor);
  });

  it('settles below the last ceiling when less is left than before', () => {
    const lower = at(cut, cut.factorAtMs + 20_000, 0);
    expect(lower.ceiling).toBeLessThan(1);
    expect(factorAt(lower, rule, lower.factorAtMs + 12 * 20_000)).toBeCloseTo(lower.ceiling);
  });
});

describe('a later run', () => {
  it('starts eager again, and keeps the share and the pause', () => {
    const smooth = at(at(FRESH_BUDGET, NOW_MS), NOW_MS + 60_000);
    const next = paceForRun(smooth, 'next');
    expect(next).toMatchObject({ pace: 'eager', factor: smooth.factor, pausedUntilMs: smooth.pausedUntilMs });
    expect(next.smoothRunId).toBeUndefined();
    expect(paceForRun(smooth, 'run')).toBe(smooth);
  });
});

describe('a rule', () => {
  it.each([
    [{ limit: 0, windowMs: 20_000 }, 1],
    [{ limit: 1.5, windowMs: 20_000 }, 1],
    [{ limit: 10, windowMs: 0 }, 1],
    [{ limit: 10, windowMs: 20_000 }, 0],
  ])('is refused when it makes no sense: %j, request timeout %i', (budget, timeoutMs) => {
    expect(() => pacingRule(budget, timeoutMs)).toThrow(RangeError);
  });
});
