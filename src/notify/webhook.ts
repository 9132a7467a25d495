/** Posts notifications to a webhook: one sender, which tries again for half a minute at most. Its address leaves in no other way. Layer: notify adapter. */
import { createHttpHeaders, createPipelineRequest, type HttpClient } from '@azure/core-rest-pipeline';
import type { Notifier, NotifyFormat, NotifyOutcome } from '../domain/notification.ts';
import type { Clock, Random } from '../domain/ports.ts';
import { classifyStatus, decideRetry } from '../domain/retry.ts';
import { notificationBody } from './notification-body.ts';

export interface WebhookOptions {
  /** A secret. */
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
const MAX_ATTEMPTS = 5;

type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'silent' };

/** For one address. Nothing happens before something is sent. */
export function createWebhookNotifier(options: WebhookOptions): Notifier {
  const { url, format, clock, random, httpClient, version } = options;

  async function attempt(body: string, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const request = createPipelineRequest({
      url,
      method: 'POST',
      body,
      timeout: timeoutMs,
      abortSignal: signal,
      // The rule of NOTIFY_WEBHOOK lets no other host have plain http.
      allowInsecureConnection: url.startsWith('http:'),
      headers: createHttpHeaders({ 'content-type': 'application/json', 'user-agent': `keyturn/${version}` }),
    });
    try {
      const { status, headers } = await httpClient.sendRequest(request);
      return { kind: 'answered', status, retryAfterMs: secondsOf(headers.get('retry-after')) };
    } catch {
      // Its message may quote the address; that nobody answered is all there is to say.
      return { kind: 'silent' };
    }
  }

  return {
    async send(notification, signal) {
      const body = notificationBody(notification, format);
      const deadlineAtMs = clock.nowMs() + ALL_ATTEMPTS_MS;
      for (let attempts = 1; ; attempts++) {
        if (signal.aborted) return { kind: 'failed', because: 'stopped before it was posted' };
        const nowMs = clock.nowMs();
        const answer = await attempt(body, Math.max(1, Math.min(ONE_ATTEMPT_MS, deadlineAtMs - nowMs)), signal);
        const outcome = outcomeOf(answer);
        if (outcome.kind === 'sent' || !mayPass(answer)) return outcome;
        const decision = decideRetry({
          attempts,
          maxAttempts: MAX_ATTEMPTS,
          retryAfterMs: answer.kind === 'answered' ? answer.retryAfterMs : undefined,
          nowMs: clock.nowMs(),
          // What is left after the wait must be worth an attempt.
          deadlineAtMs: deadlineAtMs - 1,
          random: random.next(),
        });
        if (decision.kind === 'giveUp') return outcome;
        try {
          await clock.sleep(decision.delayMs, signal);
        } catch (error) {
          if (!signal.aborted) throw error;
        }
      }
    },
  };
}

function outcomeOf(answer: Answer): NotifyOutcome {
  if (answer.kind === 'silent') return { kind: 'failed', because: 'the webhook did not answer' };
  const { status } = answer;
  if (classifyStatus(status) === 'ok') return { kind: 'sent' };
  if (status >= 300 && status < 400)
    return { kind: 'failed', because: 'the webhook redirects, which is not followed', status };
  return { kind: 'failed', because: 'the webhook refused', status };
}

function mayPass(answer: Answer): boolean {
  if (answer.kind === 'silent') return true;
  const meaning = classifyStatus(answer.status);
  return meaning === 'throttled' || meaning === 'transient';
}

/** A delay in seconds; a date is for servers whose clock one trusts. */
function secondsOf(retryAfter: string | undefined): number | undefined {
  return retryAfter !== undefined && /^\d{1,6}(\.\d+)?$/.test(retryAfter) ? Number(retryAfter) * 1_000 : undefined;
}
