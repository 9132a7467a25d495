import { describe, expect, it } from 'vitest';
import { createWorld, LIMIT, WINDOW_MS } from '../support/pacing-world.ts';
import type { ForeignTraffic, WindowKind } from '../support/quota-server.ts';

const SEEDS = [1, 2, 3, 4, 5];

describe('against a server that smooths', () => {
  it.each(['fixed', 'random'] as const)(
    'at %s latency costs one burst of 429s at most, then keeps to 0.97 of the rate',
    async (latency) => {
      for (const seed of SEEDS) {
        for (const retryAfterMs of [undefined, 2_128, 20_000]) {
          const world = createWorld({ seed, kind: 'smoothing' });
          const latencyMs = latency === 'fixed' ? () => 200 : () => 200 * world.random();
          const result = await world.clock.run(() =>
            world.send(world.pacer('a'), 2_000, { latencyMs, retryAfterMs: () => retryAfterMs }),
          );
          expect(result.accepted).toBe(2_000);
          expect(result.throttledAtMs.length).toBeLessThanOrEqual(LIMIT);
          const lastMs = result.throttledAtMs.at(-1) ?? 0;
          const after = result.acceptedAtMs.filter((atMs) => atMs > lastMs);
          const tookMs = (after.at(-1) ?? 0) - (after[0] ?? 0);
          expect((after.length - 1) / tookMs).toBeGreaterThanOrEqual((0.97 * LIMIT) / WINDOW_MS);
          expect(after.length).toBeGreaterThan(1_800);
        }
      }
    },
  );
});

describe('with foreign traffic taking half of the limit', () => {
  // At random, the free half comes and goes by a quarter of itself, and a constant pace can only use what is always there.
  const cases: [WindowKind, ForeignTraffic, number][] = [
    ['sliding', 'even', 0.8],
    ['fixed', 'even', 0.8],
    ['bucket', 'even', 0.8],
    ['smoothing', 'even', 0.8],
    ['sliding', 'rush', 0.8],
    ['fixed', 'rush', 0.8],
    ['bucket', 'rush', 0.8],
    ['bucket', 'random', 0.8],
    ['smoothing', 'random', 0.7],
    ['fixed', 'random', 0.65],
    ['sliding', 'random', 0.6],
  ];

  it.each(cases)(
    'in a %s window and coming %s: none is lost, fewer than 0.01 are throttled once adapted, and %d of the rest is used',
    async (kind, foreign, utilisation) => {
      for (const seed of SEEDS.slice(0, 3)) {
        for (const retryAfterMs of [undefined, 2_128]) {
          const world = createWorld({ seed, kind, foreign });
          const result = await world.clock.run(() =>
            world.send(world.pacer('a'), 5_000, { retryAfterMs: () => retryAfterMs }),
          );
          expect(result.accepted).toBe(5_000);
          const adaptedMs = result.firstStartMs + 10 * WINDOW_MS;
          const throttled = result.throttledAtMs.filter((atMs) => atMs > adaptedMs).length;
          const accepted = result.acceptedAtMs.filter((atMs) => atMs > adaptedMs).length;
          expect(throttled / (throttled + accepted)).toBeLessThan(0.01);
          const windows = (result.lastAnswerMs - adaptedMs) / WINDOW_MS;
          expect(accepted / (windows * (LIMIT / 2))).toBeGreaterThanOrEqual(utilisation);
        }
      }
    },
  );
});
