import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createHttpHeaders, type HttpClient, type PipelineRequest } from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, it } from 'vitest';
import type { EntraDeviceId, RunId, TenantId } from '../../src/domain/ids.ts';
import type { NotifyFormat, RunNotification } from '../../src/domain/notification.ts';
import { createWebhookNotifier } from '../../src/notify/webhook.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createTrustingClient, createWebhookServer, type WebhookServer } from '../support/webhook-server.ts';

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
const START_MS = Date.UTC(2026, 10, 22, 20, 15);
const SIGNAL = new AbortController().signal;
const MEGABYTE = 1024 * 1024;

function* repeatedly(chunk: Buffer): Generator<Buffer> {
  for (;;) yield chunk;
}

let server: WebhookServer | undefined;
afterEach(async () => {
  // Ends once no connection is left: one that leaks is a test that does not end.
  await server?.close();
  server = undefined;
});

/** The address of a webhook on this machine. */
async function listen(answer: RequestListener): Promise<string> {
  server = await createWebhookServer(answer);
  return `${server.root}/hook`;
}

const real = async (url: string, format: NotifyFormat) =>
  createWebhookNotifier({
    url,
    format,
    clock: createSystemClock(),
    random: createSeededRandom(1),
    httpClient: await createTrustingClient(),
    version: '1.2.3',
  });

describe('a webhook', { timeout: 20_000 }, () => {
  it('is posted the notification as JSON, once', async () => {
    const seen: { request: IncomingMessage; body: Promise<string> }[] = [];
    const url = await listen((request, response) => {
      seen.push({ request, body: text(request).finally(() => response.writeHead(202).end('accepted')) });
    });
    const notifier = await real(`${url}?sig=a%2Fb`, 'json');
    expect(await notifier.send(NOTIFICATION, SIGNAL)).toEqual({ kind: 'sent' });
    expect(seen).toMatchObject([
      {
        request: {
          method: 'POST',
          url: '/hook?sig=a%2Fb',
          headers: { 'content-type': 'application/json', 'user-agent': 'keyturn/1.2.3' },
        },
      },
    ]);
    expect(JSON.parse((await seen[0]?.body) ?? '')).toEqual(NOTIFICATION);
  });

  it.each([301, 302, 307, 308])('that redirects with %i is not followed, nor asked again', async (status) => {
    const seen: (string | undefined)[] = [];
    const url = await listen((request, response) => {
      seen.push(request.url);
      request.resume();
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    const outcome = await (await real(url, 'json')).send(NOTIFICATION, SIGNAL);
    expect(outcome).toEqual({ kind: 'failed', because: 'the webhook redirects, which is not followed', status });
    expect(seen).toEqual(['/hook']);
  });

  it.each([
    ['never comes', (response: ServerResponse) => response.flushHeaders()],
    ['stops halfway', (response: ServerResponse) => response.write('{"half":')],
  ])('has taken what it answered 200 to, though the rest of its answer %s', async (_what, begin) => {
    const ended: Promise<unknown>[] = [];
    const url = await listen((request, response) => {
      ended.push(once(response, 'close'));
      request.resume().once('end', () => begin(response.writeHead(200, { 'content-length': '100' })));
    });
    expect(await (await real(url, 'json')).send(NOTIFICATION, SIGNAL)).toEqual({ kind: 'sent' });
    await Promise.all(ended);
    expect(ended).toHaveLength(1);
  });

  it.each([
    [200, 'sent'],
    [400, 'failed'],
  ] as const)('whose answer %i has no end is hung up on, and hardly any of it taken', async (status, kind) => {
    const written = Promise.withResolvers<number>();
    const url = await listen((request, response) => {
      response.once('close', () => written.resolve(request.socket.bytesWritten));
      request.resume();
      Readable.from(repeatedly(Buffer.alloc(MEGABYTE))).pipe(response.writeHead(status));
    });
    const outcome = await (await real(url, 'json')).send(NOTIFICATION, SIGNAL);
    expect(outcome.kind).toBe(kind);
    // What the two ends of a connection hold by themselves.
    expect(await written.promise).toBeLessThan(64 * MEGABYTE);
  });
});

interface Scripted {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Answers with these statuses, one after the other, the last for good; `reset` drops the connection and quotes the address, `hang` waits to be
 * given up on.
 */
function scripted(...answers: readonly (number | 'reset' | 'hang' | Scripted)[]) {
  const clock = createVirtualClock(START_MS);
  const seen: { afterMs: number; request: PipelineRequest; body: string }[] = [];
  const httpClient: HttpClient = {
    async sendRequest(request) {
      seen.push({ afterMs: clock.nowMs() - START_MS, request, body: String(request.body) });
      const answer = answers[Math.min(seen.length, answers.length) - 1] ?? 200;
      if (answer === 'hang') await new Promise((resolve) => request.abortSignal?.addEventListener('abort', resolve));
      if (answer === 'reset' || answer === 'hang') throw new Error(`connect ECONNRESET ${request.url}`);
      const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
      return { request, status, headers: createHttpHeaders(headers) };
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
  const tookMs = () => clock.nowMs() - START_MS;
  return { clock, seen, notifier, send, tookMs };
}

const asksFor = (status: number, retryAfter: string, headers: Readonly<Record<string, string>> = {}): Scripted => ({
  status,
  headers: { 'retry-after': retryAfter, ...headers },
});
const date = (atMs: number) => new Date(atMs).toUTCString();

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

  it.each([
    ['seconds', 12_000, asksFor(429, '12')],
    ['a fraction of seconds', 2_128, asksFor(503, '2.128')],
    ['a date', 8_000, asksFor(503, date(START_MS + 8_000))],
    [
      'a date by a clock an hour ahead',
      8_000,
      asksFor(429, date(START_MS + 3_608_000), { date: date(START_MS + 3_600_000) }),
    ],
    ['all but two of the seconds there are', 28_000, asksFor(503, '28')],
  ])('is not tried again before the time that it is told, in %s', async (_form, waitMs, answer) => {
    const { seen, send } = scripted(answer, 200);
    expect(await send()).toEqual({ kind: 'sent' });
    expect(seen.map(({ afterMs }) => afterMs)).toEqual([0, waitMs]);
  });

  it.each([
    ['half a minute', asksFor(503, '30')],
    ['a thousand days', asksFor(429, '86400000')],
    ['a date in an hour', asksFor(503, date(START_MS + 3_600_000))],
  ])('is given up on at once, and says so, when it is told to wait for %s', async (_wait, answer) => {
    const { seen, send, tookMs } = scripted(answer, 200);
    const because = 'the webhook asks to wait longer than there is time to';
    expect(await send()).toEqual({ kind: 'failed', because, status: answer.status });
    expect([seen.length, tookMs()]).toEqual([1, 0]);
  });

  it.each([
    ['hangs', ['hang'] as const, 'the webhook did not answer', [0, 10_000, 20_000]],
    ['asks to wait again and again', [asksFor(503, '9')], 'the webhook asks to wait', [0, 9_000, 18_000, 27_000]],
  ])('ends within half a minute when the webhook %s', async (_what, answers, because, about) => {
    const { seen, send, tookMs } = scripted(...answers);
    expect(await send()).toMatchObject({ kind: 'failed', because: expect.stringContaining(because) });
    expect(seen).toHaveLength(about.length);
    for (const [i, { afterMs }] of seen.entries()) {
      expect(afterMs).toBeGreaterThanOrEqual(about[i] ?? 0);
      expect(afterMs).toBeLessThan((about[i] ?? 0) + 3_000);
    }
    expect(tookMs()).toBeLessThanOrEqual(30_000);
  });

  it('leaves no timeout to the client, which would log the path of the address when it strikes', async () => {
    const { seen, send } = scripted(200);
    await send();
    expect(seen.map(({ request }) => request.timeout)).toEqual([0]);
  });

  it('ends at once when it is stopped', async () => {
    const { clock, seen, notifier, tookMs } = scripted(503);
    const stop = new AbortController();
    const outcome = await clock.run(async () => {
      const sending = notifier().send(NOTIFICATION, stop.signal);
      await clock.sleep(1);
      stop.abort(new Error('stopping'));
      return sending;
    });
    expect(outcome).toMatchObject({ kind: 'failed' });
    expect(seen).toHaveLength(1);
    expect(tookMs()).toBe(1);
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
