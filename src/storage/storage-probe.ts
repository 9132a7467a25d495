/** The `StorageProbe` port on Azure Storage: tries each service without an effect that anything notices. Layer: storage adapter. */
import type { TokenCredential } from '@azure/core-auth';
import type { Clock } from '../domain/ports.ts';
import type { ServiceFindings, StorageFault, StorageFindings, StorageProbe, StorageService } from '../domain/probes.ts';
import { type AzureClients, createAzureClients } from './azure-clients.ts';
import type { StorageConnection } from './connection.ts';
import { readFault, toStorageError } from './fault.ts';
import { CONTAINERS, poisonQueueOf, QUEUES, TABLES } from './names.ts';
import { createServerClock } from './server-clock.ts';
import { createTransport } from './transport.ts';

export interface StorageProbeDeps {
  readonly connection: StorageConnection;
  readonly clock: Clock;
  /** Partition of the row that is written and deleted: one that nothing else reads. */
  readonly partition: string;
  /** Instead of the credential that the connection's identity settings name. */
  readonly credential?: TokenCredential;
}

/** The same row and blob each time, so that one left behind by a lost answer goes with the next look. */
const PROBE_ROW = 'probe';
const PROBE_BLOB = 'doctor/probe';

/** Well-formed, and never given out by the service: its time is 1601. */
const NO_MESSAGE = '00000000-0000-4000-8000-000000000000';
const NO_RECEIPT = 'AgAAAAMAAAAAAAAAAAAAAAAAAAA=';

const TABLE_NAMES = Object.values(TABLES);
const QUEUE_NAMES = Object.values(QUEUES).flatMap((name) => [name, poisonQueueOf(name)]);
const CONTAINER_NAMES = Object.values(CONTAINERS);

/** Source: error codes of the Table, Queue and Blob services (read 2026-11-22). */
const MISSING: ReadonlySet<string> = new Set(['TableNotFound', 'QueueNotFound', 'ContainerNotFound']);
/** The row, message or blob is not there: the request was allowed to look for it, or to delete it. */
const NOT_THERE: ReadonlySet<string> = new Set([
  'ResourceNotFound',
  'EntityNotFound',
  'MessageNotFound',
  'PopReceiptMismatch',
  'InvalidQueryParameterValue',
  'BlobNotFound',
]);

/** What one try showed. */
type Tried = 'allowed' | 'missing' | StorageFault;

/** Nothing is sent before the first look. */
export function createStorageProbe({ connection, clock, partition, credential }: StorageProbeDeps): StorageProbe {
  const hostOf = (service: StorageService): string =>
    new URL(connection.endpoints[service.toLowerCase() as Lowercase<StorageService>]).host;

  async function attempt(service: StorageService, resource: string, call: () => Promise<unknown>): Promise<Tried> {
    try {
      await call();
      return 'allowed';
    } catch (error) {
      const { code } = readFault(error);
      if (NOT_THERE.has(code)) return 'allowed';
      if (MISSING.has(code)) return 'missing';
      const { kind, message } = toStorageError({ service, host: hostOf(service), resource }, error);
      return { kind, code, message };
    }
  }

  async function examineTables(clients: AzureClients, abortSignal: AbortSignal): Promise<ServiceFindings> {
    const tried = await each(TABLE_NAMES, (name) =>
      attempt('Table', name, () => clients.table(name).getEntity(partition, PROBE_ROW, { abortSignal })),
    );
    const written = await onlyIf(tried.get(TABLES.budgets), () =>
      attempt('Table', TABLES.budgets, async () => {
        const table = clients.table(TABLES.budgets);
        await table.upsertEntity({ partitionKey: partition, rowKey: PROBE_ROW }, 'Replace', { abortSignal });
        await table.deleteEntity(partition, PROBE_ROW, { abortSignal });
      }),
    );
    return findings(hostOf('Table'), tried, written);
  }

  async function examineQueues(
    clients: AzureClients,
    abortSignal: AbortSignal,
    depths: Map<string, number>,
  ): Promise<ServiceFindings> {
    const tried = await each(QUEUE_NAMES, (name) =>
      attempt('Queue', name, async () => {
        const { approximateMessagesCount } = await clients.queues.getQueueClient(name).getProperties({ abortSignal });
        depths.set(name, approximateMessagesCount ?? 0);
      }),
    );
    const deleted = await onlyIf(tried.get(QUEUES.runs), () =>
      attempt('Queue', QUEUES.runs, () =>
        clients.queues.getQueueClient(QUEUES.runs).deleteMessage(NO_MESSAGE, NO_RECEIPT, { abortSignal }),
      ),
    );
    return findings(hostOf('Queue'), tried, deleted);
  }

  async function examineBlobs(clients: AzureClients, abortSignal: AbortSignal): Promise<ServiceFindings> {
    const tried = await each(CONTAINER_NAMES, (name) =>
      attempt('Blob', name, () => clients.blobs.getContainerClient(name).getProperties({ abortSignal })),
    );
    const written = await onlyIf(tried.get(CONTAINERS.work), () =>
      attempt('Blob', CONTAINERS.work, async () => {
        const blob = clients.blobs.getContainerClient(CONTAINERS.work).getBlockBlobClient(PROBE_BLOB);
        await blob.upload('', 0, { abortSignal });
        await blob.delete({ abortSignal });
      }),
    );
    return findings(hostOf('Blob'), tried, written);
  }

  return {
    async examine(patienceMs, signal): Promise<StorageFindings> {
      signal.throwIfAborted();
      const serverClock = createServerClock(clock);
      let answered = false;
      const transport = createTransport(clock, {
        ...serverClock,
        observe(...seen) {
          answered ||= seen[0] !== undefined;
          serverClock.observe(...seen);
        },
      });
      const clients = createAzureClients(connection, transport, credential);
      const patience = new AbortController();
      const ended = new AbortController();
      // The signals of the clients end what the patience does not outlast.
      const timer = clock.sleep(patienceMs, ended.signal).then(
        () => patience.abort(),
        // Cancelled below, because everything answered in time.
        () => undefined,
      );
      const abortSignal = AbortSignal.any([patience.signal, signal]);
      const depths = new Map<string, number>();
      try {
        const [Table, Queue, Blob] = await Promise.all([
          examineTables(clients, abortSignal),
          examineQueues(clients, abortSignal, depths),
          examineBlobs(clients, abortSignal),
        ]);
        signal.throwIfAborted();
        return {
          services: { Table, Queue, Blob },
          depths: Object.fromEntries(depths),
          aheadMs: answered ? serverClock.nowMs() - clock.nowMs() : undefined,
        };
      } finally {
        ended.abort();
        await timer;
      }
    },
  };
}

async function each(
  names: readonly string[],
  look: (name: string) => Promise<Tried>,
): Promise<ReadonlyMap<string, Tried>> {
  return new Map(await Promise.all(names.map(async (name) => [name, await look(name)] as const)));
}

/** What is missing or out of reach is not tried again in another way. */
async function onlyIf(before: Tried | undefined, tryIt: () => Promise<Tried>): Promise<Tried | undefined> {
  return before === 'allowed' ? tryIt() : undefined;
}

function findings(host: string, tried: ReadonlyMap<string, Tried>, written: Tried | undefined): ServiceFindings {
  const fault = [...tried.values(), written].find((one) => typeof one === 'object');
  return {
    host,
    wanted: [...tried.keys()],
    missing: [...tried].flatMap(([name, one]) => (one === 'missing' ? [name] : [])),
    access: fault === undefined ? { kind: written === undefined ? 'untried' : 'tried' } : { kind: 'fault', fault },
  };
}
