import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { app as Registrar } from '@azure/functions';
import { BlobServiceClient } from '@azure/storage-blob';
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/domain/ports.ts';
import { type Azurite, startAzurite } from '../../src/local/azurite.ts';
import { createFunctionHost, type FunctionHost } from '../../src/local/function-host.ts';
import type { QueueSettings } from '../../src/local/host-settings.ts';
import { createBlobTimerStatus } from '../../src/local/timer-status.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { appOf, createLog, type LogLine } from '../local/support/local-app.ts';

const SETTINGS: QueueSettings = {
  batchSize: 8,
  newBatchThreshold: 4,
  maxPollingIntervalMs: 50,
  visibilityTimeoutMs: 0,
  maxDequeueCount: 3,
  messageEncoding: 'none',
  runningVisibilityMs: 30_000,
};

const clock = createSystemClock();
let azurite: Azurite;
let service: QueueServiceClient;
const hosts: FunctionHost[] = [];
let queueCount = 0;

beforeAll(async () => {
  azurite = await startAzurite();
  service = QueueServiceClient.fromConnectionString(azurite.connectionString);
});
afterAll(() => azurite.stop());
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

/** A queue nobody else uses. */
async function freshQueue(): Promise<QueueClient> {
  queueCount += 1;
  const queue = service.getQueueClient(`local-host-${queueCount}`);
  await queue.create();
  return queue;
}

/** A queue function: what the message holds, how often it was delivered, and the rest of its metadata. */
type Handle = (message: unknown, dequeueCount: number, metadata: Record<string, unknown>) => unknown;

function queueFunction(name: string, queueName: string, handle: Handle): (registrar: typeof Registrar) => void {
  return (registrar) =>
    registrar.storageQueue(name, {
      queueName,
      connection: 'AzureWebJobsStorage',
      handler: async (message, context) => {
        const metadata = context.triggerMetadata ?? {};
        await handle(message, Number(metadata.dequeueCount), metadata);
      },
    });
}

async function startHost(
  register: readonly ((registrar: typeof Registrar) => void)[],
  options: {
    readonly settings?: Partial<QueueSettings>;
    readonly stopWithinMs?: number;
    readonly service?: QueueServiceClient;
    readonly clock?: Clock;
  } = {},
): Promise<{ readonly host: FunctionHost; readonly lines: readonly LogLine[] }> {
  const log = createLog();
  const host = createFunctionHost({
    app: await appOf((registrar) => {
      for (const each of register) each(registrar);
    }),
    packageRoot: import.meta.dirname,
    queues: options.service ?? service,
    settings: { ...SETTINGS, ...options.settings },
    environment: {},
    clock: options.clock ?? clock,
    random: createSystemRandom(),
    onLog: log.onLog,
    stopWithinMs: options.stopWithinMs ?? 10_000,
  });
  hosts.push(host);
  await host.start();
  return { host, lines: log.lines };
}

/** Polls until the condition holds; the test's own time limit is the only other way out. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await clock.sleep(20);
}

const holds = async (queue: QueueClient, count: number): Promise<boolean> =>
  (await queue.getProperties()).approximateMessagesCount === count;

/** A door that opens once. */
function createGate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe('a queue function on the local host', () => {
  it('gets each message with its metadata, and the message is deleted after success', async () => {
    const queue = await freshQueue();
    const seen: { message: unknown; metadata: Record<string, unknown> }[] = [];
    const sent = await queue.sendMessage('{"runId":"r-1","checkpoint":2}', { messageTimeToLive: -1 });
    const { host } = await startHost([
      queueFunction('f', queue.name, (message, _, metadata) => void seen.push({ message, metadata })),
    ]);
    await until(() => holds(queue, 0));
    expect(seen).toHaveLength(1);
    expect(seen[0]?.message).toEqual({ runId: 'r-1', checkpoint: 2 });
    expect(seen[0]?.metadata).toMatchObject({ id: sent.messageId, dequeueCount: 1 });
    expect(seen[0]?.metadata.popReceipt).toEqual(expect.any(String));
    expect(host.counters()).toEqual({ f: { invocations: 1, failures: 0, running: 0 } });
  });

  it('gets a message again after the visibility timeout when it failed', async () => {
    const queue = await freshQueue();
    const deliveries: { dequeueCount: number; atMs: number }[] = [];
    await queue.sendMessage('x');
    const { host } = await startHost(
      [
        queueFunction('f', queue.name, (_message, dequeueCount) => {
          deliveries.push({ dequeueCount, atMs: performance.now() });
          if (dequeueCount < 2) throw new Error('not yet');
        }),
      ],
      { settings: { visibilityTimeoutMs: 2_000 } },
    );
    await until(() => holds(queue, 0));
    expect(deliveries.map(({ dequeueCount }) => dequeueCount)).toEqual([1, 2]);
    expect((deliveries[1]?.atMs ?? 0) - (deliveries[0]?.atMs ?? 0)).toBeGreaterThan(1_900);
    expect(host.counters()).toEqual({ f: { invocations: 2, failures: 1, running: 0 } });
  });

  it('loses a message to the poison queue after the last attempt, unchanged and for good', async () => {
    const queue = await freshQueue();
    const poison = service.getQueueClient(`${queue.name}-poison`);
    const deliveries: number[] = [];
    await queue.sendMessage('{"a": 1}');
    const { lines } = await startHost([
      queueFunction('f', queue.name, (_message, dequeueCount) => {
        deliveries.push(dequeueCount);
        throw new Error('never');
      }),
    ]);
    await until(async () => (await poison.exists()) && (await holds(poison, 1)) && (await holds(queue, 0)));
    expect(deliveries).toEqual([1, 2, 3]);
    const [message] = (await poison.receiveMessages()).receivedMessageItems;
    expect(message?.messageText).toBe('{"a": 1}');
    expect(message?.expiresOn.getUTCFullYear()).toBe(9999);
    expect(lines).toContainEqual({
      functionName: 'f',
      level: 'warn',
      line: `Message has reached MaxDequeueCount of 3. Moving message to queue '${poison.name}'.`,
    });
  });

  it('does not get a message whose last attempt never ended', async () => {
    const queue = await freshQueue();
    const poison = service.getQueueClient(`${queue.name}-poison`);
    await queue.sendMessage('kills its process');
    for (let attempt = 1; attempt <= SETTINGS.maxDequeueCount; attempt += 1) {
      const [message] = (await queue.receiveMessages()).receivedMessageItems;
      if (message === undefined) throw new Error('the message should be there');
      await queue.updateMessage(message.messageId, message.popReceipt);
    }
    const { host } = await startHost([queueFunction('f', queue.name, () => {})]);
    await until(async () => (await poison.exists()) && (await holds(poison, 1)) && (await holds(queue, 0)));
    expect(host.counters()).toMatchObject({ f: { invocations: 0 } });
  });

  it('is called at once for what moved to its poison queue, and keeps the message when it fails', async () => {
    const queue = await freshQueue();
    const poison = service.getQueueClient(`${queue.name}-poison`);
    await poison.create();
    const quarantined: unknown[] = [];
    const gate = createGate();
    // Long waits never end by themselves, so that only being told makes the poison queue polled.
    let longWaits = 0;
    const endless: Clock = {
      nowMs: clock.nowMs,
      sleep: (ms, signal) => {
        if (ms < 1_000) return clock.sleep(ms, signal);
        longWaits += 1;
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    await queue.sendMessage('bad');
    const { host } = await startHost(
      [
        queueFunction('f', queue.name, async () => {
          await gate.opened;
          throw new Error('never');
        }),
        queueFunction('quarantine', poison.name, (message) => {
          quarantined.push(message);
          throw new Error('storage is down');
        }),
      ],
      { settings: { maxPollingIntervalMs: 60_000, maxDequeueCount: 1 }, clock: endless },
    );
    // Both queues found empty again and again, and the message held by its function.
    await until(() => longWaits === 3);
    gate.open();
    await until(() => host.counters().quarantine?.failures === 1);
    expect(quarantined).toEqual(['bad']);
    await expect(holds(poison, 1)).resolves.toBe(true);
    await expect(service.getQueueClient(`${poison.name}-poison`).exists()).resolves.toBe(false);
  });

  it('runs for a batch and a threshold of messages at once, no more', async () => {
    const queue = await freshQueue();
    const gates = Array.from({ length: 7 }, createGate);
    let running = 0;
    let peak = 0;
    let ended = 0;
    for (const index of gates.keys()) await queue.sendMessage(String(index));
    await startHost(
      [
        queueFunction('f', queue.name, async (message) => {
          running += 1;
          peak = Math.max(peak, running);
          await gates[Number(message)]?.opened;
          running -= 1;
          ended += 1;
        }),
      ],
      { settings: { batchSize: 3, newBatchThreshold: 1 } },
    );
    await until(() => running === 3);
    gates[0]?.open();
    await until(() => ended === 1);
    gates[1]?.open();
    // Down to the threshold of one: the next batch of three comes.
    await until(() => running === 4);
    for (const gate of gates) gate.open();
    await until(() => holds(queue, 0));
    expect(ended).toBe(7);
    expect(peak).toBe(4);
  });

  it('keeps its message hidden for as long as it runs', async () => {
    const queue = await freshQueue();
    const gate = createGate();
    await queue.sendMessage('long work');
    const { host } = await startHost([queueFunction('f', queue.name, () => gate.opened)], {
      settings: { runningVisibilityMs: 1_000, maxPollingIntervalMs: 20 },
    });
    await until(() => host.counters().f?.running === 1);
    const startMs = performance.now();
    await until(async () => {
      expect((await queue.receiveMessages()).receivedMessageItems).toEqual([]);
      return performance.now() - startMs > 3_500;
    });
    gate.open();
    await until(() => holds(queue, 0));
    expect(host.counters()).toEqual({ f: { invocations: 1, failures: 0, running: 0 } });
  });

  it('waits for a queue that does not exist yet', async () => {
    const queue = service.getQueueClient('local-host-later');
    const seen: unknown[] = [];
    const { lines } = await startHost([queueFunction('f', queue.name, (message) => void seen.push(message))]);
    await until(() => lines.some(({ line }) => line.includes('does not exist yet')));
    await queue.create();
    await queue.sendMessage('there');
    await until(() => seen.length === 1);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('message encoding on the local host', () => {
  const body = { requestId: 'ünï' };
  const plain = JSON.stringify(body);
  const encoded = Buffer.from(plain, 'utf8').toString('base64');

  it.each([
    ['none', plain, body],
    ['none', encoded, encoded],
    ['base64', encoded, body],
  ] as const)('%s hands %s over', async (messageEncoding, text, expected) => {
    const queue = await freshQueue();
    const seen: unknown[] = [];
    await queue.sendMessage(text);
    await startHost([queueFunction('f', queue.name, (message) => void seen.push(message))], {
      settings: { messageEncoding },
    });
    await until(() => holds(queue, 0));
    expect(seen).toEqual([expected]);
  });

  it('base64 quarantines what is not, as it came, without calling the function', async () => {
    const queue = await freshQueue();
    const poison = service.getQueueClient(`${queue.name}-poison`);
    await queue.sendMessage(plain);
    const { host } = await startHost([queueFunction('f', queue.name, () => {})], {
      settings: { messageEncoding: 'base64' },
    });
    await until(async () => (await poison.exists()) && (await holds(poison, 1)));
    expect((await poison.peekMessages()).peekedMessageItems[0]?.messageText).toBe(plain);
    expect(host.counters()).toMatchObject({ f: { invocations: 0 } });
  });
});

describe('stopping the local host', () => {
  it('lets what runs end and settle, and leaves the rest in the queue', async () => {
    const queue = await freshQueue();
    const gate = createGate();
    const order: string[] = [];
    for (const text of ['one', 'two']) await queue.sendMessage(text);
    const { host } = await startHost(
      [
        (registrar) => void registrar.hook.appTerminate(() => void order.push('terminate')),
        queueFunction('f', queue.name, async (message) => {
          order.push(`begin ${message}`);
          await gate.opened;
          order.push(`end ${message}`);
        }),
      ],
      { settings: { batchSize: 1, newBatchThreshold: 0 } },
    );
    await until(() => order.length === 1);
    const stopped = host.stop();
    await until(() => order.length === 2);
    gate.open();
    await expect(stopped).resolves.toEqual({ unfinished: 0 });
    expect(order).toEqual(['begin one', 'terminate', 'end one']);
    const left = (await queue.receiveMessages({ numberOfMessages: 32 })).receivedMessageItems;
    expect(left.map(({ messageText, dequeueCount }) => `${messageText} ${dequeueCount}`)).toEqual(['two 1']);
  });

  it('leaves a message that does not end to reappear', async () => {
    const queue = await freshQueue();
    const gate = createGate();
    await queue.sendMessage('stuck');
    const { host } = await startHost([queueFunction('f', queue.name, () => gate.opened)], {
      settings: { runningVisibilityMs: 2_000 },
      stopWithinMs: 50,
    });
    await until(() => host.counters().f?.running === 1);
    await expect(host.stop()).resolves.toEqual({ unfinished: 1 });
    // It ends well after all, but nobody waits for it any longer.
    gate.open();
    await until(() => host.counters().f?.running === 0);
    await until(async () => (await queue.receiveMessages()).receivedMessageItems[0]?.dequeueCount === 2);
  });
});

/** A storage service that answers as told. */
async function scriptedService(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const retryOptions = { maxTries: 1 };
  return {
    queues: new QueueServiceClient(`http://127.0.0.1:${port}/devstoreaccount1`, undefined, { retryOptions }),
    close: () => server.close(),
  };
}

describe('the local host between polls', () => {
  it('reports failing storage once and polls until it works again', async () => {
    let requests = 0;
    const { queues, close } = await scriptedService((_request, response) => {
      requests += 1;
      response.writeHead(requests <= 4 ? 500 : 200, { 'content-type': 'application/xml' });
      response.end(requests <= 4 ? '' : '<?xml version="1.0"?><QueueMessagesList />');
    });
    const { host, lines } = await startHost([queueFunction('f', 'any', () => {})], { service: queues });
    await until(() => requests >= 8);
    await host.stop();
    close();
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.line).toContain("Polling 'any'");
  });

  it('gives back at once what was fetched while it was told to stop', async () => {
    const asked = createGate();
    const answered = createGate();
    const updates: string[] = [];
    const { queues, close } = await scriptedService(async (request, response) => {
      if (request.method === 'PUT') {
        updates.push(String(request.url));
        response.writeHead(204, {
          'x-ms-popreceipt': 'next',
          'x-ms-time-next-visible': 'Sun, 22 Nov 2026 10:00:00 GMT',
        });
        response.end();
        return;
      }
      asked.open();
      await answered.opened;
      const at = (name: string) => `<${name}>Sun, 22 Nov 2026 10:00:00 GMT</${name}>`;
      const times = ['InsertionTime', 'ExpirationTime', 'TimeNextVisible'].map(at).join('');
      const rest = '<MessageId>m-1</MessageId><PopReceipt>r-1</PopReceipt><DequeueCount>1</DequeueCount>';
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(
        `<QueueMessagesList><QueueMessage>${rest}${times}<MessageText>x</MessageText></QueueMessage></QueueMessagesList>`,
      );
    });
    const { host } = await startHost([queueFunction('f', 'any', () => {})], { service: queues });
    await asked.opened;
    const stopped = host.stop();
    answered.open();
    await expect(stopped).resolves.toEqual({ unfinished: 0 });
    close();
    expect(host.counters()).toMatchObject({ f: { invocations: 0 } });
    expect(updates).toEqual([expect.stringMatching(/\/any\/messages\/m-1\?.*visibilitytimeout=0/)]);
    expect(updates[0]).toContain('popreceipt=r-1');
  });
});

describe('the status of a timer in the storage account', () => {
  it('survives, in a container that is made when it is missing', async () => {
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      'timer-status',
    );
    const store = createBlobTimerStatus(container, 'laptop');
    await expect(store.read('t')).resolves.toBeUndefined();
    const nextMs = Date.parse('2026-11-22T02:00:00Z');
    const waiting = { nextMs, lastUpdatedMs: nextMs - 1_000 };
    await store.write('t', waiting);
    await expect(store.read('t')).resolves.toEqual(waiting);
    const fired = { lastMs: nextMs, nextMs: nextMs + 86_400_000, lastUpdatedMs: nextMs };
    await store.write('t', fired);
    await expect(createBlobTimerStatus(container, 'laptop').read('t')).resolves.toEqual(fired);
    await expect(createBlobTimerStatus(container, 'other').read('t')).resolves.toBeUndefined();
  });

  it.each([['not json'], ['{}'], ['null'], ['{"Next":"soon"}']])('counts as none when it holds %s', async (text) => {
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient('timer-bad');
    await container.createIfNotExists();
    await container.getBlockBlobClient('timers/laptop/Host.Functions.t/status').upload(text, Buffer.byteLength(text));
    await expect(createBlobTimerStatus(container, 'laptop').read('t')).resolves.toBeUndefined();
  });
});
