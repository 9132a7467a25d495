/** A process of its own that fills the table of rotations, so that its memory is not that of the process that is measured. Layer: bench. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseTenantId, type RunId, type TenantId } from '../../src/domain/ids.ts';
import { parseStorageConnection } from '../../src/storage/connection.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { proven } from './proven-rotations.ts';

/** As a plan writes them. */
const ROWS_AT_ONCE = 1_000;

/** @throws {Error} when the connection string is none. */
export function openStorage(connectionString: string, tenantId: TenantId): Storage {
  const parsed = parseStorageConnection({ AzureWebJobsStorage: connectionString });
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('; '));
  const { connection } = parsed;
  return createStorage({ connection, tenantId, clock: createSystemClock(), random: createSystemRandom() });
}

/** Writes rows of so many proven devices under the run. @throws {Error} when the other process fails. */
export function seedRotations(
  connectionString: string,
  tenantId: TenantId,
  runId: RunId,
  devices: number,
): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [connectionString, tenantId, runId, String(devices)]);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`seeding ended with ${code}`));
    });
  });
}

async function seed([
  connectionString = '',
  tenantId = '',
  runId = '',
  devices = '',
]: readonly string[]): Promise<void> {
  const storage = openStorage(connectionString, parseTenantId(tenantId));
  await storage.createAll();
  for (let from = 0; from < Number(devices); from += ROWS_AT_ONCE) {
    const length = Math.min(ROWS_AT_ONCE, Number(devices) - from);
    await storage.ledger.writePlannedRotations(
      runId as RunId,
      Array.from({ length }, (_, i) => proven(from + i)),
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await seed(process.argv.slice(2));
