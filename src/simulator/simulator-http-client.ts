/** An Azure `HttpClient` straight into the tenant: the real pipeline above it, no I/O below. Layer: simulator. */
import { createHttpHeaders, type HttpClient, type PipelineRequest, RestError } from '@azure/core-rest-pipeline';
import type { Clock, Random } from '../domain/ports.ts';
import type { SimulatedAnswer, Timing } from './front-door.ts';
import type { RefereeDesk } from './referee.ts';
import type { SimulatedRequest } from './wire/graph-answer.ts';

export interface SimulatorHttpClientOptions {
  readonly handle: (request: SimulatedRequest, timing: Timing) => SimulatedAnswer;
  readonly clock: Clock;
  readonly skewMs: number;
  readonly graphRoot: string;
  readonly desk: RefereeDesk;
  /** Round trip, or a range of them. */
  readonly latencyMs: number | readonly [number, number];
  readonly random: Random;
}

/**
 * Behaves like the default client: a lost connection is a `RestError`, a timeout or abort an `AbortError`. Waits on the clock only.
 * A request that is given up after it arrived has had its effect.
 */
export function createSimulatorHttpClient(options: SimulatorHttpClientOptions): HttpClient {
  const { clock, desk, graphRoot, random, skewMs } = options;
  const [fastestMs, slowestMs] =
    typeof options.latencyMs === 'number' ? [options.latencyMs, options.latencyMs] : options.latencyMs;

  async function sendRequest(request: PipelineRequest): ReturnType<HttpClient['sendRequest']> {
    const signal = nativeSignal(request);
    if (signal?.aborted === true) throw givenUp();
    const headers = Object.fromEntries([...request.headers].map(([name, value]) => [name.toLowerCase(), value]));
    const { origin } = new URL(request.url);
    if (origin !== graphRoot) {
      if (headers.authorization !== undefined) {
        desk.violation('tokenSentElsewhere', `${request.method} ${origin}`, clock.nowMs() + skewMs);
      }
      throw new RestError(`getaddrinfo ENOTFOUND ${new URL(request.url).hostname}`, { code: 'ENOTFOUND', request });
    }
    const latencyMs = fastestMs + random.next() * (slowestMs - fastestMs);
    const body = bodyText(request);
    const sentAtMs = clock.nowMs() + skewMs;
    const wait = createPatience(clock, request.timeout, signal);
    await wait(latencyMs / 2);
    const answer = options.handle(
      { method: request.method, url: request.url, headers, ...(body === undefined ? {} : { body }) },
      { sentAtMs, deliveryMs: latencyMs / 2 },
    );
    await wait(latencyMs / 2 + (answer.kind === 'answered' ? answer.delayMs : 0));
    if (answer.kind === 'reset') throw new RestError('read ECONNRESET', { code: 'ECONNRESET', request });
    const { response } = answer;
    return {
      request,
      status: response.status,
      headers: createHttpHeaders(response.headers),
      bodyAsText: response.body ?? '',
    };
  }

  return { sendRequest };
}

/** What the default client throws, after a timeout as well; its consumers know it by its name. */
function givenUp(): DOMException {
  return new DOMException('The operation was aborted.', 'AbortError');
}

function bodyText({ body }: PipelineRequest): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  throw new TypeError('the simulated tenant reads bodies given as text or bytes only');
}

/** Waits as long as the request's timeout and abort signal allow, all waits together. */
function createPatience(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): (ms: number) => Promise<void> {
  const givesUpAtMs = timeoutMs > 0 ? clock.nowMs() + timeoutMs : Number.POSITIVE_INFINITY;
  return async (ms) => {
    const leftMs = givesUpAtMs - clock.nowMs();
    try {
      await clock.sleep(Math.min(ms, leftMs), signal);
    } catch (error) {
      if (signal?.aborted === true) throw givenUp();
      throw error;
    }
    if (ms > leftMs || signal?.aborted === true) throw givenUp();
  };
}

/** The signal as the clock takes it. The pipeline also takes look-alikes, which are not needed here. */
function nativeSignal({ abortSignal }: PipelineRequest): AbortSignal | undefined {
  if (abortSignal === undefined || abortSignal instanceof AbortSignal) return abortSignal;
  throw new TypeError('the simulated tenant takes native abort signals only');
}
