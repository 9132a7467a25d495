/** Everything a pacing test needs on one virtual clock: shared rows, a model server, and pacers of several processes. */
import type { Pacer } from '../../src/domain/pacer.ts';
import type { Budget, RequestClass } from '../../src/domain/request-class.ts';
import { createPacer } from '../../src/graph/pacer.ts';
import { createVirtualClock, type VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryBudgetStore, type MemoryBudgetStore } from '../../src/storage/memory/memory-budget-store.ts';
import { sendPaced, type WriterOptions, type WriterResult } from './paced-writer.ts';
import { createQuotaServer, type ForeignTraffic, type QuotaServer, seeded, type WindowKind } from './quota-server.ts';

export const START_MS = Date.UTC(2026, 10, 22, 8);
export const WINDOW_MS = 20_000;
export const LIMIT = 200;

/** The documented limits. */
export const BUDGETS: Readonly<Record<RequestClass, Budget>> = {
  write: { limit: LIMIT, windowMs: WINDOW_MS },
  any: { limit: 2_000, windowMs: WINDOW_MS },
  key: { limit: 200, windowMs: WINDOW_MS },
  stateWrite: { limit: 100, windowMs: WINDOW_MS },
  stateAny: { limit: 1_000, windowMs: WINDOW_MS },
};

/** All budgets alike: for tests of another limit or window. */
export function budgetsOf(budget: Budget): Readonly<Record<RequestClass, Budget>> {
  return { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget };
}

export interface WorldOptions {
  readonly seed?: number;
  readonly kind?: WindowKind;
  readonly foreign?: ForeignTraffic;
  readonly budgets?: Readonly<Record<RequestClass, Budget>>;
  /** About 10 ms by default. */
  readonly storeLatencyMs?: () => number;
}

export interface World {
  readonly clock: VirtualClock;
  readonly store: MemoryBudgetStore;
  /** Throttles by the budget of class `write`. */
  readonly server: QuotaServer;
  readonly random: () => number;
  /** A process's pacer; `skewMs`: how far its idea of the storage server's clock is off. */
  pacer(owner: string, skewMs?: number): Pacer;
  /** Sends through it, 32 at a time, latency up to 0.2 s, unless said otherwise. */
  send(pacer: Pacer, requests: number, options?: Partial<WriterOptions>): Promise<WriterResult>;
}

export function createWorld(options: WorldOptions = {}): World {
  const { seed = 1, kind = 'sliding', foreign = 'none', budgets = BUDGETS } = options;
  const clock = createVirtualClock(START_MS);
  const random = seeded(seed);
  const store = createMemoryBudgetStore(clock, { latencyMs: options.storeLatencyMs ?? (() => 5 + 10 * random()) });
  const server = createQuotaServer({ kind, ...budgets.write, startMs: START_MS, random, foreign });
  return {
    clock,
    store,
    server,
    random,
    pacer: (owner, skewMs = 0) =>
      createPacer({ budgets, store: store.seenBy(skewMs), clock, owner, requestTimeoutMs: 30_000 }),
    send: (pacer, requests, more = {}) =>
      sendPaced({
        pacer,
        clock,
        server,
        requests,
        concurrency: 32,
        latencyMs: () => 200 * random(),
        reaches: random,
        ...more,
      }),
  };
}
