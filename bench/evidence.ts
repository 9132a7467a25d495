/** Evidence: CPU, time and memory of one process while it writes and verifies the evidence of a whole run. Layer: bench. */
import { createReadStream } from 'node:fs';
import { isWhole, verifyEvidence } from '../src/app/evidence/verify-evidence.ts';
import { writeEvidence } from '../src/app/evidence/write-evidence.ts';
import { writeReport } from '../src/app/report/write-report.ts';
import { parseSettings } from '../src/config.ts';
import { parseTenantId, type RunId } from '../src/domain/ids.ts';
import type { Ledger } from '../src/domain/ledger.ts';
import type { Run } from '../src/domain/run.ts';
import type { ReportFiles } from '../src/domain/stored-files.ts';
import { startAzurite } from '../src/local/azurite.ts';
import { createSystemClock } from '../src/system/clock.ts';
import { createLogger } from '../src/system/logger.ts';
import { VERSION } from '../src/version.ts';
import { type Bench, figure, mostOf, type Row } from './support/bench.ts';
import { createDiskReportFiles, type DiskReportFiles } from './support/disk-report-files.ts';
import { startMeasuring } from './support/measure.ts';
import { proven, START_MS } from './support/proven-rotations.ts';
import { openStorage, seedRotations } from './support/seed-rotations.ts';

const TENANT_ID = parseTenantId('5eed0000-7e4a-4c1d-9b8e-0123456789ab');
const RUN_ID = 'bench-evidence' as RunId;
const NAME = `${RUN_ID}/evidence-1.csv`;
const REPORT = `${RUN_ID}/report-1.html`;
/** As a table gives them. */
const ROWS_PER_PAGE = 1_000;
/** See `planning`. */
const SEMI_SPACE_MIB = 16;
const SMALL_YOUNG_GENERATION = `--max-semi-space-size=${SEMI_SPACE_MIB}`;

/** Rows are made as they are asked for. */
function ledgerOf(devices: number): Pick<Ledger, 'rotationPages'> {
  return {
    async *rotationPages(_runId, rowsPerPage = ROWS_PER_PAGE) {
      for (let from = 0; from < devices; from += rowsPerPage) {
        const length = Math.min(rowsPerPage, devices - from);
        yield Array.from({ length }, (_, i) => proven(from + i));
      }
    },
  };
}

function runOf(devices: number): Run {
  return {
    tenantId: TENANT_ID,
    runId: RUN_ID,
    trigger: 'schedule',
    mode: 'live',
    state: 'settling',
    createdAtMs: START_MS,
    seed: 1,
    checkpoint: 0,
    rowsWritten: devices,
    devices,
    due: devices,
    notDue: 0,
    skipped: {},
    canaries: 0,
    nextOrder: devices,
    canaryPassed: true,
  };
}

/** Both, as the app does at the end of a run. @throws {Error} when the report was not written. */
async function write(devices: number, reportFiles: ReportFiles, ledger = ledgerOf(devices) as Ledger): Promise<void> {
  const deps = {
    ledger,
    reportFiles,
    settings: parseSettings({ TENANT_ID }),
    clock: createSystemClock(),
    logger: createLogger({ level: 'info', write: () => undefined }),
    version: VERSION,
  };
  const run = runOf(devices);
  const { signal } = new AbortController();
  const evidence = await writeEvidence(deps, run, signal);
  if (evidence === undefined) throw new Error('no evidence was written');
  await writeReport(deps, { ...run, evidence }, signal);
  if ((await reportFiles.metadata(REPORT)) === undefined) throw new Error('no report was written');
}

async function verify(devices: number, files: DiskReportFiles): Promise<void> {
  const found = await verifyEvidence(() => createReadStream(files.pathOf(NAME)));
  if (!isWhole(found) || found.figures.devices !== devices) throw new Error('the evidence does not hold');
}

/** Does it, and says what it took. */
async function measured(what: string, devices: number, work: () => Promise<unknown>): Promise<Row> {
  const used = startMeasuring();
  await work();
  const { cpuSeconds, wallSeconds, peakMiB, baselineMiB } = used();
  return {
    what,
    'semi-space': process.execArgv.includes(SMALL_YOUNG_GENERATION) ? SEMI_SPACE_MIB : 'default',
    devices,
    'CPU s': cpuSeconds,
    'CPU µs per device': (cpuSeconds * 1e6) / devices,
    'wall s': wallSeconds,
    'peak MiB': peakMiB,
    'MiB before': baselineMiB,
  };
}

async function writeToDisk(devices: number): Promise<Row> {
  const files = await createDiskReportFiles();
  try {
    return await measured('write to disk', devices, () => write(devices, files));
  } finally {
    await files.remove();
  }
}

async function writeToAzurite(devices: number): Promise<Row> {
  const azurite = await startAzurite();
  try {
    await seedRotations(azurite.connectionString, TENANT_ID, RUN_ID, devices);
    const { reportFiles, ledger } = openStorage(azurite.connectionString, TENANT_ID);
    return await measured('Azurite, tables to blobs', devices, () => write(devices, reportFiles, ledger));
  } finally {
    await azurite.stop();
  }
}

/** The peak is that of writing and verifying together. */
async function verifyFromDisk(devices: number): Promise<Row> {
  const files = await createDiskReportFiles();
  try {
    await write(devices, files);
    return await measured('write, then verify', devices, () => verify(devices, files));
  } finally {
    await files.remove();
  }
}

const execArgv = [SMALL_YOUNG_GENERATION];

/** Evidence and reports of up to a million devices. */
export const evidence: Bench = {
  name: 'evidence',
  about: 'write evidence and report of a run whose devices are all proven, and verify the evidence',
  cases: [
    { name: 'disk', execArgv, measure: () => writeToDisk(100_000) },
    { name: 'defaults', measure: () => writeToDisk(100_000) },
    { name: 'azurite', execArgv, measure: () => writeToAzurite(100_000) },
    { name: 'azurite, defaults', measure: () => writeToAzurite(100_000) },
    { name: 'million', execArgv, measure: () => writeToDisk(1_000_000) },
    { name: 'verify', execArgv, measure: () => verifyFromDisk(100_000) },
    { name: 'verify a million', execArgv, measure: () => verifyFromDisk(1_000_000) },
  ],
  goals(rows) {
    type Rows = [Row, Row, Row, Row, Row, Row, Row];
    const [disk, defaults, azurite, azuriteDefaults, million, verified, verifiedMillion] = rows as Rows;
    return [
      {
        what: '100,000 devices, written in s',
        measured: mostOf([disk, defaults], 'wall s'),
        atMost: 60,
      },
      // Azurite takes several times as long for a page of rows as it takes us to write them.
      {
        what: '100,000 devices, CPU s, tables and blobs included',
        measured: mostOf([azurite, azuriteDefaults], 'CPU s'),
        atMost: 60,
      },
      {
        what: '100,000 devices, peak MiB',
        measured: mostOf([disk, defaults, azurite, azuriteDefaults, verified], 'peak MiB'),
        atMost: 200,
      },
      { what: 'a million devices, peak MiB', measured: mostOf([million, verifiedMillion], 'peak MiB'), atMost: 256 },
      { what: '100,000 devices, verified in s', measured: figure(verified, 'wall s'), atMost: 60 },
    ];
  },
};
