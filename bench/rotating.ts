/** Rotating and settling a planned fleet when the quota is no limit: our own work per rotation, and memory that does not grow with the fleet. Layer: bench. */
import type { HttpClient } from '@azure/core-rest-pipeline';
import { parseSettings } from '../src/config.ts';
import { parseRunId } from '../src/domain/ids.ts';
import type { Run } from '../src/domain/run.ts';
import { createSeededRandom } from '../src/simulator/seeded-random.ts';
import { createVirtualClock } from '../src/simulator/virtual-clock.ts';
import { createMemoryBudgetStore } from '../src/storage/memory/memory-budget-store.ts';
import { createMemoryQueues } from '../src/storage/memory/memory-queues.ts';
import { createMemoryWorkFiles } from '../src/storage/memory/memory-work-files.ts';
import { createApp, deliverAll, deliverOne } from './support/app.ts';
import { type Bench, figure, type Row } from './support/bench.ts';
import { createDiskLedger } from './support/disk-ledger.ts';
import { createForgetfulReportFiles } from './support/forgetful-report-files.ts';
import { startMeasuring } from './support/measure.ts';
import { createObligingTenant } from './support/obliging-tenant.ts';
import { START_MS } from './support/simulation.ts';

const TENANT_ID = '5eed0000-7e4a-4c1d-9b8e-0123456789ab';
const RUN_ID = parseRunId('bench');
const NO_LIMIT = '1000000/PT20S';
const LATENCY_MS = 50;
const KEYS_MADE_AT_MS = START_MS - 200 * 86_400_000;

/** Live memory is looked at this often while requests are sent. */
const LOOKS = 20;

/** Rotates that many devices and settles them at their first look. */
async function rotate(devices: number): Promise<Row> {
  const clock = createVirtualClock(START_MS);
  const ledger = createDiskLedger({ clock, devices, keysMadeAtMs: KEYS_MADE_AT_MS });
  const tenant = createObligingTenant({ clock, devices, latencyMs: LATENCY_MS, keysMadeAtMs: KEYS_MADE_AT_MS });
  const settings = parseSettings({
    TENANT_ID,
    ROTATION_MODE: 'live',
    GRAPH_WRITE_BUDGET: NO_LIMIT,
    GRAPH_ANY_BUDGET: NO_LIMIT,
    GRAPH_KEY_BUDGET: NO_LIMIT,
    GRAPH_STATE_ANY_BUDGET: NO_LIMIT,
  });
  const queues = createMemoryQueues({ clock });
  const live: LiveMemory = { mib: [], cpuSeconds: 0 };
  const app = createApp({
    settings,
    clock,
    random: createSeededRandom(1),
    ledger,
    queues,
    workFiles: createMemoryWorkFiles(),
    reportFiles: createForgetfulReportFiles(),
    budgetStore: createMemoryBudgetStore(clock),
    credential: { getToken: () => Promise.resolve({ token: 'none', expiresOnTimestamp: START_MS + 86_400_000 }) },
    httpClient: watched(tenant.httpClient, devices, live),
  });
  const run: Run = {
    tenantId: settings.tenantId,
    runId: RUN_ID,
    trigger: 'schedule',
    mode: 'live',
    state: 'rotating',
    createdAtMs: START_MS,
    seed: 1,
    checkpoint: 0,
    planId: 'bench',
    rowsWritten: devices,
    keysListedAtMs: START_MS,
    devices,
    due: devices,
    notDue: 0,
    skipped: {},
    canaries: 0,
    nextOrder: 0,
    canaryPassed: true,
  };
  try {
    return await clock.run(async () => {
      await ledger.createRun(run);
      await queues.sendContinuation({ tenantId: settings.tenantId, runId: RUN_ID, checkpoint: 0 }, 0);
      const used = startMeasuring();
      for (;;) {
        const message = queues.take('rotation-runs');
        if (message === undefined) {
          if ((await ledger.readRun(RUN_ID))?.value.state === 'settling') break;
          await clock.sleep(1_000);
        } else await deliverOne(app, message);
      }
      const sent = used();
      await deliverAll(app);
      const settled = used();
      const ended = (await ledger.readRun(RUN_ID))?.value;
      if (ended?.finalCounts?.proven !== devices)
        throw new Error(`ended ${ended?.state} with ${JSON.stringify(ended?.finalCounts)}`);
      const sendingCpu = sent.cpuSeconds - live.cpuSeconds;
      const tenth = live.mib[LOOKS / 10] ?? Number.NaN;
      return {
        devices,
        'sending, CPU s': sendingCpu,
        'sent per CPU s': devices / sendingCpu,
        'settling, CPU s': settled.cpuSeconds - sent.cpuSeconds,
        'proven per CPU s': devices / (settled.cpuSeconds - live.cpuSeconds),
        'live at a tenth, MiB': tenth,
        'live at most, MiB': Math.max(...live.mib.slice(LOOKS / 10)),
        'peak MiB': settled.peakMiB,
        'MiB before': sent.baselineMiB,
      };
    });
  } finally {
    ledger.remove();
  }
}

interface LiveMemory {
  /** What was reachable, MiB, after each twentieth of the requests. */
  readonly mib: number[];
  /** What looking cost. */
  cpuSeconds: number;
}

/** Collects garbage now and then and notes what is left: the process's size says more about the collector than about us. */
function watched(client: HttpClient, devices: number, live: LiveMemory): HttpClient {
  let asked = 0;
  return {
    sendRequest(request) {
      asked += 1;
      if (asked <= devices && asked % (devices / LOOKS) === 0) {
        const before = process.cpuUsage();
        if (globalThis.gc === undefined) throw new Error('needs --expose-gc');
        globalThis.gc();
        const { heapUsed, external } = process.memoryUsage();
        live.mib.push((heapUsed + external) / 2 ** 20);
        const { user, system } = process.cpuUsage(before);
        live.cpuSeconds += (user + system) / 1e6;
      }
      return client.sendRequest(request);
    },
  };
}

/** Rotating a planned fleet, small and large. */
export const rotating: Bench = {
  name: 'rotating',
  about: 'claim, ask, record and settle when the quota is no limit',
  cases: [20_000, 200_000].map((devices) => ({
    name: String(devices),
    execArgv: ['--expose-gc'],
    measure: () => rotate(devices),
  })),
  goals(rows) {
    const [small, large] = rows;
    return [
      {
        what: '200,000 devices, rotations sent per CPU s',
        measured: figure(large, 'sent per CPU s'),
        atLeast: 2_000,
      },
      {
        what: '200,000 devices, rotations sent and proven per CPU s',
        measured: figure(large, 'proven per CPU s'),
        atLeast: 2_000,
      },
      {
        what: '200,000 devices, live memory at most against after a tenth of them',
        measured: figure(large, 'live at most, MiB') / figure(large, 'live at a tenth, MiB'),
        atMost: 1.1,
      },
      {
        what: 'live memory at most, 200,000 devices against 20,000',
        measured: figure(large, 'live at most, MiB') / figure(small, 'live at most, MiB'),
        atMost: 1.25,
      },
    ];
  },
};
