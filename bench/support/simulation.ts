/** The whole app and a simulated tenant on one virtual clock, with what the tenant saw of the rotation phase. Layer: bench. */
import type { HttpClient } from '@azure/core-rest-pipeline';
import { scheduledTick } from '../../src/app/scheduled-tick.ts';
import { parseSettings } from '../../src/config.ts';
import type { Run } from '../../src/domain/run.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../src/simulator/simulated-tenant.ts';
import { createVirtualClock, type VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryBudgetStore } from '../../src/storage/memory/memory-budget-store.ts';
import { createMemoryLedger, type MemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { createMemoryQueues } from '../../src/storage/memory/memory-queues.ts';
import { createMemoryWorkFiles } from '../../src/storage/memory/memory-work-files.ts';
import { type App, createApp, deliverAll } from './app.ts';
import { createForgetfulReportFiles } from './forgetful-report-files.ts';
import { slowLedger } from './slow-storage.ts';

/** Where every simulation's clock starts. */
export const START_MS = Date.UTC(2026, 10, 22, 2);

export interface SimulationOptions extends Omit<SimulatedTenantOptions, 'clock'> {
  /** On top of `ROTATION_MODE=live` and a cap that no fleet reaches. */
  readonly settings?: Readonly<Record<string, string>>;
  /** One round trip to storage, ms. Default 0. */
  readonly storageLatencyMs?: () => number;
}

/** One rotation request: when it left and when its answer was here, ms. */
export interface Asked {
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
  readonly status: number;
}

export interface Simulation {
  readonly clock: VirtualClock;
  readonly tenant: SimulatedTenant;
  readonly ledger: MemoryLedger;
  readonly app: App;
  /** Every rotation request, in the order of the answers. */
  readonly asked: readonly Asked[];
  /** One tick, then every message until the run has ended. @throws {Error} when it did not complete. */
  runOnce(): Promise<Run>;
}

/** A fleet, and the app with its storage in memory. */
export function createSimulation({ settings, storageLatencyMs, ...tenantOptions }: SimulationOptions): Simulation {
  const clock = createVirtualClock(START_MS);
  const tenant = createSimulatedTenant({ historyLimit: 0, ...tenantOptions, clock });
  const ledger = createMemoryLedger({ clock });
  const asked: Asked[] = [];
  const app = createApp({
    settings: parseSettings({
      TENANT_ID: tenant.tenantId,
      ROTATION_MODE: 'live',
      ROTATION_MAX_DEVICES: '1000000',
      ...settings,
    }),
    clock,
    random: createSeededRandom((tenantOptions.seed ?? 1) + 100),
    ledger: storageLatencyMs === undefined ? ledger : slowLedger(ledger, clock, storageLatencyMs),
    queues: createMemoryQueues({ clock }),
    workFiles: createMemoryWorkFiles(),
    reportFiles: createForgetfulReportFiles(),
    budgetStore: createMemoryBudgetStore(clock, storageLatencyMs === undefined ? {} : { latencyMs: storageLatencyMs }),
    credential: tenant.credential(),
    httpClient: noting(tenant.httpClient(), clock, asked),
  });

  return {
    clock,
    tenant,
    ledger,
    app,
    asked,
    runOnce: () =>
      clock.run(async () => {
        await scheduledTick(app.deps);
        await deliverAll(app);
        for await (const run of ledger.listRuns({ unfinished: false })) {
          if (run.state === 'completed') return run;
          throw new Error(`the run ended as ${run.state} (${run.abortReason ?? 'no reason'})`);
        }
        throw new Error('no run was started');
      }),
  };
}

function noting(client: HttpClient, clock: VirtualClock, asked: Asked[]): HttpClient {
  return {
    async sendRequest(request) {
      const sentAtMs = clock.nowMs();
      const response = await client.sendRequest(request);
      if (request.url.endsWith('/rotateBitLockerKeys'))
        asked.push({ sentAtMs, answeredAtMs: clock.nowMs(), status: response.status });
      return response;
    },
  };
}
