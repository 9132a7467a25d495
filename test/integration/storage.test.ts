import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-queue';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { decodeMessageBody } from '../../src/domain/message-body.ts';
import type { ReportFiles } from '../../src/domain/stored-files.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { budgetStoreContract } from '../contracts/budget-store.ts';
import { ledgerContract } from '../contracts/ledger.ts';
import { queuesContract } from '../contracts/queues.ts';
import { reportFilesContract } from '../contracts/report-files.ts';
import { collect, newRunId, sampleDevice, sampleRotations, sampleRun } from '../contracts/samples.ts';
import { workFilesContract } from '../contracts/work-files.ts';
import { anyDeviceRecord, anyRotation } from '../storage/arbitraries.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';

const azurite = useAzurite();
const QUEUE_NAMES = ['rotation-requests', 'rotation-runs', 'encryption-states'].flatMap((n) => [n, `${n}-poison`]);

/** Empties a queue, and gives the bodies that were visible. */
async function receive(storage: Storage, queue: string): Promise<unknown[]> {
  const { receivedMessageItems } = await storage.queue(queue).receiveMessages({ numberOfMessages: 32 });
  return receivedMessageItems.map(({ messageText }) => decodeMessageBody(messageText));
}

describe('the table ledger', () => {
  ledgerContract(async () => (await azurite.freshStorage()).ledger);

  it('keeps tenants apart', async () => {
    const [one, two] = [await azurite.freshStorage(), await azurite.freshStorage()];
    const run = sampleRun();
    await one.ledger.createRun(run);
    await one.ledger.writeDevices([{ record: sampleDevice(), version: undefined }]);
    expect(await two.ledger.readRun(run.runId)).toBeUndefined();
    expect(await collect(two.ledger.listRuns({ unfinished: false }))).toEqual([]);
    expect(await collect(two.ledger.devicePages())).toEqual([]);
  });

  it('gives back any rotation and any device record that it was given', async () => {
    const { ledger } = await azurite.freshStorage();
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyRotation, { selector: (r) => r.order, maxLength: 20 }), async (rotations) => {
        const runId = newRunId();
        await ledger.writePlannedRotations(runId, rotations);
        const stored = (await collect(ledger.rotationPages(runId))).flat();
        expect(stored).toEqual([...rotations].sort((a, b) => a.order - b.order));
      }),
      { numRuns: 25 },
    );
    await fc.assert(
      fc.asyncProperty(anyDeviceRecord, async (record) => {
        expect(await ledger.writeDevices([{ record, version: undefined }])).toEqual([]);
        const stored = await ledger.readDevices([record.entraDeviceId]);
        expect(stored.get(record.entraDeviceId)?.value).toEqual(record);
      }),
      { numRuns: 50 },
    );
  });

  it('knows the server’s clock to about a second', async () => {
    const { ledger } = await azurite.freshStorage();
    await ledger.readRun(newRunId());
    expect(Math.abs(ledger.serverNowMs() - Date.now())).toBeLessThan(1_500);
  });

  it('refuses rows of a newer version, naming row and remedy, and ignores columns it does not know', async () => {
    const tenantId = parseTenantId(randomUUID());
    const { ledger } = createStorage({
      connection: connectionOf(azurite.connectionString()),
      tenantId,
      clock: createSystemClock(),
      random: createSystemRandom(),
    });
    const run = sampleRun();
    await ledger.createRun(run);
    const table = TableClient.fromConnectionString(azurite.connectionString(), 'Runs', {
      allowInsecureConnection: true,
    });
    const key = { partitionKey: tenantId, rowKey: run.runId };
    await table.updateEntity({ ...key, colour: 'blue' }, 'Merge');
    expect((await ledger.readRun(run.runId))?.value).toEqual(run);
    await table.updateEntity({ ...key, v: 2 }, 'Merge');
    await expect(ledger.readRun(run.runId)).rejects.toThrow(new RegExp(`Runs.*${run.runId}.*newer version.*update`));
  });

  it('writes a hundred planned rows, and a hundred conditional ones, in one transaction each', async () => {
    const storage = await azurite.freshStorage();
    const runId = newRunId();
    const sent = () => storage.transactions().tables;
    const begin = sent();
    await storage.ledger.writePlannedRotations(runId, sampleRotations(100));
    expect(sent() - begin).toBe(1);
    const rows = await storage.ledger.readRotationsAt(
      runId,
      Array.from({ length: 100 }, (_, order) => order),
    );
    expect(sent() - begin).toBe(2);
    await storage.ledger.writeRotations(runId, rows);
    expect(sent() - begin).toBe(3);
    expect(await storage.ledger.writeRotations(runId, rows)).toHaveLength(100);
    expect(sent() - begin).toBe(5);
  });
});

describe('the table budget store', () => {
  budgetStoreContract(async () => (await azurite.freshStorage()).budgetStore);

  it('shares the ledger’s idea of the server’s clock', async () => {
    const { budgetStore, ledger } = await azurite.freshStorage();
    expect(Math.abs(budgetStore.serverNowMs() - ledger.serverNowMs())).toBeLessThan(100);
  });
});

describe('the work files in blobs', () => {
  workFilesContract(async () => {
    const { workFiles } = await azurite.freshStorage();
    await workFiles.deleteAll('');
    return workFiles;
  });
});

describe('the report files in blobs', () => {
  // The container is shared by all tests of this file, and no name can be used again: each storage has a prefix of its own.
  reportFilesContract(async () => below(randomUUID(), (await azurite.freshStorage()).reportFiles));

  it('tell their type, and hide who wrote them', async () => {
    const storage = await azurite.freshStorage();
    const name = `${randomUUID()}/evidence-1.csv`;
    async function* content() {
      yield Buffer.from('a,b');
    }
    const contentType = 'text/csv; charset=utf-8';
    expect(
      await storage.reportFiles.create({ name, contentType, content: content(), metadata: () => ({ a: 'b' }) }),
    ).toBe(true);
    const properties = await storage.container('reports').getBlobClient(name).getProperties();
    expect(properties.contentType).toBe(contentType);
    expect(await storage.reportFiles.metadata(name)).toEqual({ a: 'b' });
  });
});

/** The same files below a folder. */
function below(folder: string, files: ReportFiles): ReportFiles {
  return {
    create: (report) => files.create({ ...report, name: `${folder}/${report.name}` }),
    metadata: (name) => files.metadata(`${folder}/${name}`),
    read: (name) => files.read(`${folder}/${name}`),
    list: async (prefix) => (await files.list(`${folder}/${prefix}`)).map((name) => name.slice(folder.length + 1)),
    delete: (name) => files.delete(`${folder}/${name}`),
  };
}

describe('the storage queues', () => {
  queuesContract(async () => {
    const storage = await azurite.freshStorage();
    for (const name of QUEUE_NAMES) await storage.queue(name).clearMessages();
    return {
      queues: storage.queues,
      receive: (queue) => receive(storage, queue),
      receiveRequests: async () => {
        const { receivedMessageItems } = await storage.queue('rotation-requests').receiveMessages();
        return receivedMessageItems.map(({ messageText }) => messageText);
      },
    };
  });

  it('get messages that never expire', async () => {
    const storage = await azurite.freshStorage();
    await storage.queue('rotation-requests').clearMessages();
    await storage.send('rotation-requests', '{}', 0);
    const { receivedMessageItems } = await storage.queue('rotation-requests').receiveMessages();
    expect(receivedMessageItems[0]?.messageText).toBe('{}');
    expect(receivedMessageItems[0]?.expiresOn.getUTCFullYear()).toBe(9999);
  });
});

describe('a connection by shared access signature', () => {
  it('reaches tables, queues and blobs', async () => {
    await azurite.freshStorage();
    const { endpoints, authority } = connectionOf(azurite.connectionString());
    if (authority.kind !== 'sharedKey') throw new Error('expected a key');
    const signature = generateAccountSASQueryParameters(
      {
        permissions: AccountSASPermissions.parse('rwdlacup'),
        resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
        services: 'bqt',
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      new StorageSharedKeyCredential(authority.accountName, authority.accountKey()),
    ).toString();
    const { table, queue, blob } = endpoints;
    const storage = createStorage({
      connection: connectionOf(
        `TableEndpoint=${table};QueueEndpoint=${queue};BlobEndpoint=${blob};SharedAccessSignature=${signature}`,
      ),
      tenantId: parseTenantId(randomUUID()),
      clock: createSystemClock(),
      random: createSystemRandom(),
    });
    const runId = newRunId();
    await storage.ledger.writePlannedRotations(runId, sampleRotations(3));
    expect(await storage.ledger.readRotations(runId, 0, 3)).toHaveLength(3);
    await storage.send('rotation-runs', '{}', 0);
    await storage.workFiles.put(`sas/${runId}`, new Uint8Array([1]));
    expect(await storage.workFiles.list(`sas/${runId}`)).toHaveLength(1);
  });
});

describe('creating everything', () => {
  it('is harmless when repeated, also by several at once', async () => {
    const storage = await azurite.freshStorage();
    await Promise.all([storage.createAll(), storage.createAll()]);
    for (const name of QUEUE_NAMES) expect(await storage.queue(name).exists()).toBe(true);
    for (const name of ['reports', 'work']) expect(await storage.container(name).exists()).toBe(true);
  });
});
