/** Planning: CPU and memory of one process while it lists, decides and writes the plan of a whole fleet. Layer: bench. */
import { scheduledTick } from '../src/app/scheduled-tick.ts';
import { parseSettings } from '../src/config.ts';
import { issueToken } from '../src/simulator/access-token.ts';
import { createMemoryBudgetStore } from '../src/storage/memory/memory-budget-store.ts';
import { createMemoryLedger } from '../src/storage/memory/memory-ledger.ts';
import { createMemoryQueues } from '../src/storage/memory/memory-queues.ts';
import { createSystemClock } from '../src/system/clock.ts';
import { createSystemRandom } from '../src/system/random.ts';
import { createApp, deliverAll } from './support/app.ts';
import { type Bench, figure, type Row } from './support/bench.ts';
import { createDiskWorkFiles } from './support/disk-work-files.ts';
import { createForgetfulReportFiles } from './support/forgetful-report-files.ts';
import { startMeasuring } from './support/measure.ts';
import { KEYS_EACH, startPageServer } from './support/page-server.ts';

const TENANT_ID = '5eed0000-7e4a-4c1d-9b8e-0123456789ab';
const NO_LIMIT = '1000000/PT20S';

/**
 * Chosen: by default Node 24 lets the young generation grow larger where memory is plenty, and keeps it: about 80 MiB more on the machine
 * measured. In Azure the same is set by `languageWorkers__node__arguments`.
 */
const SEMI_SPACE_MIB = 16;

/** Plans that many devices, three keys each, and says what it took. */
async function plan(devices: number, semiSpace: string): Promise<Row> {
  const clock = createSystemClock();
  const server = await startPageServer(devices);
  const workFiles = await createDiskWorkFiles();
  const ledger = createMemoryLedger({ clock, rows: 'count' });
  const expiresOnTimestamp = clock.nowMs() + 86_400_000;
  const claims = { aud: server.url, tid: TENANT_ID, roles: [], exp: Math.floor(expiresOnTimestamp / 1_000) };
  const token = issueToken(claims, clock.nowMs(), TENANT_ID);
  const app = createApp({
    settings: parseSettings({
      TENANT_ID,
      GRAPH_ENDPOINT: server.url,
      ROTATION_MODE: 'dryRun',
      GRAPH_ANY_BUDGET: NO_LIMIT,
      GRAPH_KEY_BUDGET: NO_LIMIT,
    }),
    clock,
    random: createSystemRandom(),
    ledger,
    queues: createMemoryQueues({ clock }),
    workFiles,
    reportFiles: createForgetfulReportFiles(),
    budgetStore: createMemoryBudgetStore(clock),
    credential: { getToken: () => Promise.resolve({ token, expiresOnTimestamp }) },
  });
  try {
    const used = startMeasuring();
    const { runId } = await scheduledTick(app.deps);
    await deliverAll(app);
    const { cpuSeconds, wallSeconds, peakMiB, baselineMiB } = used();
    const run = runId === undefined ? undefined : (await ledger.readRun(runId))?.value;
    const rows = runId === undefined ? 0 : ledger.rotationCount(runId);
    if (run?.state !== 'completed' || rows !== run.devices)
      throw new Error(`planned ${rows} devices of ${run?.devices} and ended ${run?.state}`);
    return {
      'semi-space': semiSpace,
      devices,
      keys: devices * KEYS_EACH,
      'CPU s': cpuSeconds,
      'CPU µs per device': (cpuSeconds * 1e6) / devices,
      'wall s': wallSeconds,
      'peak MiB': peakMiB,
      'MiB before': baselineMiB,
    };
  } finally {
    server.stop();
    await workFiles.remove();
  }
}

/** Planning a fleet, up to a million devices. */
export const planning: Bench = {
  name: 'planning',
  about: 'list, decide and write the plan of a whole fleet, three keys a device',
  cases: [
    ...[10_000, 100_000, 1_000_000].map((devices) => ({
      name: String(devices),
      execArgv: [`--max-semi-space-size=${SEMI_SPACE_MIB}`],
      measure: () => plan(devices, `${SEMI_SPACE_MIB} MiB`),
    })),
    { name: 'default', measure: () => plan(1_000_000, 'default') },
  ],
  goals(rows) {
    const [, hundredThousand, million] = rows;
    const each = (row: Row | undefined) => figure(row, 'CPU µs per device');
    return [
      { what: 'a million devices, CPU s', measured: figure(million, 'CPU s'), atMost: 120 },
      { what: 'a million devices, peak MiB', measured: figure(million, 'peak MiB'), atMost: 400 },
      {
        what: 'CPU per device, a million against a hundred thousand',
        measured: each(million) / each(hundredThousand),
        atMost: 1.3,
      },
    ];
  },
};
