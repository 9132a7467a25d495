import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import type { StorageError } from '../../src/domain/storage-error.ts';
import { parseStorageConnection, type StorageConnection } from '../../src/storage/connection.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { newRunId, sampleDevice, sampleRotations, sampleRun, sampleSlice } from '../contracts/samples.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';
import { type Fate, type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';

const azurite = useAzurite();
let tables: FaultyProxy;
let blobs: FaultyProxy;
let storage: Storage;

function storageAt(connection: StorageConnection): Storage {
  const tenantId = parseTenantId(randomUUID());
  return createStorage({ connection, tenantId, clock: createSystemClock(), random: createSystemRandom() });
}

beforeEach(async () => {
  const { endpoints, authority } = connectionOf(azurite.connectionString());
  const through = (endpoint: string, proxy: FaultyProxy) => proxy.origin + new URL(endpoint).pathname;
  tables = await startFaultyProxy(new URL(endpoints.table).origin);
  blobs = await startFaultyProxy(new URL(endpoints.blob).origin);
  storage = storageAt({
    endpoints: { ...endpoints, table: through(endpoints.table, tables), blob: through(endpoints.blob, blobs) },
    authority,
  });
  await storage.createAll();
});
afterEach(async () => {
  await tables.stop();
  await blobs.stop();
});

/** The first write of that kind meets this fate, all else passes. */
function firstWrite(fate: Fate): (method: string, path: string) => Fate {
  let done = false;
  return (method) => {
    if (done || method === 'GET' || method === 'HEAD') return 'pass';
    done = true;
    return fate;
  };
}

const fates: readonly Fate[] = ['loseAnswer', 'loseRequest', 'answer500AfterEffect'];

describe.each(fates)('when the line does "%s" to a write', (fate) => {
  it('a run is created by us', async () => {
    tables.decide(firstWrite(fate));
    expect(await storage.ledger.createRun(sampleRun())).toBe(true);
  });

  it('a run is written by us, and the version we get is the stored one', async () => {
    const run = sampleRun();
    await storage.ledger.createRun(run);
    const { version = '' } = (await storage.ledger.readRun(run.runId)) ?? {};
    tables.decide(firstWrite(fate));
    const next = await storage.ledger.writeRun({ ...run, checkpoint: 1 }, version);
    expect(await storage.ledger.readRun(run.runId)).toEqual({ value: { ...run, checkpoint: 1 }, version: next });
  });

  it('rotations count as written', async () => {
    const runId = newRunId();
    await storage.ledger.writePlannedRotations(runId, sampleRotations(50));
    const rows = await storage.ledger.readRotations(runId, 0, 50);
    tables.decide(firstWrite(fate));
    const changes = rows.map(({ value, version }) => ({ value: { ...value, claimedAtMs: 1 }, version }));
    expect(await storage.ledger.writeRotations(runId, changes)).toEqual([]);
  });

  it('planned rotations are all there', async () => {
    const runId = newRunId();
    tables.decide(firstWrite(fate));
    await storage.ledger.writePlannedRotations(runId, sampleRotations(120));
    expect(await storage.ledger.readRotations(runId, 0, 200)).toHaveLength(120);
  });

  it('a row that someone else took before is still lost, the rest is ours', async () => {
    const runId = newRunId();
    await storage.ledger.writePlannedRotations(runId, sampleRotations(10));
    const rows = await storage.ledger.readRotations(runId, 0, 10);
    const theirs = rows.slice(4, 5).map(({ value, version }) => ({ value: { ...value, claimedAtMs: 1 }, version }));
    await storage.ledger.writeRotations(runId, theirs);
    tables.decide(firstWrite(fate));
    const ours = rows.map(({ value, version }) => ({ value: { ...value, claimedAtMs: 2 }, version }));
    expect(await storage.ledger.writeRotations(runId, ours)).toEqual([4]);
    const after = await storage.ledger.readRotations(runId, 0, 10);
    expect(after.map(({ value }) => value.claimedAtMs)).toEqual([2, 2, 2, 2, 1, 2, 2, 2, 2, 2]);
  });

  it('device records count as written', async () => {
    tables.decide(firstWrite(fate));
    const changes = Array.from({ length: 30 }, () => ({ record: sampleDevice(), version: undefined }));
    expect(await storage.ledger.writeDevices(changes)).toEqual([]);
  });

  it('slices count as written', async () => {
    tables.decide(firstWrite(fate));
    const changes = [0, 100, 200].map((first) => ({ slice: sampleSlice(first), version: undefined }));
    expect(await storage.ledger.writeSlices(newRunId(), changes)).toBe(true);
  });

  it('a work file is created by us, and not by the next', async () => {
    const name = randomUUID();
    blobs.decide(firstWrite(fate));
    expect(await storage.workFiles.create(name, new Uint8Array([1]))).toBe(true);
    expect(await storage.workFiles.create(name, new Uint8Array([1]))).toBe(false);
  });
});

/** The error, and how long it took. */
async function failure(work: () => Promise<unknown>): Promise<{ error: StorageError; ms: number }> {
  const from = performance.now();
  const error = await work().then(
    () => new Error('it did not fail'),
    (e: unknown) => e,
  );
  return { error: error as StorageError, ms: performance.now() - from };
}

describe('when storage does not work', () => {
  const KEY = 'c2VjcmV0LWtleS1zZWNyZXQta2V5';
  const connection = (port: number, key = KEY): StorageConnection => {
    const endpoints = ['Table', 'Queue', 'Blob'].map((s) => `${s}Endpoint=http://127.0.0.1:${port}/devstoreaccount1`);
    return connectionOf(`AccountName=devstoreaccount1;AccountKey=${key};${endpoints.join(';')}`);
  };

  it.each([
    ['a table', (s: Storage) => s.ledger.readCurrentRun(), /^Azure Table Storage at 127\.0\.0\.1:1 \(Runs\)/],
    ['a list', (s: Storage) => s.ledger.listRuns({ unfinished: true })[Symbol.asyncIterator]().next(), /\(Runs\)/],
    ['a batch', (s: Storage) => s.ledger.writePlannedRotations(newRunId(), sampleRotations(2)), /\(Rotations\)/],
    ['a queue', (s: Storage) => s.send('rotation-runs', '{}', 0), /Queue Storage at .* \(rotation-runs\)/],
    ['a file', (s: Storage) => s.workFiles.get('x'), /Blob Storage at .* \(work\)/],
    ['creating everything', (s: Storage) => s.createAll(), /Table Storage/],
  ])('%s that nobody listens for is reported as unreachable within 20 s', async (_, work, message) => {
    const { error, ms } = await failure(() => work(storageAt(connection(1))));
    expect(error).toMatchObject({ name: 'StorageError', kind: 'unreachable' });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/ECONNREFUSED.*is Azurite running\?$/);
    expect(ms).toBeLessThan(20_000);
  });

  it('a server that never answers is reported as unreachable within 20 s', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = silent.address() as AddressInfo;
      const { error, ms } = await failure(() => storageAt(connection(port)).createAll());
      expect(error).toMatchObject({ name: 'StorageError', kind: 'unreachable' });
      expect(ms).toBeLessThan(20_000);
    } finally {
      silent.close();
    }
  });

  it('a wrong key is reported as forbidden, and no key is in the error, however it is printed', async () => {
    const { port } = new URL(connectionOf(azurite.connectionString()).endpoints.table);
    const { error } = await failure(() => storageAt(connection(Number(port))).ledger.readCurrentRun());
    expect(error).toMatchObject({ name: 'StorageError', kind: 'forbidden' });
    const printed = inspect(error, { depth: 9, showHidden: true });
    expect(printed).not.toMatch(/SharedKey|signature=|sig=/i);
    expect(printed).not.toContain(KEY);
  });

  it('a missing queue says so', async () => {
    const { error } = await failure(() => storage.send('no-such-queue', '{}', 0));
    expect(error).toMatchObject({ name: 'StorageError', kind: 'other' });
    expect(error.message).toMatch(/\(no-such-queue\) does not exist \(QueueNotFound\)/);
  });

  it('an account of an identity without a token says to sign in', async () => {
    const parsed = parseStorageConnection({ AzureWebJobsStorage__accountName: 'contoso' });
    if (parsed.kind === 'invalid') throw new Error('expected a connection');
    const unsigned = createStorage({
      connection: parsed.connection,
      tenantId: parseTenantId(randomUUID()),
      clock: createSystemClock(),
      random: createSystemRandom(),
      credential: {
        getToken() {
          const error = new Error('run az login');
          error.name = 'CredentialUnavailableError';
          return Promise.reject(error);
        },
      },
    });
    const { error } = await failure(() => unsigned.ledger.readCurrentRun());
    expect(error).toMatchObject({ name: 'StorageError', kind: 'forbidden' });
    expect(error.message).toMatch(/contoso\.table\.core\.windows\.net.*sign in/);
  });
});
