import { describe, expect, it } from 'vitest';
import { budgetsOf, createWorld, LIMIT, WINDOW_MS } from '../support/pacing-world.ts';
import type { WindowKind } from '../support/quota-server.ts';

const KINDS: readonly WindowKind[] = ['sliding', 'fixed', 'bucket'];
const SIZES = [1_000, 1_500, 2_000, 4_000];

const floorMs = (requests: number) => Math.floor((requests - 1) / LIMIT) * WINDOW_MS;

describe('as the only writer', () => {
  const cases = KINDS.flatMap((kind) => SIZES.map((requests) => [kind, requests] as const));

  it.each(cases)(
    'a %s window gives no 429 to %i requests, which take at most 1.03 of the floor',
    async (kind, requests) => {
      for (let seed = 1; seed <= 6; seed++) {
        for (const latency of ['fixed', 'random'] as const) {
          const world = createWorld({ seed, kind });
          const latencyMs = latency === 'fixed' ? () => 200 : () => 200 * world.random();
          const result = await world.clock.run(() => world.send(world.pacer('a'), requests, { latencyMs }));
          expect(result.throttledAtMs, `${latency} latency, seed ${seed}`).toEqual([]);
          expect(result.accepted).toBe(requests);
          const tookMs = result.lastAnswerMs - result.firstStartMs;
          expect(tookMs / floorMs(requests), `${latency} latency, seed ${seed}`).toBeLessThanOrEqual(1.03);
        }
      }
    },
  );

  it.each([
    { limit: 4, windowMs: 20_000, requests: 21 },
    { limit: 1, windowMs: 20_000, requests: 5 },
    { limit: 200, windowMs: 20, requests: 2_000 },
    { limit: 100_000, windowMs: 20_000, requests: 30_000 },
  ])('$limit requests in $windowMs ms are never exceeded', async ({ limit, windowMs, requests }) => {
    for (const kind of KINDS) {
      const world = createWorld({ kind, budgets: budgetsOf({ limit, windowMs }) });
      const result = await world.clock.run(() => world.send(world.pacer('a'), requests));
      expect(result.throttledAtMs).toEqual([]);
      expect(result.accepted).toBe(requests);
      expect(world.server.mostInWindow()).toBeLessThanOrEqual(limit);
    }
  });

  it('a wide window of few requests costs little more than its floor', async () => {
    const world = createWorld({ budgets: budgetsOf({ limit: 4, windowMs: WINDOW_MS }) });
    const result = await world.clock.run(() => world.send(world.pacer('a'), 41));
    expect(result.lastAnswerMs - result.firstStartMs).toBeLessThanOrEqual(1.03 * 10 * WINDOW_MS);
  });

  it('slow storage does not bring a 429, nor stop the work', async () => {
    const world = createWorld({ storeLatencyMs: () => 3_000 });
    const result = await world.clock.run(() => world.send(world.pacer('a'), 600));
    expect(result.throttledAtMs).toEqual([]);
    expect(result.accepted).toBe(600);
  });

  it('storage far slower than a compressed window does not stop the work', async () => {
    const world = createWorld({ budgets: budgetsOf({ limit: 20, windowMs: 20 }), storeLatencyMs: () => 2_000 });
    const result = await world.clock.run(() => world.send(world.pacer('a'), 100));
    expect(result.accepted).toBe(100);
    expect(world.server.mostInWindow()).toBeLessThanOrEqual(20);
  });
});

describe('what pacing costs', () => {
  it('is at most 0.15 storage transactions a request, whatever the pace', async () => {
    for (const kind of ['sliding', 'smoothing'] as const) {
      const world = createWorld({ kind });
      await world.clock.run(async () => {
        const pacer = world.pacer('a');
        await world.send(pacer, 4_000);
        await pacer.flush();
      });
      expect(world.store.transactions() / 4_000, kind).toBeLessThanOrEqual(0.15);
    }
  });

  it.each([2_000, 100_000])('is a row of less than 30,000 characters at a limit of %i', async (limit) => {
    const world = createWorld({ budgets: budgetsOf({ limit, windowMs: WINDOW_MS }) });
    await world.clock.run(() =>
      Promise.all(['a', 'b', 'c'].map((owner) => world.send(world.pacer(owner), 2_500, { concurrency: 20 }))),
    );
    expect(world.store.longestRow()).toBeLessThan(30_000);
  });

  it('is nothing but blocks where the limit is no limit', async () => {
    const world = createWorld({ budgets: budgetsOf({ limit: 100_000, windowMs: WINDOW_MS }) });
    await world.clock.run(() => world.send(world.pacer('a'), 30_000));
    expect(world.store.transactions()).toBeLessThan(100);
  });
});
