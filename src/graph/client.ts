/** Reads from Graph: the one loop that retries, above the pacer. Layer: graph. */
import type { GraphError, GraphErrorDetails } from '../domain/graph-error.ts';
import type { CallOptions } from '../domain/ports.ts';
import { classifyStatus, decideRetry, MAX_ATTEMPTS, MAX_FORBIDDEN_ATTEMPTS } from '../domain/retry.ts';
import type { GraphOperation } from './app-roles.ts';
import { type Answer, type Attempt, type AttemptDeps, createAttempts, type GraphRequest } from './attempt.ts';
import {
  badRequest,
  type ErrorContext,
  forbidden,
  malformed,
  notFound,
  outOfTime,
  unauthorized,
  unavailable,
  unexpectedStatus,
} from './errors.ts';
import { createPatience } from './patience.ts';
import { rolesOf } from './token-provider.ts';
import { jsonOf } from './wire.ts';

/** An answer whose body was JSON. */
export interface JsonAnswer {
  readonly answer: Answer;
  readonly json: unknown;
}

export interface GraphClient {
  /** One attempt, for requests that must not simply be repeated; see `Attempts`. */
  attempt(request: GraphRequest, options: CallOptions): Promise<Attempt>;
  /**
   * A read, repeated until it is answered, by `options.deadlineAtMs`: 429 as long as there is time; 5xx, 408 and network faults eight
   * times, within `options.retryForMs`; 403 and bodies that are no JSON (cut off, or a proxy's page) three times; 401 once, after a token refresh.
   * @returns the answer, 2xx or `request.alsoOk`.
   * @throws {GraphError} of every kind. @throws the signal's reason.
   */
  read(request: GraphRequest, options: CallOptions): Promise<JsonAnswer>;
  /** Where errors about that answer belong. */
  contextOf(operation: GraphOperation, answer?: Attempt): ErrorContext;
  /** The error for a 403 that is believed: it knows whether the token lacks the role. @throws {GraphError} kind `unauthorized`. */
  forbidden(context: ErrorContext, options: CallOptions): Promise<GraphError>;
}

/** Chosen: a cut-off body is a fault of the way, worth another try or two; one that stays is malformed. */
const MAX_GARBLED_ATTEMPTS = 3;

/** The ids people need to find an answer again. */
export function detailsOf(attempt: Attempt): GraphErrorDetails {
  return {
    clientRequestId: attempt.clientRequestId,
    ...(attempt.kind === 'answer' && attempt.requestId !== undefined ? { requestId: attempt.requestId } : {}),
  };
}

/** A client of one tenant. */
export function createGraphClient(deps: AttemptDeps): GraphClient {
  const { attempt } = createAttempts(deps);
  const { clock, graphRoot, meter, pacer, random } = deps;

  const contextOf = (operation: GraphOperation, answer?: Attempt): ErrorContext => ({
    operation,
    graphRoot,
    ...(answer === undefined ? {} : { details: detailsOf(answer) }),
  });

  const refusal = async (context: ErrorContext, options: CallOptions): Promise<GraphError> =>
    forbidden(context, rolesOf(await deps.tokens.getToken(options)));

  async function read(request: GraphRequest, options: CallOptions): Promise<JsonAnswer> {
    let faults = 0;
    let refusals = 0;
    let garbled = 0;
    let refreshed = false;
    const patienceEndsAtMs = createPatience(clock, options);

    /** Sleeps before the next attempt, or gives up with `error`. */
    async function backOff(
      attempts: number,
      maxAttempts: number,
      last: Attempt,
      error: () => Error | Promise<Error>,
      deadlineAtMs = options.deadlineAtMs,
    ): Promise<void> {
      const decision = decideRetry({
        attempts,
        maxAttempts,
        retryAfterMs: last.kind === 'answer' ? last.retryAfterMs : undefined,
        nowMs: clock.nowMs(),
        deadlineAtMs,
        random: random.next(),
      });
      // A 403 that there was no time to ask about again proves nothing.
      if (
        decision.kind === 'giveUp' &&
        decision.because === 'deadline' &&
        last.kind === 'answer' &&
        last.status === 403
      ) {
        throw outOfTime(contextOf(request.operation, last), decision.delayMs);
      }
      if (decision.kind === 'giveUp') throw await error();
      await clock.sleep(decision.delayMs, options.signal);
    }

    for (;;) {
      const last = await attempt(request, options);
      const context = contextOf(request.operation, last);
      if (last.kind === 'fault') {
        faults += 1;
        await backOff(faults, MAX_ATTEMPTS, last, () => unavailable(context, last), patienceEndsAtMs());
        meter.retried();
        continue;
      }
      switch (last.status === request.alsoOk ? 'ok' : classifyStatus(last.status)) {
        case 'ok': {
          const json = jsonOf(last.body);
          if (json !== undefined) return { answer: last, json };
          garbled += 1;
          await backOff(garbled, MAX_GARBLED_ATTEMPTS, last, () => malformed(context, '$', 'JSON'));
          break;
        }
        case 'unauthorized':
          if (refreshed) throw unauthorized(context);
          refreshed = true;
          await last.reauthorize(options);
          break;
        case 'forbidden':
          refusals += 1;
          await backOff(refusals, MAX_FORBIDDEN_ATTEMPTS, last, () => refusal(context, options));
          break;
        case 'throttled':
          // How long to wait is the pacer's business: every instance has to.
          await pacer.throttled(request.requestClass, last.retryAfterMs, last.sentAtMs);
          break;
        case 'transient':
          faults += 1;
          await backOff(faults, MAX_ATTEMPTS, last, () => unavailable(context, last), patienceEndsAtMs());
          break;
        case 'notFound':
          throw notFound(context, last.status);
        case 'refused':
          throw badRequest(context, last.status);
        case 'unexpected':
          throw unexpectedStatus(context, last.status);
      }
      meter.retried();
    }
  }

  return { attempt, read, contextOf, forbidden: refusal };
}
