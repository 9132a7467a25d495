import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Random } from '../../src/domain/ports.ts';
import { IDLE, nextBackoff } from '../../src/local/poll-backoff.ts';

const steady = (value: number): Random => ({ next: () => value, guid: () => '' });

/** The waits after the given polls: true when messages came. */
function delays(polls: readonly boolean[], maxMs: number, random: Random = steady(0.5)): number[] {
  let backoff = IDLE;
  return polls.map((found) => {
    backoff = nextBackoff(backoff, found, maxMs, random);
    return backoff.delayMs;
  });
}

describe('poll back-off', () => {
  it('doubles its step from the minimum up to the maximum and stays there', () => {
    expect(delays([false, false, false, false, false, false, false], 2_000)).toEqual([
      100, 200, 300, 500, 900, 1_700, 2_000,
    ]);
    expect(delays([...Array(12).fill(false)], 2_000).slice(-3)).toEqual([2_000, 2_000, 2_000]);
  });

  it('starts again from the minimum after messages came', () => {
    expect(delays([false, false, false, true, false, false], 2_000)).toEqual([100, 200, 300, 100, 200, 300]);
    expect(delays([...Array(8).fill(false), true], 2_000).at(-1)).toBe(100);
  });

  it('never waits longer than a maximum below the minimum', () => {
    expect(delays([false, true, false], 20)).toEqual([20, 20, 20]);
  });

  it('spreads the step by a fifth either way', () => {
    expect(delays([false, false], 60_000, steady(0))[1]).toBeCloseTo(180);
    expect(delays([false, false], 60_000, steady(1))[1]).toBeCloseTo(220);
  });

  it('stays between the minimum and the maximum whatever came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.integer({ min: 100, max: 600_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (polls, maxMs, roll) => delays(polls, maxMs, steady(roll)).every((ms) => ms >= 100 && ms <= maxMs),
      ),
    );
  });
});
