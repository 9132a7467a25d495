/** The one request that changes a device: asked at most once. Layer: graph. */
import { assertNever } from '../domain/assert-never.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { Pacer } from '../domain/pacer.ts';
import type { CallOptions, Clock, Random, RequestOutcome } from '../domain/ports.ts';
import { classifyStatus, decideRetry, MAX_ATTEMPTS, MAX_FORBIDDEN_ATTEMPTS } from '../domain/retry.ts';
import type { RotationTarget } from '../domain/targets.ts';
import { lacksRole } from './app-roles.ts';
import type { Answer, Attempt, GraphRequest } from './attempt.ts';
import { detailsOf, type GraphClient } from './client.ts';
import { forbidden, unauthorized, unavailable } from './errors.ts';
import { type RotationRoute, routeUrl } from './routes.ts';
import type { Meter } from './usage.ts';

export interface RotationDeps {
  readonly client: GraphClient;
  readonly graphRoot: string;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly grantedRoles: (options: CallOptions) => Promise<readonly string[] | undefined>;
}

/** Source: Graph beta reference, rotateBitLockerKeys, "Response" (read 2026-11-22). */
const ACCEPTED = 204;

/** @throws {TypeError} for an Entra device id: the action has no such URL, so it must be resolved to its managed device first. */
function routeOf(target: RotationTarget): RotationRoute {
  if ('managedDeviceId' in target) return { via: 'managedDevice', managedDeviceId: target.managedDeviceId };
  throw new TypeError('a rotation is requested of a managed device; resolve the Entra device id first');
}

/**
 * Asks for one rotation, and never repeats the request unless Graph certainly did not take it: a 429, a connection that was never made,
 * the first 401, a 403 up to three times, or twice when time runs out. Nothing leaves after `options.deadlineAtMs` or once the signal is
 * aborted; a request on its way is waited for whatever the signal says.
 * @throws {GraphError} for faults that concern every device: kind `unauthorized`; `forbidden` when the token lacks the role; `unavailable`
 * when Graph cannot even be connected to.
 */
export async function requestRotation(
  deps: RotationDeps,
  target: RotationTarget,
  options: CallOptions,
): Promise<RequestOutcome> {
  const { client, clock, meter, pacer } = deps;
  const request: GraphRequest = {
    operation: 'rotation',
    method: 'POST',
    url: routeUrl(deps.graphRoot, { to: 'rotation', target: routeOf(target) }),
    demand: { write: 1, any: 1 },
    requestClass: 'write',
    onAbort: 'waitForAnswer',
  };
  let unconnected = 0;
  let refusals = 0;
  let refreshed = false;
  /** The latest 403 that came more than once: believed when there is no time left to ask again, or a slow quota would never end asking. */
  let repeatedRefusal: Answer | undefined;

  /** What to do about a 403: wait and ask again, or believe it. */
  async function refusedOrAgain(answer: Answer): Promise<RequestOutcome | undefined> {
    refusals += 1;
    if (refusals > 1) repeatedRefusal = answer;
    const decision = decideRetry({ ...facts(answer), attempts: refusals, maxAttempts: MAX_FORBIDDEN_ATTEMPTS });
    if (decision.kind === 'retry') {
      await clock.sleep(decision.delayMs, options.signal);
      return undefined;
    }
    // Whether it would have passed is not known, but it was not accepted: the device stays due.
    if (decision.because === 'deadline' && repeatedRefusal === undefined) return notSent(decision.delayMs);
    return believed(answer);
  }

  async function believed(answer: Answer): Promise<RequestOutcome> {
    if (lacksRole('rotation', await deps.grantedRoles(options))) throw forbidden(client.contextOf('rotation', answer));
    return refused(answer);
  }

  const facts = (last: Attempt) => ({
    retryAfterMs: last.kind === 'answer' ? last.retryAfterMs : undefined,
    nowMs: clock.nowMs(),
    deadlineAtMs: options.deadlineAtMs,
    random: deps.random.next(),
  });

  /** The outcome, or `undefined` to ask again. */
  async function once(): Promise<RequestOutcome | undefined> {
    const last = await client.attempt(request, options);
    if (last.kind === 'fault') {
      if (last.sent) return { kind: 'uncertain', clientRequestId: last.clientRequestId };
      unconnected += 1;
      const decision = decideRetry({ ...facts(last), attempts: unconnected, maxAttempts: MAX_ATTEMPTS });
      if (decision.kind === 'giveUp') throw unavailable(client.contextOf('rotation', last), last);
      await clock.sleep(decision.delayMs, options.signal);
      return undefined;
    }
    if (last.status === ACCEPTED) return accepted(last);
    const answer = classifyStatus(last.status);
    switch (answer) {
      case 'unauthorized':
        if (refreshed) throw unauthorized(client.contextOf('rotation', last));
        refreshed = true;
        await last.reauthorize(options);
        return undefined;
      case 'throttled':
        await pacer.throttled('write', last.retryAfterMs, last.sentAtMs);
        return undefined;
      case 'forbidden':
        return refusedOrAgain(last);
      case 'notFound':
      case 'refused':
        return refused(last);
      case 'ok':
      case 'transient':
      case 'unexpected':
        // Not the 204 that means yes, and not a 4xx that means no.
        return { kind: 'uncertain', httpStatus: last.status, ...idsOf(last) };
      default:
        return assertNever(answer, 'answer class');
    }
  }

  for (;;) {
    try {
      const outcome = await once();
      if (outcome !== undefined) return outcome;
    } catch (error) {
      // Every throw below comes from before a request left or after one that was certainly not accepted.
      if (options.signal.aborted && error === options.signal.reason) return notSent(0);
      if (!(error instanceof GraphError && error.kind === 'throttled')) throw error;
      return repeatedRefusal === undefined ? notSent(error.retryAfterMs ?? 0) : believed(repeatedRefusal);
    }
    meter.retried();
  }
}

function idsOf(answer: Answer): { readonly requestId?: string; readonly clientRequestId: string } {
  const { requestId } = detailsOf(answer);
  return { clientRequestId: answer.clientRequestId, ...(requestId === undefined ? {} : { requestId }) };
}

function accepted(answer: Answer): RequestOutcome {
  return {
    kind: 'accepted',
    acceptedAfterMs: answer.handled.earliestMs,
    acceptedByMs: answer.handled.latestMs,
    httpStatus: answer.status,
    ...idsOf(answer),
  };
}

function refused(answer: Answer): RequestOutcome {
  return { kind: 'refused', httpStatus: answer.status, ...idsOf(answer) };
}

function notSent(retryAfterMs: number): RequestOutcome {
  return { kind: 'notSent', retryAfterMs };
}
