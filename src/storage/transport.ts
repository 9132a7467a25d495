/** What every request to storage passes through: time limit, count, server time, and whether its fate became unclear. Layer: storage adapter. */
import { type PipelinePolicy, RestError } from '@azure/core-rest-pipeline';
import type { RequestPolicyFactory } from '@azure/storage-queue';
import type { Clock } from '../domain/ports.ts';
import { createDirectAgents } from '../outbound/direct-agents.ts';
import type { ServerClock } from './server-clock.ts';

/** HTTP requests sent, by service; what Azure bills as transactions. */
export interface TransactionCounts {
  readonly tables: number;
  readonly queues: number;
  readonly blobs: number;
}

/** Retries of one operation after the first try. Chosen: rides out a moved partition, and gives up in seconds. */
export const MAX_RETRIES = 3;
/** First and longest wait between tries. Chosen: 2.8 s in all at most. */
export const RETRY_DELAY_MS = 400;
/** See `RETRY_DELAY_MS`. */
export const MAX_RETRY_DELAY_MS = 1_600;
/**
 * One try of a table operation. Chosen: a query that finds little answers after 5 s with what it has, and an answer needs its way.
 * Source: Query timeout and pagination, Table service (read 2026-11-22).
 */
export const TRY_TIMEOUT_MS = 7_000;
/** All tries of a table operation, waits apart. Chosen: with them an account that never answers is reported in under 17 s. */
export const OPERATION_TIMEOUT_MS = 14_000;
/** One try of a queue operation; it is not repeated. Chosen: like a table operation's. */
const QUEUE_TIMEOUT_MS = 10_000;
/** One try of a blob operation; it is not repeated. Chosen: a planning chunk over a slow laptop line. */
const BLOB_TIMEOUT_MS = 30_000;

/** Watches the requests of one account. */
export interface Transport {
  /** For `@azure/data-tables`, once per try. */
  readonly tables: PipelinePolicy;
  /** For `@azure/storage-queue` and `-blob`, whose pipelines only take policies above their retries: once per operation. */
  readonly queues: RequestPolicyFactory;
  readonly blobs: RequestPolicyFactory;
  /** True when a try of this request ended without a clear answer, so that an earlier try may have taken effect. */
  isUnclear(request: object): boolean;
  counts(): TransactionCounts;
}

/** A 408 or 5xx may come after the effect. */
const isUnclearStatus = (status: number): boolean => status === 408 || status >= 500;

/** `clock` is ours; what it says when requests leave and answers come goes to `serverClock`. */
export function createTransport(clock: Clock, serverClock: ServerClock): Transport {
  const counts = { tables: 0, queues: 0, blobs: 0 };
  const unclear = new WeakSet<object>();
  /** When the first try of a request left; a retry is the same object. */
  const started = new WeakMap<object, number>();

  async function watch<
    R extends { readonly status: number; readonly headers: { get(name: string): string | undefined } },
  >(service: keyof TransactionCounts, request: object, send: () => Promise<R>): Promise<R> {
    counts[service] += 1;
    const sentAtMs = clock.nowMs();
    let answered = false;
    try {
      const response = await send();
      answered = !isUnclearStatus(response.status);
      serverClock.observe(response.headers.get('date'), sentAtMs, clock.nowMs());
      return response;
    } finally {
      if (!answered) unclear.add(request);
    }
  }

  // These pipelines take no transport of ours; a request that has an agent keeps it.
  const directAgent = createDirectAgents();
  const factory = (service: 'queues' | 'blobs', timeoutMs: number): RequestPolicyFactory => ({
    create: (next) => ({
      sendRequest(request) {
        request.timeout = timeoutMs;
        const agent = directAgent(request.url);
        if (agent !== undefined) request.agent = agent;
        return watch(service, request, () => next.sendRequest(request));
      },
    }),
  });

  return {
    tables: {
      name: 'keyturnTransport',
      async sendRequest(request, next) {
        const nowMs = clock.nowMs();
        const startedAtMs = started.get(request) ?? nowMs;
        started.set(request, startedAtMs);
        const leftMs = startedAtMs + OPERATION_TIMEOUT_MS - nowMs;
        const timedOut = () => new RestError('no answer in time', { code: 'ETIMEDOUT', request });
        if (leftMs <= 0) throw timedOut();
        request.timeout = Math.min(TRY_TIMEOUT_MS, leftMs);
        try {
          return await watch('tables', request, () => next(request));
        } catch (error) {
          // The pipeline reports its own time limit as an abort, which its retry policy would not retry.
          if (error instanceof Error && error.name === 'AbortError' && request.abortSignal?.aborted !== true) {
            throw timedOut();
          }
          throw error;
        }
      },
    },
    queues: factory('queues', QUEUE_TIMEOUT_MS),
    blobs: factory('blobs', BLOB_TIMEOUT_MS),
    isUnclear: (request) => unclear.has(request),
    counts: () => ({ ...counts }),
  };
}
