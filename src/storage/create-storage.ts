/** Makes the storage adapters of one account and tenant. Layer: storage adapter. */
import type { TokenCredential } from '@azure/core-auth';
import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import type { BudgetStore } from '../domain/budget-store.ts';
import type { TenantId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { Clock, Random } from '../domain/ports.ts';
import type { Queues } from '../domain/queues.ts';
import type { ReportFiles, WorkFiles } from '../domain/stored-files.ts';
import { createAzureClients } from './azure-clients.ts';
import { createAzureQueues, type QueueTarget, sendMessage } from './azure-queues.ts';
import { createBlobReportFiles } from './blob-report-files.ts';
import { createBlobWorkFiles } from './blob-work-files.ts';
import type { StorageConnection } from './connection.ts';
import { guarded, type StorageOperation } from './fault.ts';
import { CONTAINERS, poisonQueueOf, QUEUES, TABLES } from './names.ts';
import { inParallel } from './parallel.ts';
import { createServerClock } from './server-clock.ts';
import { createTableBudgetStore } from './table-budget-store.ts';
import { createTableLedger } from './table-ledger.ts';
import { createTableStore, type TableStore } from './table-store.ts';
import { createTransport, type TransactionCounts } from './transport.ts';

/** What `createStorage` needs. */
export interface StorageOptions {
  readonly connection: StorageConnection;
  readonly tenantId: TenantId;
  readonly clock: Clock;
  readonly random: Random;
  /** Instead of the credential that the connection's identity settings name. Not used with a key or SAS. */
  readonly credential?: TokenCredential;
}

/** The adapters of one storage account, for one tenant. They share one estimate of the server's clock. */
export interface Storage {
  readonly ledger: Ledger;
  readonly queues: Queues;
  readonly workFiles: WorkFiles;
  readonly reportFiles: ReportFiles;
  readonly budgetStore: BudgetStore;
  /** Creates what is missing: tables, queues, containers. Harmless when repeated. @throws {StorageError} */
  createAll(): Promise<void>;
  /** Puts a message as it is on any queue of ours. @throws {StorageError} @throws {RangeError} when the delay is not 0 to 7 days. */
  send(queue: string, text: string, delayMs: number): Promise<void>;
  /** The SDK's clients, for the local host and reports; they count in `transactions` too. */
  queue(name: string): QueueClient;
  container(name: string): ContainerClient;
  /** HTTP requests sent so far. */
  transactions(): TransactionCounts;
}

/** Nothing is sent before the first call. */
export function createStorage({ connection, tenantId, clock, random, credential }: StorageOptions): Storage {
  const serverClock = createServerClock(clock);
  const transport = createTransport(clock, serverClock);
  const clients = createAzureClients(connection, transport, credential);
  const hosts = {
    Table: new URL(connection.endpoints.table).host,
    Queue: new URL(connection.endpoints.queue).host,
    Blob: new URL(connection.endpoints.blob).host,
  };
  const operation = (service: StorageOperation['service'], resource: string): StorageOperation => ({
    service,
    host: hosts[service],
    resource,
  });

  const openTable = (name: string): TableStore =>
    createTableStore(clients.table(name), transport, operation('Table', name));
  const tables = {
    runs: openTable(TABLES.runs),
    rotations: openTable(TABLES.rotations),
    devices: openTable(TABLES.devices),
    quarantine: openTable(TABLES.quarantine),
    budgets: openTable(TABLES.budgets),
  };
  const queue = (name: string) => clients.queues.getQueueClient(name);
  const target = (name: string): QueueTarget => ({ client: queue(name), operation: operation('Queue', name) });
  const container = (name: string) => clients.blobs.getContainerClient(name);

  async function createAll(): Promise<void> {
    // Tables first: they alone tell within seconds that the account cannot be reached.
    await tables.runs.create();
    const queueNames = Object.values(QUEUES).flatMap((name) => [name, poisonQueueOf(name)]);
    await inParallel(
      [
        ...Object.values(tables).map((table) => () => table.create()),
        ...queueNames.map((name) => () => guarded(operation('Queue', name), () => queue(name).createIfNotExists())),
        ...Object.values(CONTAINERS).map(
          (name) => () => guarded(operation('Blob', name), () => container(name).createIfNotExists()),
        ),
      ],
      async (create) => void (await create()),
    );
  }

  return {
    ledger: createTableLedger(tables, tenantId, serverClock),
    queues: createAzureQueues({
      requests: target(QUEUES.requests),
      runs: target(QUEUES.runs),
      encryptionStates: target(QUEUES.encryptionStates),
    }),
    workFiles: createBlobWorkFiles(container(CONTAINERS.work), random, operation('Blob', CONTAINERS.work)),
    reportFiles: createBlobReportFiles(container(CONTAINERS.reports), random, operation('Blob', CONTAINERS.reports)),
    budgetStore: createTableBudgetStore(tables.budgets, tenantId, serverClock),
    createAll,
    send: (name, text, delayMs) => sendMessage(target(name), text, delayMs),
    queue,
    container,
    transactions: () => transport.counts(),
  };
}
