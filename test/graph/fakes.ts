/** A scripted Graph, a trivial pacer and a credential for the tests of the Graph adapter. */
import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { createHttpHeaders, type HttpClient, type PipelineRequest, RestError } from '@azure/core-rest-pipeline';
import { GraphError } from '../../src/domain/graph-error.ts';
import type { Demand, Pacer } from '../../src/domain/pacer.ts';
import type { CallOptions, Clock, LogFields, Logger, Random } from '../../src/domain/ports.ts';
import type { RequestClass } from '../../src/domain/request-class.ts';
import { createTenant, type GraphTenant } from '../../src/graph/tenant.ts';
import { createVirtualClock, type VirtualClock } from '../../src/simulator/virtual-clock.ts';

/** 2026-11-22T12:00:00Z, a whole second. */
export const START_MS = Date.UTC(2026, 10, 22, 12);
export const GRAPH_ROOT = 'https://graph.microsoft.com';
/** Looks like the real thing: each group is divisible by 11. No error may ever hold it. */
export const PLANTED_PASSWORD = '111111-222222-333333-444444-555555-666666-111111-222222';
export const REQUEST_ID = '77777777-0000-4000-8000-000000000001';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly atMs: number;
  readonly aborted: () => boolean;
}

/** `fault`: no answer, with that code. `hang`: no answer, ever. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly afterMs?: number;
  readonly fault?: string;
  readonly hang?: true;
}

export interface FakeHttp {
  readonly client: HttpClient;
  readonly seen: Seen[];
}

const textOf = (body: unknown): string =>
  typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);

/** Answers by `reply`; each answer carries a `Date` (unless told otherwise with an empty one) and a request id. */
export function createFakeHttp(clock: Clock, reply: (seen: Seen, n: number) => Reply): FakeHttp {
  const seen: Seen[] = [];
  const client: HttpClient = {
    async sendRequest(request: PipelineRequest) {
      const one: Seen = {
        method: request.method,
        url: request.url,
        path: request.url.slice(GRAPH_ROOT.length),
        headers: request.headers.toJSON(),
        body: typeof request.body === 'string' ? request.body : undefined,
        atMs: clock.nowMs(),
        aborted: () => request.abortSignal?.aborted === true,
      };
      seen.push(one);
      const answer = reply(one, seen.length);
      if (answer.hang) return new Promise(() => undefined);
      await clock.sleep(answer.afterMs ?? 0);
      if (answer.fault !== undefined) {
        throw new RestError(`socket said ${PLANTED_PASSWORD} ${request.headers.get('Authorization')}`, {
          code: answer.fault,
          request,
        });
      }
      const headers = createHttpHeaders({
        'request-id': REQUEST_ID,
        date: new Date(clock.nowMs()).toUTCString(),
        ...answer.headers,
      });
      if (answer.headers?.date === '') headers.delete('date');
      return { request, status: answer.status ?? 200, headers, bodyAsText: textOf(answer.body) };
    },
  };
  return { client, seen };
}

export interface FakePacer extends Pacer {
  readonly acquired: Demand[];
  readonly pauses: { readonly requestClass: RequestClass; readonly retryAfterMs: number | undefined }[];
  readonly permits: { answered: number; unused: number; open: number };
}

/** Grants at once, except while a 429 pauses it: for the wait asked for, or 20 s. */
export function createFakePacer(clock: Clock, limit = 200): FakePacer {
  const acquired: Demand[] = [];
  const pauses: FakePacer['pauses'] = [];
  const permits = { answered: 0, unused: 0, open: 0 };
  let pausedUntilMs = 0;
  const settle = (how: 'answered' | 'unused') => {
    let done = false;
    return () => {
      if (done) throw new Error('a permit is settled once');
      done = true;
      permits.open -= 1;
      permits[how] += 1;
    };
  };
  return {
    acquired,
    pauses,
    permits,
    async acquire(demand: Demand, options: CallOptions) {
      options.signal.throwIfAborted();
      const waitMs = pausedUntilMs - clock.nowMs();
      if (clock.nowMs() + waitMs > options.deadlineAtMs && waitMs > 0) {
        throw new GraphError('throttled', 'the wait is longer than the call', { retryAfterMs: waitMs });
      }
      await clock.sleep(waitMs, options.signal);
      acquired.push(demand);
      permits.open += 1;
      return { answered: settle('answered'), unused: settle('unused') };
    },
    async throttled(requestClass, retryAfterMs) {
      pauses.push({ requestClass, retryAfterMs });
      pausedUntilMs = Math.max(pausedUntilMs, clock.nowMs() + (retryAfterMs ?? 20_000));
    },
    beginRun: () => Promise.resolve(),
    recentPauses: async () => [],
    flush: () => Promise.resolve(),
    limitOf: () => limit,
    usage: () => ({ waitMs: 7, throttled: 0, used: { write: 0, any: 0, key: 0, stateWrite: 0, stateAny: 0 } }),
  };
}

/** Counts up, so that every draw and id is known. */
export function createFakeRandom(): Random {
  let n = 0;
  return {
    next: () => 0.5,
    guid: () => {
      n += 1;
      return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    },
  };
}

export interface FakeCredential extends TokenCredential {
  readonly asked: { readonly scope: string; readonly claims: string | undefined }[];
}

/** Hands out `token-1`, `token-2`, …, each good for an hour. */
export function createFakeCredential(clock: Clock, tokenOf = (n: number): string => `token-${n}`): FakeCredential {
  const asked: FakeCredential['asked'] = [];
  return {
    asked,
    async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
      asked.push({ scope: String(scopes), claims: options?.claims });
      return { token: tokenOf(asked.length), expiresOnTimestamp: clock.nowMs() + 3_600_000 };
    },
  };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export function createFakeLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ level, message, fields });
    };
  const logger = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

/** A token with that payload, unsigned. */
export function jwt(payload: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(payload)}.signature`;
}

export interface Bench {
  readonly clock: VirtualClock;
  readonly http: FakeHttp;
  readonly pacer: FakePacer;
  readonly credential: FakeCredential;
  readonly logger: ReturnType<typeof createFakeLogger>;
  readonly tenant: GraphTenant;
  readonly stop: AbortController;
  /** Options for a call with that much time, 10 minutes by default. */
  options(forMs?: number): CallOptions;
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** A tenant on a scripted Graph, on the virtual clock. */
export function createBench(
  reply: (seen: Seen, n: number) => Reply,
  change: { readonly limit?: number; readonly tokenOf?: (n: number) => string } = {},
): Bench {
  const clock = createVirtualClock(START_MS);
  const http = createFakeHttp(clock, reply);
  const pacer = createFakePacer(clock, change.limit);
  const credential = createFakeCredential(clock, change.tokenOf);
  const logger = createFakeLogger();
  const stop = new AbortController();
  const budget = { limit: 200, windowMs: 20_000 };
  const tenant = createTenant({
    settings: {
      graphRoot: GRAPH_ROOT,
      budgets: { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget },
    },
    createCredential: () => credential,
    pacer,
    clock,
    random: createFakeRandom(),
    logger,
    version: '1.2.3',
    httpClient: http.client,
  });
  return {
    clock,
    http,
    pacer,
    credential,
    logger,
    tenant,
    stop,
    options: (forMs = 600_000) => ({ priority: 'bulk', deadlineAtMs: clock.nowMs() + forMs, signal: stop.signal }),
    run: (work) => clock.run(work),
  };
}

/** An error body as Intune writes it, with the planted password where payloads end up. */
export function errorBody(code = 'UnknownError', message = `see https://proxy.example/${PLANTED_PASSWORD}`): unknown {
  return { error: { code, message, innerError: { key: PLANTED_PASSWORD, 'request-id': REQUEST_ID } } };
}

/** A part of a batch as it was asked for. */
export interface Part {
  readonly id: string;
  readonly method: string;
  readonly url: string;
}

/** What is answered to a part. */
export interface PartReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export const partsOf = (seen: Seen): readonly Part[] =>
  (JSON.parse(seen.body ?? '{}') as { readonly requests: readonly Part[] }).requests;

/** A batch answered part by part, in reverse order. `undefined` leaves a part out. */
export function answer(seen: Seen, part: (part: Part) => PartReply | undefined): Reply {
  const responses = partsOf(seen).map((request) => {
    const reply = part(request);
    return reply === undefined ? undefined : { id: request.id, ...reply };
  });
  return { body: { responses: responses.filter((one) => one !== undefined).reverse() } };
}

/** What the promise rejected with; fails when it did not. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

/** Collects what an async iterable gives. */
export async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}
