import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/domain/ports.ts';
import { createServerClock } from '../../src/storage/server-clock.ts';

const START_MS = Date.UTC(2026, 10, 22, 10, 0, 0, 250);

/** A clock that a test sets. */
function settable(): Clock & { set(ms: number): void } {
  let nowMs = START_MS;
  return {
    nowMs: () => nowMs,
    sleep: () => Promise.resolve(),
    set(ms) {
      nowMs = ms;
    },
  };
}

const httpDate = (ms: number) => new Date(ms).toUTCString();

describe('the estimate of the storage server’s clock', () => {
  it('is our own clock before the first answer, and while the clocks may agree', () => {
    const clock = settable();
    const server = createServerClock(clock);
    expect(server.nowMs()).toBe(START_MS);
    server.observe(httpDate(START_MS), START_MS - 50, START_MS);
    expect(server.nowMs()).toBe(START_MS);
    server.observe(undefined, START_MS, START_MS);
    server.observe('yesterday', START_MS, START_MS);
    expect(server.nowMs()).toBe(START_MS);
  });

  it('lies within a second of the truth after one answer, and only gets better with more', () => {
    const answer = fc.record({ waitMs: fc.nat(5_000), outMs: fc.nat(200), backMs: fc.nat(200) });
    fc.assert(
      fc.property(fc.integer({ min: -90_000, max: 90_000 }), fc.array(answer, { minLength: 1 }), (aheadMs, answers) => {
        const clock = settable();
        const server = createServerClock(clock);
        let worst = Number.POSITIVE_INFINITY;
        for (const { waitMs, outMs, backMs } of answers) {
          const sentAtMs = clock.nowMs() + waitMs;
          const receivedAtMs = sentAtMs + outMs + backMs;
          server.observe(httpDate(sentAtMs + outMs + aheadMs), sentAtMs, receivedAtMs);
          clock.set(receivedAtMs);
          const offBy = Math.abs(server.nowMs() - (receivedAtMs + aheadMs));
          expect(offBy).toBeLessThanOrEqual(Math.min(worst, 1_000 + outMs + backMs));
          worst = offBy;
        }
      }),
    );
  });

  it('starts anew when an answer contradicts the others, because a clock was set', () => {
    const clock = settable();
    const server = createServerClock(clock);
    server.observe(httpDate(START_MS + 60_000), START_MS, START_MS + 10);
    expect(Math.abs(server.nowMs() - START_MS - 60_000)).toBeLessThan(1_010);
    clock.set(START_MS + 60_000);
    server.observe(httpDate(START_MS + 60_000), START_MS + 60_000, START_MS + 60_010);
    expect(server.nowMs()).toBe(START_MS + 60_000);
  });
});
