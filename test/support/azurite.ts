/** Azurite for one test file, and storage on it with a tenant nobody else uses. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { type Azurite, startAzurite } from '../../src/local/azurite.ts';
import { parseStorageConnection, type StorageConnection } from '../../src/storage/connection.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';

/** The connection a connection string describes. @throws {Error} when it is not one. */
export function connectionOf(connectionString: string): StorageConnection {
  const parsed = parseStorageConnection({ AzureWebJobsStorage: connectionString });
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('; '));
  return parsed.connection;
}

/** What a test file does with its Azurite. */
export interface AzuriteFixture {
  connectionString(): string;
  /** Storage of a new tenant; tables, queues and containers exist. */
  freshStorage(): Promise<Storage>;
}

/** Starts Azurite before the file's tests and stops it after them. A test without Azurite fails. */
export function useAzurite(): AzuriteFixture {
  let azurite: Azurite | undefined;

  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(async () => {
    await azurite?.stop();
  });

  function connectionString(): string {
    if (azurite === undefined) throw new Error('Azurite is not running');
    return azurite.connectionString;
  }

  return {
    connectionString,
    async freshStorage() {
      const storage = createStorage({
        connection: connectionOf(connectionString()),
        tenantId: parseTenantId(randomUUID()),
        clock: createSystemClock(),
        random: createSystemRandom(),
      });
      await storage.createAll();
      return storage;
    },
  };
}
