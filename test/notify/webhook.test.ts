import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  createDefaultHttpClient,
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
} from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, it } from 'vitest';
import type { EntraDeviceId, RunId, TenantId } from '../../src/domain/ids.ts';
import type { NotifyFormat, RunNotification } from '../../src/domain/notification.ts';
import { createWebhookNotifier } from '../../src/notify/webhook.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createSystemClock } from '../../src/system/clock.ts';

const NOTIFICATION: RunNotification = {
  event: 'runEnded',
  tenantId: '7e570000-0000-4000-8000-000000000001' as TenantId,
  runId: '20261122-200000-1a2b3c4d' as RunId,
  trigger: 'schedule',
  mode: 'live',
  state: 'completed',
  at: '2026-11-22T20:15:00.000Z',
  devices: 1_000,
  due: 700,
  counts: { proven: 690, overdue: 10, notDue: 200, skipped: 100 },
  skipped: { notSeenRecently: 100 },
  rotatedWithoutKey: 1,
  rotatedWithoutKeyIds: ['00000002-0000-4000-8000-000000000001' as EntraDeviceId],
  evidence: { version: 1, lines: 1_003, digest: 'ab'.repeat(32) },
};
const SIGNAL = new AbortController().signal;

let server: Server | undefined;
afterEach(
  () =>
    new Promise<void>((resolve) => {
      if (server === undefined) return resolve();
      server.close(() => resolve());
      server = undefined;
    }),
);

/** A webhook on this machine. */
async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const made = createServer(answer);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

const real = (url: string, format: NotifyFormat) =>
  createWebhookNotifier({
    url,
    format,
    clock: createSystemClock(),
    random: createSeededRandom(1),
    httpClient: createDefaultHttpClient(),
    version: '1.2.3',
  });

describe('a webhook', () => {
  it('is posted the notification as JSON, once', async () => {
    const seen: { method?: string; url?: string; type?: string; agent?: string; body: Promise<string> }[] = [];
    const root = await listen((request, response) => {
      const { method, url, headers } = request;
      seen.push({
        ...(method === undefined ? {} : { method }),
        ...(url === undefined ? {} : { url }),
        ...(headers['content-type'] === undefined ? {} : { type: headers['content-type'] }),
        ...(headers['user-agent'] === undefined ? {} : { agent: headers['user-agent'] }),
        body: text(request).finally(() => response.writeHead(202).end('accepted')),
      });
    });
    expect(await real(`${root}/hook?sig=a%2Fb`, 'json').send(NOTIFICATION, SIGNAL)).toEqual({ kind: 'sent' });
    expect(seen).toMatchObject([
      { method: 'POST', url: '/hook?sig=a%2Fb', type: 'application/json', agent: 'keyturn/1.2.3' },
    ]);
    expect(JSON.parse((await seen[0]?.body) ?? '')).toEqual(NOTIFICATION);
  });

  it.each([301, 302, 307, 308])('that redirects with %i is not followed, nor asked again', async (status) => {
    const seen: (string | undefined)[] = [];
    const root = await listen((request, response) => {
      seen.push(request.url);
      request.resume();
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    const outcome = await real(`${root}/hook`, 'json').send(NOTIFICATION, SIGNAL);
    expect(outcome).toEqual({ kind: 'failed', because: 'the webhook redirects, which is not followed', status });
    expect(seen).toEqual(['/hook']);
  });
});

/** Answers with these statuses, one after the other, the last for good; `reset` drops the connection and quotes the address. */
function scripted(...answers: readonly (number | 'reset' | { status: number; retryAfter: string })[]) {
  const clock = createVirtualClock(0);
  const seen: { atMs: number; timeoutMs: number; body: string }[] = [];
  const httpClient: HttpClient = {
    async sendRequest(request: PipelineRequest) {
      seen.push({ atMs: clock.nowMs(), timeoutMs: request.timeout, body: String(request.body) });
      const answer = answers[Math.min(seen.length, answers.length) - 1] ?? 200;
      if (answer === 'reset') throw new Error(`connect ECONNRESET ${request.url}`);
      const { status, retryAfter } = typeof answer === 'number' ? { status: answer, retryAfter: undefined } : answer;
      const headers = createHttpHeaders(retryAfter === undefined ? {} : { 'retry-after': retryAfter });
      return { request, status, headers };
    },
  };
  const notifier = (format: NotifyFormat = 'json') =>
    createWebhookNotifier({
      url: 'https://hooks.contoso.com/SECRET',
      format,
      clock,
      random: createSeededRandom(1),
      httpClient,
      version: '1.2.3',
    });
  const send = (signal: AbortSignal = SIGNAL) => clock.run(() => notifier().send(NOTIFICATION, signal));
  return { clock, seen, notifier, send };
}

describe('posting', () => {
  it.each([
    ['an outage that passes', [503, 'reset', 429, 200], 4, { kind: 'sent' }],
    ['a refusal', [400], 1, { kind: 'failed', because: 'the webhook refused', status: 400 }],
    ['an address that is gone', [404], 1, { kind: 'failed', because: 'the webhook refused', status: 404 }],
    ['an outage that lasts', [500], 5, { kind: 'failed', because: 'the webhook refused', status: 500 }],
    ['silence', ['reset'], 5, { kind: 'failed', because: 'the webhook did not answer' }],
  ] as const)('into %s', async (_what, answers, attempts, expected) => {
    const { seen, send } = scripted(...answers);
    const outcome = await send();
    expect(outcome).toEqual(expected);
    expect(seen).toHaveLength(attempts);
    expect(JSON.stringify(outcome)).not.toContain('SECRET');
  });

  it('waits as long as it is told to, but never beyond half a minute in all', async () => {
    const patient = scripted({ status: 429, retryAfter: '12' }, 200);
    expect(await patient.send()).toEqual({ kind: 'sent' });
    expect(patient.seen[1]?.atMs).toBeGreaterThanOrEqual(12_000);

    const asked = scripted({ status: 503, retryAfter: '12' });
    expect(await asked.send()).toMatchObject({ kind: 'failed', status: 503 });
    for (const { atMs, timeoutMs } of asked.seen) expect(atMs + timeoutMs).toBeLessThanOrEqual(30_000);
    expect(asked.clock.nowMs()).toBeLessThanOrEqual(30_000);

    const tooLong = scripted({ status: 503, retryAfter: '31' });
    await tooLong.send();
    expect(tooLong.seen).toHaveLength(1);
  });

  it('ends at once when it is stopped', async () => {
    const { clock, seen, notifier } = scripted(503);
    const stop = new AbortController();
    const outcome = await clock.run(async () => {
      const sending = notifier().send(NOTIFICATION, stop.signal);
      await clock.sleep(1);
      stop.abort(new Error('stopping'));
      return sending;
    });
    expect(outcome).toMatchObject({ kind: 'failed' });
    expect(seen).toHaveLength(1);
    expect(clock.nowMs()).toBe(1);
  });

  it('for Teams is one message with one Adaptive Card, whose facts are all text', async () => {
    const { clock, seen, notifier } = scripted(202);
    await clock.run(() => notifier('teams').send(NOTIFICATION, SIGNAL));
    const message = JSON.parse(seen[0]?.body ?? '');
    expect(message).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: { type: 'AdaptiveCard', version: '1.4', body: [{ type: 'TextBlock', color: 'Attention' }, {}] },
        },
      ],
    });
    const { facts } = message.attachments[0].content.body[1] as { facts: { title: string; value: string }[] };
    for (const { title, value } of facts) expect([typeof title, typeof value]).toEqual(['string', 'string']);
    const values = Object.fromEntries(facts.map(({ title, value }) => [title, value]));
    expect(values).toMatchObject({ Devices: '1000', proven: '690', overdue: '10', 'Rotated, never escrowed': '1' });
    expect((seen[0]?.body ?? '').length).toBeLessThan(28_000);
  });
});
