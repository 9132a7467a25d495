/** The whole app on a virtual clock: real use cases and real Graph client, simulated tenant, storage in memory, processes that can die at any step. */
import pLimit from 'p-limit';
import { acceptRequest } from '../../src/app/accept-request.ts';
import { advanceRun } from '../../src/app/advance-run.ts';
import { type Bounds, DEFAULT_TIMING, type Deps } from '../../src/app/deps.ts';
import { noteFault } from '../../src/app/note-fault.ts';
import { quarantineMessage } from '../../src/app/quarantine-message.ts';
import { recordSlice } from '../../src/app/record-slice.ts';
import { scheduledTick } from '../../src/app/scheduled-tick.ts';
import { parseSettings } from '../../src/config.ts';
import { createExclusion } from '../../src/domain/exclusion.ts';
import type { RunId } from '../../src/domain/ids.ts';
import type { Logger, Random } from '../../src/domain/ports.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { Run } from '../../src/domain/run.ts';
import type { RotationMode, Settings } from '../../src/domain/settings.ts';
import type { ReportFiles } from '../../src/domain/stored-files.ts';
import { createPacer } from '../../src/graph/pacer.ts';
import { createTenant } from '../../src/graph/tenant.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../src/simulator/simulated-tenant.ts';
import { createVirtualClock, type VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryBudgetStore } from '../../src/storage/memory/memory-budget-store.ts';
import { createMemoryLedger, type MemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { createMemoryQueues, type MemoryMessage, type MemoryQueues } from '../../src/storage/memory/memory-queues.ts';
import { createMemoryReportFiles } from '../../src/storage/memory/memory-report-files.ts';
import { createMemoryWorkFiles } from '../../src/storage/memory/memory-work-files.ts';
import { createLogger } from '../../src/system/logger.ts';
import { createLife, type Life, mortal, mortalClock, ProcessDied } from './mortal.ts';

export const START_MS = Date.UTC(2026, 10, 22, 2, 0, 0);
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export interface WorldOptions extends Partial<Omit<SimulatedTenantOptions, 'clock'>> {
  readonly settings?: Readonly<Record<string, string>>;
  /** Latency of the budget rows, ms. */
  readonly budgetLatencyMs?: number;
}

/** One process of the app. */
export interface TestProcess {
  readonly deps: Deps;
  readonly life: Life;
  readonly usage: () => ReturnType<ReturnType<typeof createTenant>['usage']>;
  tick(): Promise<void>;
}

export interface World {
  readonly clock: VirtualClock;
  readonly sim: SimulatedTenant;
  readonly ledger: MemoryLedger;
  readonly queues: MemoryQueues;
  readonly reportFiles: ReportFiles;
  readonly settings: Settings;
  /** Every log line of every process. */
  readonly log: string[];
  /** Whatever a delivery threw, in order. */
  readonly errors: unknown[];
  mode: RotationMode;
  start(life?: Life): TestProcess;
  /** Delivers messages to the process until none is left that falls due before `untilMs`; a failed one comes back after five minutes. */
  deliver(process: TestProcess, untilMs: number, options?: DeliverOptions): Promise<void>;
  runs(): Promise<readonly Run[]>;
  rotations(runId: RunId): Promise<readonly Rotation[]>;
}

export interface DeliverOptions {
  /** Each message is handled this often. Default 1. */
  readonly copies?: number;
  /** Loses the message when true. */
  readonly lose?: (message: MemoryMessage) => boolean;
}

/** Source: host.json: `maxDequeueCount` 8, `visibilityTimeout` five minutes. */
export const MAX_DEQUEUE_COUNT = 8;
const REDELIVERY_MS = 300_000;

export function createWorld(options: WorldOptions = {}): World {
  const { settings: overrides, budgetLatencyMs = 0, ...simulation } = options;
  const clock = createVirtualClock(START_MS);
  const sim = createSimulatedTenant({ devices: 100, ...simulation, clock });
  const settings = parseSettings({ TENANT_ID: sim.tenantId, ROTATION_MODE: 'live', ...overrides });
  const ledger = createMemoryLedger({ clock });
  const queues = createMemoryQueues({ clock });
  const workFiles = createMemoryWorkFiles();
  const reportFiles = createMemoryReportFiles();
  const budgets = createMemoryBudgetStore(clock, { latencyMs: () => budgetLatencyMs });
  const log: string[] = [];
  const errors: unknown[] = [];
  const random: Random = createSeededRandom(simulation.seed ?? 7);
  const logger: Logger = createLogger({ level: 'debug', write: (_level, line) => log.push(line) });

  const world: World = {
    clock,
    sim,
    ledger,
    queues,
    reportFiles,
    settings,
    log,
    errors,
    mode: settings.mode,
    start(life = createLife()) {
      const alive = mortalClock(clock, life);
      const store = mortal(budgets, life, 'budgets');
      const requestTimeoutMs = 30_000;
      const pacer = createPacer({
        budgets: settings.budgets,
        store,
        clock: alive,
        owner: random.guid().slice(0, 8),
        requestTimeoutMs,
      });
      const tenant = createTenant({
        settings,
        createCredential: () => sim.credential(),
        pacer,
        clock: alive,
        random,
        logger,
        version: '0.0.0',
        httpClient: mortal(sim.httpClient(), life, 'http'),
        requestTimeoutMs,
      });
      const deps: Deps = {
        settings,
        mode: () => world.mode,
        tenant,
        ledger: mortal(ledger, life, 'ledger'),
        queues: mortal(queues, life, 'queues'),
        workFiles: mortal(workFiles, life, 'workFiles'),
        reportFiles: mortal(reportFiles, life, 'reportFiles'),
        pacer,
        limiter: pLimit(settings.concurrency),
        isExcluded: createExclusion(settings.exclude),
        clock: alive,
        random,
        logger,
        timing: DEFAULT_TIMING,
        version: '0.0.0',
      };
      return { deps, life, usage: () => tenant.usage(), tick: async () => void (await scheduledTick(deps)) };
    },
    async deliver(process, untilMs, { copies = 1, lose } = {}) {
      const failures = new Map<string, number>();
      const running = new Set<Promise<void>>();
      const redeliver: { readonly message: MemoryMessage; readonly atMs: number }[] = [];
      const inHand = new Set<MemoryMessage>();
      let died: unknown;

      async function handle(message: MemoryMessage): Promise<void> {
        const key = JSON.stringify([message.queue, message.body]);
        inHand.add(message);
        try {
          const bounds = { deadlineAtMs: clock.nowMs() + settings.timeBudgetMs, signal: process.life.signal };
          const once = () => invoke(process.deps, message, bounds);
          await Promise.all(Array.from({ length: copies }, once));
          inHand.delete(message);
        } catch (error) {
          if (error instanceof ProcessDied || process.life.isDead()) {
            died ??= error;
            return;
          }
          inHand.delete(message);
          errors.push(error);
          const messageId = 'messageId' in message ? message.messageId : undefined;
          await noteFault(process.deps, { queue: message.queue, message: message.body, messageId }, error);
          const count = (failures.get(key) ?? 0) + 1;
          failures.set(key, count);
          if (count < MAX_DEQUEUE_COUNT) redeliver.push({ message, atMs: clock.nowMs() + REDELIVERY_MS });
          else await quarantine(message);
        }
      }

      /** What the trigger of the poison queue does; it is tried as often as any other. */
      async function quarantine(message: MemoryMessage): Promise<void> {
        for (let attempt = 1; attempt <= MAX_DEQUEUE_COUNT && !process.life.isDead(); attempt++) {
          try {
            return await quarantineMessage(process.deps, message.queue, message.body);
          } catch (error) {
            errors.push(error);
            await clock.sleep(REDELIVERY_MS);
          }
        }
      }

      for (;;) {
        if (process.life.isDead()) died ??= new ProcessDied(`the process died at ${process.life.diedAt}`);
        if (died !== undefined) {
          // What was in hand becomes visible again, as it does in Azure when a consumer dies.
          for (const message of [...inHand, ...redeliver.map((one) => one.message)]) queues.giveBack(message);
          throw died;
        }
        const message = queues.take() ?? takeDue(redeliver, clock.nowMs());
        if (message !== undefined) {
          if (lose?.(message)) continue;
          const work = handle(message);
          running.add(work);
          void work.finally(() => running.delete(work));
          continue;
        }
        const nextAtMs = Math.min(
          queues.nextVisibleAtMs() ?? Number.POSITIVE_INFINITY,
          ...redeliver.map(({ atMs }) => atMs),
        );
        if (running.size === 0 && nextAtMs > untilMs) return;
        const wait = new AbortController();
        const waits: Promise<unknown>[] = [...running, process.life.death];
        if (Number.isFinite(nextAtMs))
          waits.push(clock.sleep(Math.max(1, nextAtMs - clock.nowMs()), wait.signal).catch(() => undefined));
        await Promise.race(waits);
        wait.abort();
      }
    },
    async runs() {
      const runs: Run[] = [];
      for await (const run of ledger.listRuns({ unfinished: false })) runs.push(run);
      return runs;
    },
    async rotations(runId) {
      const rows: Rotation[] = [];
      for await (const page of ledger.rotationPages(runId)) rows.push(...page);
      return rows;
    },
  };

  return world;
}

/** What the function of the message's queue does. */
function invoke(deps: Deps, message: MemoryMessage, bounds: Bounds): Promise<unknown> {
  switch (message.queue) {
    case 'rotation-requests':
      return acceptRequest(deps, { message: message.body, messageId: message.messageId }, bounds);
    case 'rotation-runs':
      return advanceRun(deps, message.body, bounds);
    case 'encryption-states':
      return recordSlice(deps, message.body, bounds);
  }
}

function takeDue(
  redeliver: { readonly message: MemoryMessage; readonly atMs: number }[],
  nowMs: number,
): MemoryMessage | undefined {
  const at = redeliver.findIndex(({ atMs }) => atMs <= nowMs);
  return at < 0 ? undefined : redeliver.splice(at, 1)[0]?.message;
}
