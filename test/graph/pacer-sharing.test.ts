import { describe, expect, it } from 'vitest';
import { createWorld, LIMIT, START_MS, WINDOW_MS } from '../support/pacing-world.ts';

const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);

describe('processes that share a budget', () => {
  it.each([
    ['agree about the time', [0, 0]],
    ['disagree about the time by a second', [500, -500]],
    ['are three', [0, 400, -400]],
  ])('never exceed it together when they %s', async (_, skews) => {
    for (const seed of SEEDS) {
      const world = createWorld({ seed });
      const results = await world.clock.run(() =>
        Promise.all(skews.map((skewMs, i) => world.send(world.pacer(`p${i}`, skewMs), 500))),
      );
      expect(world.server.mostInWindow(), `seed ${seed}`).toBeLessThanOrEqual(LIMIT);
      for (const result of results) expect(result.throttledAtMs).toEqual([]);
      const lastMs = Math.max(...results.map((result) => result.lastAnswerMs));
      // Slots that change hands rest a little longer; the budget is still well used.
      expect(lastMs - START_MS).toBeLessThan(
        1.3 * Math.floor((500 * skews.length) / LIMIT) * WINDOW_MS + WINDOW_MS / 2,
      );
    }
  });

  it('all pause when one is throttled', async () => {
    const world = createWorld();
    const startedAtMs: number[] = [];
    await world.clock.run(async () => {
      const a = world.pacer('a');
      const b = world.pacer('b');
      const sending = world.send(b, 300, { startedAtMs });
      await world.clock.sleep(100);
      await a.throttled('write', 7_000);
      const pausedFromMs = world.clock.nowMs();
      await sending;
      // What b had been granted before it could learn of the pause may still start: one block.
      const during = startedAtMs.filter((atMs) => atMs > pausedFromMs && atMs < pausedFromMs + 7_000);
      expect(during.length).toBeLessThanOrEqual(32 + LIMIT / 8);
    });
  });

  it('get what another gives back soon after it does', async () => {
    const world = createWorld();
    await world.clock.run(async () => {
      const a = world.pacer('a');
      const options = {
        priority: 'bulk' as const,
        deadlineAtMs: Number.MAX_SAFE_INTEGER,
        signal: new AbortController().signal,
      };
      const permits = await Promise.all(Array.from({ length: LIMIT }, () => a.acquire({ write: 1 }, options)));
      const sending = world.send(world.pacer('b'), 50, { demand: { write: 1 } });
      await world.clock.sleep(5_000);
      for (const permit of permits) permit.unused();
      await a.flush();
      const givenMs = world.clock.nowMs();
      const { lastAnswerMs } = await sending;
      expect(lastAnswerMs - givenMs).toBeLessThan(2_000);
    });
  });

  it('give unused slots back when they flush', async () => {
    const world = createWorld();
    await world.clock.run(async () => {
      const a = world.pacer('a');
      await world.send(a, 40);
      await a.flush();
    });
    const state = world.store.peek('write');
    expect(state?.holds).toEqual([]);
    expect(state?.used.flatMap((used) => used.slots.filter((_, i) => i % 2 === 1)).reduce((a, b) => a + b, 0)).toBe(40);
  });
});

describe('a process that dies', () => {
  it('at any moment, and its successor that starts at once, never exceed the budget together', async () => {
    for (const seed of SEEDS) {
      const world = createWorld({ seed });
      const crash = new AbortController();
      const result = await world.clock.run(async () => {
        const crashAfterMs = world.random() < 0.5 ? 1_500 * world.random() : 30_000 * world.random();
        const first = world.send(world.pacer('first'), 1_000, { crash: crash.signal });
        await world.clock.sleep(crashAfterMs);
        crash.abort(new Error('killed'));
        await first;
        return world.send(world.pacer('second'), 500);
      });
      expect(result.accepted).toBe(500);
      expect(result.throttledAtMs, `seed ${seed}`).toEqual([]);
      expect(world.server.mostInWindow(), `seed ${seed}`).toBeLessThanOrEqual(LIMIT);
    }
  });

  it('costs its successor the last short block only, for the request timeout', async () => {
    const world = createWorld();
    const crash = new AbortController();
    const result = await world.clock.run(async () => {
      const first = world.send(world.pacer('first'), 1_000, { crash: crash.signal });
      await world.clock.sleep(5_000);
      crash.abort(new Error('killed'));
      await first;
      return world.send(world.pacer('second'), 400);
    });
    // 200 were used in the first two seconds; 400 more take two windows, or a third one for what was held.
    expect(result.lastAnswerMs - START_MS).toBeLessThan(4.2 * WINDOW_MS);
  });
});

describe('on-demand work', () => {
  const within = 5_000;

  it.each([
    ['another process', 'other'],
    ['the same process', 'same'],
  ] as const)('is sent within a window and 5 s though a bulk run in %s uses the whole budget', async (_, where) => {
    for (const seed of SEEDS) {
      for (const targets of [1, 20, 200]) {
        const world = createWorld({ seed });
        const stop = new AbortController();
        const startedAtMs: number[] = [];
        const askedAtMs = await world.clock.run(async () => {
          const bulk = world.pacer('bulk');
          const bulkRun = world.send(bulk, 100_000, { crash: stop.signal });
          await world.clock.sleep((seed % 2 === 0 ? 25_000 : 45_000) + 25_000 * world.random());
          const atMs = world.clock.nowMs();
          const pacer = where === 'same' ? bulk : world.pacer('onDemand');
          await world.send(pacer, targets, { priority: 'onDemand', startedAtMs });
          stop.abort(new Error('enough'));
          await bulkRun;
          return atMs;
        });
        expect(startedAtMs.length).toBe(targets);
        const latestMs = Math.max(...startedAtMs) - askedAtMs;
        expect(latestMs, `seed ${seed}, ${targets} targets`).toBeLessThanOrEqual(WINDOW_MS + within);
        expect(world.server.mostInWindow()).toBeLessThanOrEqual(LIMIT);
      }
    }
  });

  it.each(['other', 'same'] as const)('comes first when the pace is smooth too, in the %s process', async (where) => {
    for (const seed of SEEDS.slice(0, 4)) {
      const world = createWorld({ seed, kind: 'smoothing' });
      const stop = new AbortController();
      const startedAtMs: number[] = [];
      const askedAtMs = await world.clock.run(async () => {
        const bulk = world.pacer('bulk');
        const bulkRun = world.send(bulk, 100_000, { crash: stop.signal });
        await world.clock.sleep(60_000 + 20_000 * world.random());
        const atMs = world.clock.nowMs();
        const pacer = where === 'same' ? bulk : world.pacer('onDemand');
        await world.send(pacer, 200, { priority: 'onDemand', startedAtMs });
        stop.abort(new Error('enough'));
        await bulkRun;
        return atMs;
      });
      expect(Math.max(...startedAtMs) - askedAtMs).toBeLessThanOrEqual(WINDOW_MS + within);
    }
  });

  it('keeps its place in the line when another invocation of its process ends', async () => {
    const world = createWorld({ seed: 3 });
    const stop = new AbortController();
    const startedAtMs: number[] = [];
    const askedAtMs = await world.clock.run(async () => {
      const bulkRun = world.send(world.pacer('bulk'), 100_000, { crash: stop.signal });
      await world.clock.sleep(41_000);
      const atMs = world.clock.nowMs();
      const onDemand = world.pacer('onDemand');
      const waiting = world.send(onDemand, 60, { priority: 'onDemand', concurrency: 60, startedAtMs });
      const over = new AbortController();
      const ending = (async () => {
        while (!over.signal.aborted) {
          await onDemand.flush();
          await world.clock.sleep(300);
        }
      })();
      await waiting;
      over.abort();
      await ending;
      stop.abort(new Error('enough'));
      await bulkRun;
      return atMs;
    });
    expect(Math.max(...startedAtMs) - askedAtMs).toBeLessThanOrEqual(WINDOW_MS + within);
  });

  it.each(['other', 'same'] as const)(
    'that only trickles in leaves a bulk run most of the rate, in the %s process',
    async (where) => {
      const world = createWorld();
      const waits: number[] = [];
      const bulk = await world.clock.run(async () => {
        const bulkPacer = world.pacer('bulk');
        const onDemand = where === 'same' ? bulkPacer : world.pacer('onDemand');
        const sending = world.send(bulkPacer, 1_500);
        const trickle = Array.from({ length: 150 }, async (_, i) => {
          await world.clock.sleep(1_000 * (i + 1));
          const atMs = world.clock.nowMs();
          const startedAtMs: number[] = [];
          await world.send(onDemand, 1, { priority: 'onDemand', startedAtMs });
          waits.push((startedAtMs[0] ?? Number.POSITIVE_INFINITY) - atMs);
        });
        const result = await sending;
        await Promise.all(trickle);
        return result;
      });
      // 1,500 and the 150 or so that come meanwhile take eight windows.
      expect(bulk.lastAnswerMs - bulk.firstStartMs).toBeLessThan(1.25 * 8 * WINDOW_MS);
      expect(Math.max(...waits)).toBeLessThanOrEqual(WINDOW_MS + within);
      expect(world.server.mostInWindow()).toBeLessThanOrEqual(LIMIT);
    },
  );

  it('leaves the bulk run its rate once it is done', async () => {
    const world = createWorld();
    const bulk = await world.clock.run(async () => {
      const sending = world.send(world.pacer('bulk'), 1_500);
      await world.clock.sleep(21_000);
      const onDemand = world.pacer('onDemand');
      await world.send(onDemand, 10, { priority: 'onDemand' });
      await onDemand.flush();
      return sending;
    });
    expect(bulk.lastAnswerMs - bulk.firstStartMs).toBeLessThan(1.1 * 8 * WINDOW_MS);
  });
});
