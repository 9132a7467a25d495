/** The app as it is deployed, on the system's clock: its wiring, Azurite, and the simulated tenant's HTTP server. Layer: bench. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueClient } from '@azure/storage-queue';
import { createKeyturn } from '../../src/composition.ts';
import type { Run } from '../../src/domain/run.ts';
import { startAzurite } from '../../src/local/azurite.ts';
import { createServices } from '../../src/services.ts';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { countHttp, type HttpCounter } from './http-count.ts';

/** As in host.json. */
const BATCH_SIZE = 16;
const POLL_MS = 50;
/** Longer than any of these runs takes. */
const HIDDEN_SECONDS = 600;

export interface RealAppOptions extends Omit<SimulatedTenantOptions, 'clock'> {
  /** On top of the simulated tenant's. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface RealApp {
  readonly tenant: SimulatedTenant;
  readonly http: HttpCounter;
  /** Messages received and deleted so far. */
  messages(): number;
  /** Queries by which `runOnce` watched for the end. */
  watches(): number;
  /** Tables, queues and containers exist after this. */
  prepare(): Promise<void>;
  /** One tick, then every message until the run has ended. @throws {Error} when it did not complete. */
  runOnce(): Promise<Run>;
  stop(): Promise<void>;
}

/** Starts everything. */
export async function startRealApp({ settings, ...tenantOptions }: RealAppOptions): Promise<RealApp> {
  const clock = createSystemClock();
  const tenant = createSimulatedTenant({ historyLimit: 100_000, ...tenantOptions, clock });
  const [azurite, server] = await Promise.all([startAzurite(), createSimulatorServer({ tenant, clock })]);
  const environment = {
    ...settingsFor(server),
    AzureWebJobsStorage: azurite.connectionString,
    ROTATION_MODE: 'live',
    ROTATION_MAX_DEVICES: '1000000',
    ...settings,
  };
  // The identity library reads these itself.
  Object.assign(process.env, { IDENTITY_ENDPOINT: server.identityEndpoint, IDENTITY_HEADER: server.identityHeader });
  const http = countHttp(azurite.endpoints);
  const app = createKeyturn({ environment });
  const services = createServices({ environment });
  let messages = 0;
  let watches = 0;

  async function pump(
    queue: QueueClient,
    handle: (body: unknown) => Promise<void>,
    ended: () => boolean,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    while (!ended()) {
      const { receivedMessageItems } = await queue.receiveMessages({
        numberOfMessages: BATCH_SIZE,
        visibilityTimeout: HIDDEN_SECONDS,
      });
      for (const { messageText, messageId, popReceipt } of receivedMessageItems) {
        messages += 1;
        const work = handle(JSON.parse(messageText))
          .then(async () => void (await queue.deleteMessage(messageId, popReceipt)))
          .finally(() => running.delete(work));
        running.add(work);
      }
      if (receivedMessageItems.length === 0) await sleep(POLL_MS);
    }
    await Promise.all(running);
  }

  async function runOnce(): Promise<Run> {
    const { storage } = services;
    let ended: Run | undefined;
    const isEnded = (): boolean => ended !== undefined;
    await app.scheduledRotation(invocation('scheduled-rotation'));
    const watch = async (): Promise<void> => {
      while (ended === undefined) {
        await sleep(1_000);
        watches += 1;
        for await (const run of storage.ledger.listRuns({ unfinished: false }))
          if (run.finalCounts !== undefined) ended = run;
      }
    };
    await Promise.all([
      watch(),
      pump(
        storage.queue('rotation-runs'),
        (body) => app.continueRotation(body, invocation('continue-rotation')),
        isEnded,
      ),
      pump(
        storage.queue('encryption-states'),
        (body) => app.recordEncryptionState(body, invocation('record-encryption-state')),
        isEnded,
      ),
    ]);
    if (ended?.state !== 'completed') throw new Error(`the run ended as ${ended?.state}`);
    return ended;
  }

  return {
    tenant,
    http,
    messages: () => messages,
    watches: () => watches,
    prepare: () => services.ready(),
    runOnce,
    stop: async () => {
      await app.stop();
      await server.close();
      await azurite.stop();
    },
  };
}

const invocation = (functionName: string) => ({
  functionName,
  invocationId: 'bench',
  write: () => undefined,
});
