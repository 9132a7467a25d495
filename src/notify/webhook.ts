/** Posts notifications to a webhook: one sender, which tries again for half a minute at most. Its address leaves in no other way. Layer: notify adapter. */
import {
  createHttpHeaders,
  createPipelineRequest,
  type HttpClient,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { Notifier, NotifyFormat, NotifyOutcome } from '../domain/notification.ts';
import type { Clock, Random } from '../domain/ports.ts';
import { classifyStatus, decideRetry, type RetryDecision } from '../domain/retry.ts';
import { parseHttpDate, parseRetryAfter } from '../domain/retry-after.ts';
import { notificationBody } from './notification-body.ts';

export interface WebhookOptions {
  /** A secret; https only. */
  readonly url: string;
  readonly format: NotifyFormat;
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one request and follows no redirect, as the pipeline's own client does. */
  readonly httpClient: HttpClient;
  /** Of Keyturn. */
  readonly version: string;
}

/** Chosen: an invocation that ends a run has half a minute to spare. */
const ALL_ATTEMPTS_MS = 30_000;
/** Chosen: a workflow answers in a second or two. */
const ONE_ATTEMPT_MS = 10_000;
/** Chosen: an attempt with less time than this may arrive without its answer, and would be posted once more for nothing. */
const LEAST_ATTEMPT_MS = 2_000;
const MAX_ATTEMPTS = 5;

/** Bodies are never read: the status alone decides, and a body may be endless, or never come. */
const ANY_STATUS = Number.POSITIVE_INFINITY;

type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'silent' };

/** For one address. Nothing happens before something is sent. */
export function createWebhookNotifier(options: WebhookOptions): Notifier {
  const { url, format, clock, random, httpClient, version } = options;

  async function post(body: string, abortSignal: AbortSignal): Promise<Answer> {
    const request = createPipelineRequest({
      url,
      method: 'POST',
      body,
      // No `timeout`: when one strikes, the client logs the address, path included.
      abortSignal,
      streamResponseStatusCodes: new Set([ANY_STATUS]),
      headers: createHttpHeaders({ 'content-type': 'application/json', 'user-agent': `keyturn/${version}` }),
    });
    try {
      const response = await httpClient.sendRequest(request);
      hangUp(response);
      return { kind: 'answered', status: response.status, retryAfterMs: retryAfterMsOf(response, clock.nowMs()) };
    } catch {
      // Its message may quote the address; that nobody answered is all there is to say.
      return { kind: 'silent' };
    }
  }

  /** Silent when no status came in time. */
  async function attempt(body: string, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const late = new AbortController();
    const answered = new AbortController();
    clock.sleep(timeoutMs, answered.signal).then(
      () => late.abort(),
      () => undefined,
    );
    try {
      return await post(body, AbortSignal.any([signal, late.signal]));
    } finally {
      answered.abort();
    }
  }

  return {
    async send(notification, signal) {
      const body = notificationBody(notification, format);
      const deadlineAtMs = clock.nowMs() + ALL_ATTEMPTS_MS;
      for (let attempts = 1; ; attempts++) {
        if (signal.aborted) return { kind: 'failed', because: 'stopped before the webhook took it' };
        const answer = await attempt(body, Math.min(ONE_ATTEMPT_MS, deadlineAtMs - clock.nowMs()), signal);
        const outcome = outcomeOf(answer);
        if (outcome.kind === 'sent' || !mayPass(answer)) return outcome;
        const decision = decideRetry({
          attempts,
          maxAttempts: MAX_ATTEMPTS,
          retryAfterMs: askedWaitMs(answer),
          nowMs: clock.nowMs(),
          deadlineAtMs: deadlineAtMs - LEAST_ATTEMPT_MS,
          random: random.next(),
        });
        if (decision.kind === 'giveUp') return givenUp(answer, decision, outcome);
        try {
          await clock.sleep(decision.delayMs, signal);
        } catch (error) {
          if (!signal.aborted) throw error;
        }
      }
    },
  };
}

/** Ends the connection: one whose answer is not read to its end can be used no more. */
function hangUp({ readableStreamBody }: PipelineResponse): void {
  if (readableStreamBody !== undefined && isDestroyable(readableStreamBody)) readableStreamBody.destroy();
}

function isDestroyable(stream: object): stream is { destroy(): void } {
  return 'destroy' in stream && typeof stream.destroy === 'function';
}

/** A date counts from the answer's own `Date`: the two clocks need not agree. */
function retryAfterMsOf({ headers }: PipelineResponse, nowMs: number): number | undefined {
  return parseRetryAfter(headers.get('retry-after'), parseHttpDate(headers.get('date')) ?? nowMs);
}

function askedWaitMs(answer: Answer): number | undefined {
  return answer.kind === 'answered' ? answer.retryAfterMs : undefined;
}

function outcomeOf(answer: Answer): NotifyOutcome {
  if (answer.kind === 'silent') return { kind: 'failed', because: 'the webhook did not answer' };
  const { status } = answer;
  if (classifyStatus(status) === 'ok') return { kind: 'sent' };
  if (status >= 300 && status < 400)
    return { kind: 'failed', because: 'the webhook redirects, which is not followed', status };
  return { kind: 'failed', because: 'the webhook refused', status };
}

/** The last outcome, unless it is the wait asked for that leaves no time. */
function givenUp(
  answer: Answer,
  { because, delayMs }: Extract<RetryDecision, { kind: 'giveUp' }>,
  outcome: NotifyOutcome,
): NotifyOutcome {
  if (answer.kind === 'silent' || because !== 'deadline' || delayMs !== answer.retryAfterMs) return outcome;
  const { status } = answer;
  return { kind: 'failed', because: 'the webhook asks to wait longer than there is time to', status };
}

function mayPass(answer: Answer): boolean {
  if (answer.kind === 'silent') return true;
  const meaning = classifyStatus(answer.status);
  return meaning === 'throttled' || meaning === 'transient';
}
