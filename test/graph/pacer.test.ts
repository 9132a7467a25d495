import { describe, expect, it } from 'vitest';
import { GraphError } from '../../src/domain/graph-error.ts';
import type { Demand, Pacer, Permit } from '../../src/domain/pacer.ts';
import type { CallOptions, Clock } from '../../src/domain/ports.ts';
import { createPacer } from '../../src/graph/pacer.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryBudgetStore } from '../../src/storage/memory/memory-budget-store.ts';
import { BUDGETS, createWorld, LIMIT, START_MS, WINDOW_MS } from '../support/pacing-world.ts';

const WRITE: Demand = { write: 1, any: 1 };

function options(more: Partial<CallOptions> = {}): CallOptions {
  return {
    priority: 'bulk',
    deadlineAtMs: Number.MAX_SAFE_INTEGER,
    signal: new AbortController().signal,
    ...more,
  };
}

/** Takes and answers so many at once. */
async function use(pacer: Pacer, count: number, demand: Demand = WRITE): Promise<void> {
  const permits = await Promise.all(Array.from({ length: count }, () => pacer.acquire(demand, options())));
  for (const permit of permits) permit.answered();
}

/** What a promise came to, without waiting for it any longer. */
async function fate<T>(promise: Promise<T>): Promise<T | Error> {
  return promise.catch((error: unknown) => error as Error);
}

describe('acquiring', () => {
  it('counts what was used and how long it waited', async () => {
    const { clock, pacer } = createWorld();
    const usage = await clock.run(async () => {
      const a = pacer('a');
      await use(a, LIMIT);
      await use(a, 1);
      await use(a, 1, { any: 13 });
      return a.usage();
    });
    expect(usage.used).toEqual({ write: LIMIT + 1, any: LIMIT + 14, key: 0, stateWrite: 0, stateAny: 0 });
    expect(usage.waitMs).toBeGreaterThan(WINDOW_MS);
    expect(usage.throttled).toBe(0);
  });

  it.each([[{ write: 201 }], [{ any: 1.5 }], [{ key: -1 }]])('refuses a demand of %j', async (demand) => {
    const { clock, pacer } = createWorld();
    await expect(clock.run(() => pacer('a').acquire(demand, options()))).rejects.toThrow(RangeError);
  });

  it('tells the largest demand it can grant', () => {
    expect(createWorld().pacer('a').limitOf('stateWrite')).toBe(100);
  });

  it('puts a slot that was not used back at once, and its permit counts once only', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, LIMIT - 1);
      const last = await a.acquire(WRITE, options());
      last.unused();
      last.answered();
      const again = await a.acquire(WRITE, options());
      again.answered();
      again.unused();
      expect(clock.nowMs() - START_MS).toBeLessThan(2_000);
      expect(a.usage().used.write).toBe(LIMIT);
      await a.acquire(WRITE, options());
      expect(clock.nowMs() - START_MS).toBeGreaterThan(WINDOW_MS);
    });
  });

  it('starts requests a little apart', async () => {
    const { clock, pacer } = createWorld();
    const startedAtMs: number[] = [];
    await clock.run(async () => {
      const a = pacer('a');
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          await a.acquire(WRITE, options());
          startedAtMs.push(clock.nowMs());
        }),
      );
    });
    const gaps = startedAtMs.slice(1).map((atMs, i) => atMs - (startedAtMs[i] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(1);
  });

  it('lets reads pass while writes wait, and holds no slot of one class while waiting for another', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, LIMIT);
      const waiting = Array.from({ length: 100 }, () => a.acquire(WRITE, options()));
      await clock.sleep(100);
      const fromMs = clock.nowMs();
      await use(a, 1_000, { any: 1 });
      await use(a, 200, { key: 1 });
      // 1,000 starts 2 ms apart.
      expect(clock.nowMs() - fromMs).toBeLessThan(4_000);
      await Promise.all(waiting);
    });
  });

  it('serves large demands among small ones, whatever the pace', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await a.throttled('key', 0);
      const small = Array.from({ length: 400 }, () => use(a, 1, { key: 1 }));
      await clock.sleep(2_000);
      const fromMs = clock.nowMs();
      await use(a, 1, { key: 20 });
      // Behind those that came before it, not behind those after.
      expect(clock.nowMs() - fromMs).toBeLessThan(43_000);
      await Promise.all(small);
      for (let i = 0; i < 3; i++) await use(a, 1, { key: 200 });
    });
  });

  it('does not let small demands overtake a large one for ever', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      let done = false;
      const small = Array.from({ length: 40 }, async () => {
        while (!done) {
          const permit = await a.acquire({ key: 1 }, options());
          await clock.sleep(100);
          permit.answered();
        }
      });
      await clock.sleep(10_000);
      const fromMs = clock.nowMs();
      await use(a, 1, { key: 20 });
      expect(clock.nowMs() - fromMs).toBeLessThan(WINDOW_MS);
      done = true;
      await Promise.all(small);
    });
  });

  it('does not use slots whose time has passed', async () => {
    const { clock, store, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, 20);
      await clock.sleep(60_000);
      const failure = new Error('storage is away');
      store.failWith(failure);
      expect(await fate(a.acquire(WRITE, options()))).toBe(failure);
    });
  });

  it('serves on-demand requests before bulk ones that came first', async () => {
    const { clock, pacer } = createWorld();
    const order: string[] = [];
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, LIMIT);
      const take = async (priority: CallOptions['priority']) => {
        (await a.acquire(WRITE, options({ priority }))).answered();
        order.push(priority);
      };
      const bulk = Array.from({ length: 50 }, () => take('bulk'));
      await clock.sleep(1_000);
      const urgent = Array.from({ length: 50 }, () => take('onDemand'));
      await Promise.all([...bulk, ...urgent]);
    });
    expect(order.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => 'onDemand'));
  });
});

describe('a pause', () => {
  it('starts nothing of the class before it ends, not even what was granted, and nothing else waits', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, 10);
      const told = a.throttled('write', 7_000);
      const write = a.acquire(WRITE, options()).then(() => clock.nowMs());
      await use(a, 1, { any: 1 });
      expect(clock.nowMs() - START_MS).toBeLessThan(200);
      await told;
      expect((await write) - START_MS).toBeGreaterThan(7_000);
      expect((await write) - START_MS).toBeLessThan(7_000 + 1_500);
    });
  });

  it('ends the use of what was granted before it, however short it is', async () => {
    const { clock, pacer } = createWorld({ storeLatencyMs: () => 1_000 });
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, 20);
      await clock.sleep(1_500);
      const fromMs = clock.nowMs();
      const told = a.throttled('write', 0);
      const write = a.acquire(WRITE, options()).then(() => clock.nowMs());
      await told;
      expect((await write) - fromMs).toBeGreaterThan(1_000);
    });
  });

  it('ends the use of what was being granted as it began', async () => {
    const { clock, pacer } = createWorld({ storeLatencyMs: () => 2_000 });
    await clock.run(async () => {
      const a = pacer('a');
      const firsts = Array.from({ length: 30 }, () => a.acquire(WRITE, options()).then(() => clock.nowMs()));
      // The row is read by 2 s, and the grant is stored by 4 s.
      await clock.sleep(3_000);
      await a.throttled('write', 500);
      const startedAtMs = await Promise.all(firsts);
      expect(Math.min(...startedAtMs) - START_MS).toBeGreaterThan(6_000);
      // Late starts are caught up with at twice the rate at most.
      expect(Math.max(...startedAtMs) - Math.min(...startedAtMs)).toBeGreaterThan(1_000);
    });
  });

  it('lasts one window when the service names no time', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await a.throttled('write', undefined);
      await a.acquire(WRITE, options());
      expect(clock.nowMs() - START_MS).toBeGreaterThan(WINDOW_MS);
      expect(a.usage().throttled).toBe(1);
    });
  });

  it('holds for a process that starts later', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      await pacer('a').throttled('write', 30_000);
      await pacer('b', -400).acquire(WRITE, options());
      expect(clock.nowMs() - START_MS).toBeGreaterThan(30_000);
    });
  });

  it('of one flight cuts the share once', async () => {
    const { clock, store, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await a.throttled('write', 1_000, clock.nowMs());
      await clock.sleep(10_000);
      const sentAtMs = clock.nowMs();
      await clock.sleep(200);
      await Promise.all(Array.from({ length: 20 }, () => a.throttled('write', 1_000, sentAtMs)));
      await clock.sleep(5_000);
      await a.throttled('write', 1_000, sentAtMs + 100);
    });
    expect(store.peek('write')?.factor).toBe(0.85);
  });

  it('leaves the pace smooth for its run, and eager for the next', async () => {
    const { clock, store, pacer } = createWorld();
    const paces = await clock.run(async () => {
      const a = pacer('a');
      const seen: unknown[] = [];
      for (const run of ['one', 'one', 'two']) {
        await a.beginRun(run);
        await use(a, 5);
        if (seen.length === 0) await a.throttled('write', 0);
        seen.push(store.peek('write')?.pace);
        await clock.sleep(5_000);
      }
      return seen;
    });
    expect(paces).toEqual(['smooth', 'smooth', 'eager']);
  });
});

describe('a deadline', () => {
  it('is refused at once when a pause goes past it, with the time to wait', async () => {
    const { clock, pacer } = createWorld();
    const [error, tookMs] = await clock.run(async () => {
      const a = pacer('a');
      await a.throttled('write', 120_000);
      const fromMs = clock.nowMs();
      const refused = await fate(a.acquire(WRITE, options({ deadlineAtMs: fromMs + 60_000 })));
      return [refused, clock.nowMs() - fromMs] as const;
    });
    expect(error).toBeInstanceOf(GraphError);
    expect(error).toMatchObject({ kind: 'throttled' });
    expect((error as GraphError).retryAfterMs).toBeGreaterThan(119_000);
    expect(tookMs).toBeLessThan(100);
  });

  it('is refused as soon as a pause that begins goes past it', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, LIMIT);
      const waiting = fate(a.acquire(WRITE, options({ deadlineAtMs: START_MS + 60_000 })));
      await clock.sleep(1_000);
      await a.throttled('write', 300_000);
      expect(await waiting).toMatchObject({ kind: 'throttled' });
      expect(clock.nowMs() - START_MS).toBeLessThan(3_000);
    });
  });

  it('is refused early when all slots are certain to rest longer', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, LIMIT);
      const refused = await fate(a.acquire(WRITE, options({ deadlineAtMs: clock.nowMs() + 10_000 })));
      expect(refused).toMatchObject({ kind: 'throttled' });
      expect((refused as GraphError).retryAfterMs).toBeGreaterThan(15_000);
      expect(clock.nowMs() - START_MS).toBeLessThan(2_000);
    });
  });

  it('ends a wait in a crowd when it comes', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      const crowd = Array.from({ length: 900 }, () => use(a, 1));
      await clock.sleep(1_000);
      const refused = await fate(a.acquire(WRITE, options({ deadlineAtMs: START_MS + 40_300 })));
      expect(refused).toMatchObject({ kind: 'throttled' });
      expect(clock.nowMs() - START_MS).toBe(40_300);
      await Promise.all(crowd);
    });
  });

  it('that has passed starts nothing', async () => {
    const { clock, pacer } = createWorld();
    const refused = await clock.run(() => fate(pacer('a').acquire(WRITE, options({ deadlineAtMs: START_MS - 1 }))));
    expect(refused).toMatchObject({ kind: 'throttled', retryAfterMs: expect.any(Number) });
  });
});

describe('an abort', () => {
  it('ends a wait with its reason and leaves the others waiting', async () => {
    const { clock, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, LIMIT);
      const abort = new AbortController();
      const one = fate(a.acquire(WRITE, options({ signal: abort.signal })));
      const other = a.acquire(WRITE, options());
      await clock.sleep(1_000);
      const reason = new Error('stop');
      abort.abort(reason);
      expect(await one).toBe(reason);
      expect(clock.nowMs() - START_MS).toBeLessThan(3_000);
      await other;
      expect(await fate(a.acquire(WRITE, options({ signal: abort.signal })))).toBe(reason);
    });
  });
});

describe('storage that fails', () => {
  it('fails what waits for slots with its own error, starts nothing, and is asked again the next time', async () => {
    const { clock, store, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      const failure = new Error('storage is away');
      store.failWith(failure);
      const fates = await Promise.all(Array.from({ length: 5 }, () => fate(a.acquire(WRITE, options()))));
      expect(fates).toEqual([failure, failure, failure, failure, failure]);
      expect(await fate(a.acquire(WRITE, options()))).toBe(failure);
      store.failWith(undefined);
      await use(a, 5);
    });
  });

  it('fails a request that lacks slots among others that do not', async () => {
    const { clock, store, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, 20);
      store.failWith(new Error('storage is away'));
      const fates = await Promise.all(Array.from({ length: 300 }, () => fate(a.acquire(WRITE, options()))));
      const failed = fates.filter((each) => each instanceof Error);
      expect(failed.length).toBeGreaterThan(0);
      expect(new Set(failed.map((error) => (error as Error).message))).toEqual(new Set(['storage is away']));
    });
  });

  it('fails the report of a 429 and a flush, and pauses this process all the same', async () => {
    const { clock, store, pacer } = createWorld();
    await clock.run(async () => {
      const a = pacer('a');
      await use(a, 5);
      store.failWith(new Error('storage is away'));
      expect(await fate(a.throttled('write', 9_000))).toBeInstanceOf(Error);
      expect(await fate(a.flush())).toBeInstanceOf(Error);
      store.failWith(undefined);
      await a.acquire(WRITE, options());
      expect(clock.nowMs() - START_MS).toBeGreaterThan(9_000);
    });
    expect(store.peek('write')?.pace).toBe('smooth');
  });
});

describe('at rest', () => {
  it('no timer runs and nothing is stored', async () => {
    const virtual = createVirtualClock(START_MS);
    let asleep = 0;
    const clock: Clock = {
      nowMs: virtual.nowMs,
      sleep: (ms, signal) => {
        asleep += 1;
        return virtual.sleep(ms, signal).finally(() => {
          asleep -= 1;
        });
      },
    };
    const store = createMemoryBudgetStore(clock);
    const pacer = createPacer({ budgets: BUDGETS, store, clock, owner: 'a', requestTimeoutMs: 30_000 });
    await virtual.run(async () => {
      const permits: Promise<Permit>[] = Array.from({ length: 250 }, () => pacer.acquire(WRITE, options()));
      const abort = new AbortController();
      const late = [
        fate(pacer.acquire(WRITE, options({ signal: abort.signal }))),
        fate(pacer.acquire(WRITE, options({ deadlineAtMs: START_MS + 15_000 }))),
      ];
      for (const permit of permits) void permit.then((each) => each.answered());
      await Promise.all(permits);
      abort.abort(new Error('stop'));
      await Promise.all(late);
      await pacer.flush();
      await virtual.sleep(1);
      const before = store.transactions();
      expect(asleep).toBe(0);
      await virtual.sleep(600_000);
      expect(store.transactions()).toBe(before);
      await pacer.flush();
      expect(store.transactions()).toBe(before);
    });
  });
});
