import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createServerClock } from '../../src/graph/server-clock.ts';
import { START_MS } from './fakes.ts';

const dateAt = (ms: number) => new Date(ms).toUTCString();

describe('createServerClock', () => {
  it('spans from the second of the Date less the round trip to the end of that second', () => {
    const exchange = { date: dateAt(START_MS), sentAtMs: 500, receivedAtMs: 720 };
    expect(createServerClock().observe(exchange)).toEqual({ earliestMs: START_MS - 220, latestMs: START_MS + 1000 });
  });

  it('allows five minutes either way while no answer ever had a Date', () => {
    const interval = createServerClock().observe({ date: undefined, sentAtMs: 1_000_000, receivedAtMs: 1_000_200 });
    expect(interval).toEqual({ earliestMs: 700_000, latestMs: 1_300_200 });
  });

  it('moves our instants by what dated answers taught, when a Date is missing or garbage', () => {
    const clock = createServerClock();
    clock.observe({ date: dateAt(START_MS), sentAtMs: 500, receivedAtMs: 700 });
    for (const date of [undefined, '', 'yesterday', '12']) {
      expect(clock.observe({ date, sentAtMs: 10_000, receivedAtMs: 10_300 })).toEqual({
        earliestMs: 10_000 + START_MS - 700,
        latestMs: 10_300 + START_MS + 1000 - 500,
      });
    }
  });

  it('always holds the instant at which Graph handled the request', () => {
    const ms = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        ms,
        ms,
        ms,
        fc.boolean(),
        (offsetMs, at, uplink, downlink, dated) => {
          const clock = createServerClock();
          const exchange = (sentAtMs: number, hasDate: boolean) => {
            const handledAtMs = START_MS + sentAtMs + uplink + offsetMs;
            const interval = clock.observe({
              date: hasDate ? dateAt(handledAtMs) : undefined,
              sentAtMs: START_MS + sentAtMs,
              receivedAtMs: START_MS + sentAtMs + uplink + downlink,
            });
            expect(interval.earliestMs).toBeLessThanOrEqual(handledAtMs);
            expect(interval.latestMs).toBeGreaterThan(handledAtMs - 1);
          };
          exchange(at, true);
          exchange(at + 60_000, dated);
        },
      ),
    );
  });
});
