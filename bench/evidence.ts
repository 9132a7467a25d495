/** Evidence: CPU, time and memory of one process while it writes and verifies the evidence of a whole run. Layer: bench. */
import { createReadStream } from 'node:fs';
import { isWhole, verifyEvidence } from '../src/app/evidence/verify-evidence.ts';
import { writeEvidence } from '../src/app/evidence/write-evidence.ts';
import { parseSettings } from '../src/config.ts';
import type { EncryptionState } from '../src/domain/encryption-state.ts';
import { parseTenantId, type RunId } from '../src/domain/ids.ts';
import type { Ledger, ReportFiles } from '../src/domain/ports.ts';
import type { Rotation } from '../src/domain/rotation.ts';
import type { Run } from '../src/domain/run.ts';
import { startAzurite } from '../src/local/azurite.ts';
import { parseStorageConnection } from '../src/storage/connection.ts';
import { createStorage } from '../src/storage/create-storage.ts';
import { createSystemClock } from '../src/system/clock.ts';
import { createLogger } from '../src/system/logger.ts';
import { createSystemRandom } from '../src/system/random.ts';
import { VERSION } from '../src/version.ts';
import { type Bench, figure, mostOf, type Row } from './support/bench.ts';
import { createDiskReportFiles, type DiskReportFiles } from './support/disk-report-files.ts';
import { startMeasuring } from './support/measure.ts';
import { entraIdOf, managedIdOf, newKeyIdOf, oldKeyIdOf } from './support/numbered-ids.ts';

const TENANT_ID = parseTenantId('5eed0000-7e4a-4c1d-9b8e-0123456789ab');
const RUN_ID = 'bench-evidence' as RunId;
const NAME = `${RUN_ID}/evidence-1.csv`;
const START_MS = Date.UTC(2026, 10, 22, 2);
const HOUR_MS = 3_600_000;
/** As a table gives them. */
const ROWS_PER_PAGE = 1_000;
/** See `planning`. */
const SEMI_SPACE_MIB = 16;

function encryptionState(order: number): EncryptionState {
  return {
    id: managedIdOf(order),
    deviceName: `LT-BENCH-${order}`,
    userPrincipalName: `user${order}@contoso.com`,
    deviceType: 'desktop',
    osVersion: '10.0.22631.4037',
    tpmSpecificationVersion: '2.0',
    encryptionReadinessState: 'ready',
    encryptionState: 'encrypted',
    encryptionPolicySettingState: 'compliant',
    advancedBitLockerStates: ['success'],
    fileVaultStates: [],
    policyDetails: [{ policyId: oldKeyIdOf(order), policyName: 'BitLocker, silent' }],
  };
}

/** A device that was asked, answered, and is proven: no line holds more. */
function proven(order: number): Rotation {
  const acceptedByMs = START_MS + order * 100;
  return {
    order,
    entraDeviceId: entraIdOf(order),
    managedDeviceId: managedIdOf(order),
    deviceName: `LT-BENCH-${order}`,
    state: 'proven',
    attempt: 0,
    keyBeforeId: oldKeyIdOf(order),
    keyBeforeAtMs: START_MS - 100 * 24 * HOUR_MS,
    keyCount: 3,
    claimedAtMs: acceptedByMs - 500,
    sendByMs: acceptedByMs + 120_000,
    acceptedAfterMs: acceptedByMs - 999,
    acceptedByMs,
    httpStatus: 204,
    requestId: oldKeyIdOf(order),
    clientRequestId: newKeyIdOf(order),
    actionState: 'done',
    actionStartedAtMs: acceptedByMs,
    actionUpdatedAtMs: acceptedByMs + HOUR_MS,
    errorCode: 0,
    actionRequestId: oldKeyIdOf(order),
    actionClientRequestId: newKeyIdOf(order),
    confirmedAtMs: acceptedByMs + 2 * HOUR_MS,
    keyAfterId: newKeyIdOf(order),
    keyAfterAtMs: acceptedByMs + HOUR_MS,
    provenAtMs: acceptedByMs + 2 * HOUR_MS,
    keyRequestId: oldKeyIdOf(order),
    keyClientRequestId: newKeyIdOf(order),
    encryptionStates: [{ look: 1, atMs: acceptedByMs + 2 * HOUR_MS, state: encryptionState(order) }],
  };
}

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

function write(devices: number, reportFiles: ReportFiles) {
  const run: Run = {
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
  const deps = {
    ledger: ledgerOf(devices) as Ledger,
    reportFiles,
    settings: parseSettings({ TENANT_ID }),
    clock: createSystemClock(),
    logger: createLogger({ level: 'info', write: () => undefined }),
    version: VERSION,
  };
  return writeEvidence(deps, run, new AbortController().signal);
}

async function verify(devices: number, files: DiskReportFiles): Promise<void> {
  const found = await verifyEvidence(createReadStream(files.pathOf(NAME)));
  if (!isWhole(found) || found.figures.devices !== devices) throw new Error('the evidence does not hold');
}

/** Does it, and says what it took. */
async function measured(what: string, devices: number, work: () => Promise<unknown>): Promise<Row> {
  const used = startMeasuring();
  await work();
  const { cpuSeconds, wallSeconds, peakMiB, baselineMiB } = used();
  return {
    what,
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

async function writeToBlobs(devices: number): Promise<Row> {
  const azurite = await startAzurite();
  try {
    const parsed = parseStorageConnection({ AzureWebJobsStorage: azurite.connectionString });
    if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('; '));
    const storage = createStorage({
      connection: parsed.connection,
      tenantId: TENANT_ID,
      clock: createSystemClock(),
      random: createSystemRandom(),
    });
    await storage.createAll();
    return await measured('write to Azurite', devices, () => write(devices, storage.reportFiles));
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

const execArgv = [`--max-semi-space-size=${SEMI_SPACE_MIB}`];

/** Evidence of up to a million devices. */
export const evidence: Bench = {
  name: 'evidence',
  about: 'write the evidence of a run whose devices are all proven, and verify it',
  cases: [
    { name: 'disk', execArgv, measure: () => writeToDisk(100_000) },
    { name: 'blobs', execArgv, measure: () => writeToBlobs(100_000) },
    { name: 'million', execArgv, measure: () => writeToDisk(1_000_000) },
    { name: 'verify', execArgv, measure: () => verifyFromDisk(100_000) },
  ],
  goals(rows) {
    const [disk, blobs, million, verified] = rows as [Row, Row, Row, Row];
    return [
      { what: '100,000 devices, written in s', measured: mostOf([disk, blobs], 'wall s'), atMost: 60 },
      { what: '100,000 devices, peak MiB', measured: mostOf([disk, blobs, verified], 'peak MiB'), atMost: 200 },
      {
        what: 'peak MiB, a million devices against 100,000',
        measured: figure(million, 'peak MiB') / figure(disk, 'peak MiB'),
        atMost: 1.25,
      },
      { what: '100,000 devices, verified in s', measured: figure(verified, 'wall s'), atMost: 60 },
    ];
  },
};
