/** Sends what must not happen twice: repeated only while Graph has certainly not taken it. Layer: graph. */
import { GraphError } from '../domain/graph-error.ts';
import type { Pacer } from '../domain/pacer.ts';
import type { CallOptions, Clock, Random } from '../domain/ports.ts';
import { classifyStatus, decideRetry, MAX_ATTEMPTS, MAX_FORBIDDEN_ATTEMPTS } from '../domain/retry.ts';
import { lacksRole } from './app-roles.ts';
import type { Answer, Attempt, Fault, GraphRequest } from './attempt.ts';
import { detailsOf, type GraphClient } from './client.ts';
import { unauthorized } from './errors.ts';
import type { Meter } from './usage.ts';

export interface AskDeps {
  readonly client: GraphClient;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly grantedRoles: (options: CallOptions) => Promise<readonly string[] | undefined>;
}

/** How asking ended. */
export type Asked =
  /** An answer for good: any status but 401, 403 and 429. */
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** A 403 that is believed. `lacksRole`: the token's roles are known, and none of them lets the operation through. */
  | { readonly kind: 'forbidden'; readonly answer: Answer; readonly lacksRole: boolean }
  /** It left and nothing came back: Graph may have taken it. */
  | { readonly kind: 'unanswered'; readonly clientRequestId: string }
  /** Graph could not even be connected to, as often as there were attempts or time. `retryAfterMs`: the next wait there would have been. */
  | { readonly kind: 'unconnected'; readonly fault: Fault; readonly retryAfterMs: number }
  /** Certainly not taken: never sent, or only ever answered with 429. `retryAfterMs`: how long the quota asks to wait. */
  | { readonly kind: 'notSent'; readonly retryAfterMs: number };

/** The ids of an answer, as outcomes carry them. */
export function idsOf(answer: Answer): { readonly requestId?: string; readonly clientRequestId: string } {
  const { requestId } = detailsOf(answer);
  return { clientRequestId: answer.clientRequestId, ...(requestId === undefined ? {} : { requestId }) };
}

/**
 * Sends the request, and again only after an answer or a fault that proves it was not taken: a 429, a connection that was never made,
 * the first 401, a 403 up to three times, or twice when time runs out; each repeat with a `client-request-id` of its own. Nothing leaves after `options.deadlineAtMs` or once the signal is
 * aborted; with `onAbort: 'waitForAnswer'` a request on its way is waited for whatever the signal says.
 * @throws {GraphError} kind `unauthorized`: no token, or a second 401.
 */
export async function askOnce(deps: AskDeps, request: GraphRequest, options: CallOptions): Promise<Asked> {
  const { client, clock, meter, pacer } = deps;
  const { operation } = request;
  let unconnected = 0;
  let refusals = 0;
  let refreshed = false;
  /** The latest 403 that came more than once: believed when there is no time left to ask again, or a slow quota would never end asking. */
  let repeatedRefusal: Answer | undefined;

  const facts = (last: Attempt) => ({
    retryAfterMs: last.kind === 'answer' ? last.retryAfterMs : undefined,
    nowMs: clock.nowMs(),
    deadlineAtMs: options.deadlineAtMs,
    random: deps.random.next(),
  });

  async function believed(answer: Answer): Promise<Asked> {
    return { kind: 'forbidden', answer, lacksRole: lacksRole(operation, await deps.grantedRoles(options)) };
  }

  /** What to do about a 403: wait and ask again, or believe it. */
  async function forbiddenOrAgain(answer: Answer): Promise<Asked | undefined> {
    refusals += 1;
    if (refusals > 1) repeatedRefusal = answer;
    const decision = decideRetry({ ...facts(answer), attempts: refusals, maxAttempts: MAX_FORBIDDEN_ATTEMPTS });
    if (decision.kind === 'retry') {
      await clock.sleep(decision.delayMs, options.signal);
      return undefined;
    }
    // Whether it would have passed is not known, but it was not taken: it may be asked for another time.
    if (decision.because === 'deadline' && repeatedRefusal === undefined) return notSent(decision.delayMs);
    return believed(answer);
  }

  /** What to do when nothing came back: it left, or connect again, or give up. */
  async function unansweredOrAgain(fault: Fault): Promise<Asked | undefined> {
    if (fault.sent) return { kind: 'unanswered', clientRequestId: fault.clientRequestId };
    unconnected += 1;
    const decision = decideRetry({ ...facts(fault), attempts: unconnected, maxAttempts: MAX_ATTEMPTS });
    if (decision.kind === 'giveUp') return { kind: 'unconnected', fault, retryAfterMs: decision.delayMs };
    await clock.sleep(decision.delayMs, options.signal);
    return undefined;
  }

  /** How it ended, or `undefined` to ask again. */
  async function once(sent: GraphRequest): Promise<Asked | undefined> {
    const last = await client.attempt(sent, options);
    if (last.kind === 'fault') return unansweredOrAgain(last);
    switch (classifyStatus(last.status)) {
      case 'unauthorized':
        if (refreshed) throw unauthorized(client.contextOf(operation, last));
        refreshed = true;
        await last.reauthorize(options);
        return undefined;
      case 'throttled':
        // How long to wait is the pacer's business: every instance has to.
        await pacer.throttled(request.requestClass, last.retryAfterMs, last.sentAtMs);
        return undefined;
      case 'forbidden':
        return forbiddenOrAgain(last);
      default:
        return { kind: 'answered', answer: last };
    }
  }

  const { clientRequestId: _first, ...repeat } = request;
  for (let next = request; ; next = repeat) {
    try {
      const asked = await once(next);
      if (asked !== undefined) return asked;
    } catch (error) {
      // Every throw above comes from before a request left or after one that was certainly not taken.
      if (options.signal.aborted && error === options.signal.reason) return notSent(0);
      if (!(error instanceof GraphError && error.kind === 'throttled')) throw error;
      return repeatedRefusal === undefined ? notSent(error.retryAfterMs ?? 0) : believed(repeatedRefusal);
    }
    meter.retried();
  }
}

function notSent(retryAfterMs: number): Asked {
  return { kind: 'notSent', retryAfterMs };
}
