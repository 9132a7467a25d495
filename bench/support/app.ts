/** The whole app around any clock, storage and HTTP client: real use cases, real Graph client, real pacer. Layer: bench. */
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import pLimit from 'p-limit';
import { acceptRequest } from '../../src/app/accept-request.ts';
import { advanceRun } from '../../src/app/advance-run.ts';
import { DEFAULT_TIMING, type Deps } from '../../src/app/deps.ts';
import { recordSlice } from '../../src/app/record-slice.ts';
import type { BudgetStore } from '../../src/domain/budget-store.ts';
import { createExclusion } from '../../src/domain/exclusion.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import type { Pacer } from '../../src/domain/pacer.ts';
import type { Clock, Random } from '../../src/domain/ports.ts';
import type { Settings } from '../../src/domain/settings.ts';
import type { ReportFiles, WorkFiles } from '../../src/domain/stored-files.ts';
import type { TenantUsage } from '../../src/domain/tenant.ts';
import { REQUEST_TIMEOUT_MS } from '../../src/graph/attempt.ts';
import { createPacer } from '../../src/graph/pacer.ts';
import { createTenant } from '../../src/graph/tenant.ts';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import type { MemoryMessage, MemoryQueues } from '../../src/storage/memory/memory-queues.ts';
import { createLogger } from '../../src/system/logger.ts';

/** What surrounds the app. */
export interface AppSurroundings {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly queues: MemoryQueues;
  readonly workFiles: WorkFiles;
  readonly reportFiles: ReportFiles;
  readonly budgetStore: BudgetStore;
  readonly credential: TokenCredential;
  /** The library's own when absent. */
  readonly httpClient?: HttpClient;
}

/** One process of the app. */
export interface App {
  readonly deps: Deps;
  readonly pacer: Pacer;
  readonly queues: MemoryQueues;
  usage(): TenantUsage;
}

/** Log lines are made as in production, at `info`, and dropped. */
export function createApp(around: AppSurroundings): App {
  const { settings, clock, random, ledger, queues, workFiles, reportFiles } = around;
  const logger = createLogger({ level: 'info', write: () => undefined });
  const pacer = createPacer({
    budgets: settings.budgets,
    store: around.budgetStore,
    clock,
    owner: random.guid().slice(0, 8),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  const tenant = createTenant({
    settings,
    createCredential: () => around.credential,
    pacer,
    clock,
    random,
    logger,
    version: '0.0.0',
    httpClient: around.httpClient ?? createHttpClient(),
  });
  const deps: Deps = {
    settings,
    mode: () => settings.mode,
    tenant,
    ledger,
    queues,
    workFiles,
    reportFiles,
    pacer,
    limiter: pLimit(settings.concurrency),
    isExcluded: createExclusion(settings.exclude),
    clock,
    random,
    logger,
    timing: DEFAULT_TIMING,
    version: '0.0.0',
  };
  return { deps, pacer, queues, usage: () => tenant.usage() };
}

/** One invocation per message, as the functions do it. */
export async function deliverOne({ deps }: App, message: MemoryMessage): Promise<void> {
  const bounds = {
    deadlineAtMs: deps.clock.nowMs() + deps.settings.timeBudgetMs,
    signal: new AbortController().signal,
  };
  if (message.queue === 'rotation-runs') await advanceRun(deps, message.body, bounds);
  else if (message.queue === 'encryption-states') await recordSlice(deps, message.body, bounds);
  else await acceptRequest(deps, { message: message.body, messageId: message.messageId }, bounds);
}

/**
 * Delivers messages as they become visible, many at once, until none is left. `wanted` false leaves the rest where they are.
 * @throws what an invocation throws: a benchmark has no faults.
 */
export async function deliverAll(app: App, wanted: () => boolean = () => true): Promise<void> {
  const { queues } = app;
  const { clock } = app.deps;
  const running = new Set<Promise<void>>();
  while (wanted()) {
    const message = queues.take();
    if (message !== undefined) {
      const work = deliverOne(app, message).finally(() => running.delete(work));
      running.add(work);
      continue;
    }
    const nextAtMs = queues.nextVisibleAtMs();
    if (running.size === 0 && nextAtMs === undefined) return;
    const wait = new AbortController();
    const waits: Promise<unknown>[] = [...running];
    if (nextAtMs !== undefined)
      waits.push(clock.sleep(Math.max(1, nextAtMs - clock.nowMs()), wait.signal).catch(() => undefined));
    await Promise.race(waits);
    wait.abort();
  }
  await Promise.all(running);
}
