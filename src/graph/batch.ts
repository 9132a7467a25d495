/** Reads many ids through JSON `$batch`: every part has its own status and its own retries. Layer: graph. */
import { assertNever } from '../domain/assert-never.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { Pacer } from '../domain/pacer.ts';
import type { CallOptions, Clock, Logger, Random } from '../domain/ports.ts';
import type { RequestClass } from '../domain/request-class.ts';
import { classifyStatus, decideRetry, MAX_ATTEMPTS, MAX_FORBIDDEN_ATTEMPTS } from '../domain/retry.ts';
import type { Reading, RequestTrace } from '../domain/tenant.ts';
import type { GraphOperation } from './app-roles.ts';
import type { Answer } from './attempt.ts';
import { BATCH_PARTLY_FAILED, batchBody, PARTS_PER_BATCH, type PartAnswer, parseBatch } from './batch-wire.ts';
import type { GraphClient, JsonAnswer } from './client.ts';
import { type ErrorContext, unauthorized } from './errors.ts';
import { createPatience } from './patience.ts';
import { type Route, routePath, routeUrl } from './routes.ts';
import type { Meter } from './usage.ts';

/** What to read for each id. */
export interface BatchPlan<Id extends string, T> {
  readonly operation: GraphOperation;
  readonly requestClass: RequestClass;
  /** All routes of a plan are of one version. */
  readonly route: (id: Id) => Route;
  /** @throws {GraphError} kind `malformed`. */
  readonly parse: (body: unknown, context: ErrorContext, at: readonly PropertyKey[]) => T;
}

export interface BatchDeps {
  readonly client: GraphClient;
  readonly graphRoot: string;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly version: string;
}

/** A part on its way: how often it failed, and how often it was refused. */
interface Pending<Id> {
  readonly id: Id;
  readonly faults: number;
  readonly refusals: number;
  readonly refreshed: boolean;
}

/** The reading, or how the part goes on and after how long. `forbidden`: a 403 that was asked about often enough. */
type Settled<Id, T> =
  | { readonly reading: Reading<T>; readonly forbidden?: true }
  | { readonly again: Pending<Id>; readonly delayMs: number };

/** Stands for the status of a part that never came. */
const NO_STATUS = 0;
const TOO_MANY_REQUESTS = 429;

export interface BatchReader {
  /**
   * One `Reading` for every id, twenty to a request or as many as the class's limit grants. Ids given twice are read once.
   * A part that is malformed, refused or not answered in time is `unreadable` with its status (0: it never came), so that one device
   * does not hold up the others; the log says what was malformed.
   * Faults of parts are asked about again within `options.retryForMs`.
   * @throws {GraphError} when the first batch as a whole is not answered; `malformed` when one makes no sense; `unauthorized`; `forbidden`
   * when every part was, whatever the token's roles.
   * @throws the signal's reason.
   */
  read<Id extends string, T>(
    plan: BatchPlan<Id, T>,
    ids: readonly Id[],
    options: CallOptions,
  ): Promise<Map<Id, Reading<T>>>;
}

/** Batches over one client. */
export function createBatchReader(deps: BatchDeps): BatchReader {
  const { client, clock, graphRoot, logger, meter, pacer, random } = deps;

  function send<Id extends string, T>(plan: BatchPlan<Id, T>, chunk: readonly Pending<Id>[], options: CallOptions) {
    const routes = chunk.map(({ id }) => routePath(plan.route(id)));
    const version = routes[0]?.version ?? 'v1.0';
    return client.read(
      {
        operation: plan.operation,
        method: 'POST',
        url: routeUrl(graphRoot, { to: 'batch', version }),
        body: batchBody(
          routes.map(({ path }) => path),
          `keyturn/${deps.version}`,
        ),
        demand: { [plan.requestClass]: chunk.length },
        requestClass: plan.requestClass,
        onAbort: 'abandon',
        alsoOk: BATCH_PARTLY_FAILED,
      },
      options,
    );
  }

  /** Decides what comes of one part. */
  function settle<Id extends string, T>(
    plan: BatchPlan<Id, T>,
    pending: Pending<Id>,
    part: PartAnswer | undefined,
    context: ErrorContext,
    options: CallOptions,
    patienceEndsAtMs: () => number,
  ): Settled<Id, T> {
    const status = part?.status ?? NO_STATUS;
    const unreadable = { reading: { kind: 'unreadable', status } } as const;
    const believed = { ...unreadable, forbidden: true } as const;
    const retry = (
      again: Pending<Id>,
      attempts: number,
      maxAttempts: number,
      deadlineAtMs = options.deadlineAtMs,
    ): Settled<Id, T> => {
      const decision = decideRetry({
        attempts,
        maxAttempts,
        retryAfterMs: part?.retryAfterMs,
        nowMs: clock.nowMs(),
        deadlineAtMs,
        random: random.next(),
      });
      if (decision.kind === 'retry') return { again, delayMs: decision.delayMs };
      return status === 403 && decision.because === 'attempts' ? believed : unreadable;
    };
    const faults = pending.faults + 1;
    if (part === undefined || status === BATCH_PARTLY_FAILED) {
      return retry({ ...pending, faults }, faults, MAX_ATTEMPTS, patienceEndsAtMs());
    }
    const answer = classifyStatus(status);
    switch (answer) {
      case 'ok':
        return { reading: parsed(plan, part, context) };
      case 'notFound':
        return { reading: { kind: 'gone' } };
      case 'unauthorized':
        if (pending.refreshed) throw unauthorized(context);
        return { again: { ...pending, refreshed: true }, delayMs: 0 };
      case 'forbidden': {
        const refusals = pending.refusals + 1;
        return retry({ ...pending, refusals }, refusals, MAX_FORBIDDEN_ATTEMPTS);
      }
      case 'throttled':
        // The pacer makes everybody wait; the part's own floor holds besides.
        return retry(pending, 1, Number.POSITIVE_INFINITY);
      case 'transient':
        return retry({ ...pending, faults }, faults, MAX_ATTEMPTS, patienceEndsAtMs());
      case 'refused':
      case 'unexpected':
        return unreadable;
      default:
        return assertNever(answer, 'answer class');
    }
  }

  function parsed<Id extends string, T>(plan: BatchPlan<Id, T>, part: PartAnswer, context: ErrorContext): Reading<T> {
    try {
      return { kind: 'found', value: plan.parse(part.body, context, part.at), ...traceOf(context) };
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      logger.warn(error.message, { route: plan.operation, errorKind: error.kind, requestId: error.requestId });
      return { kind: 'unreadable', status: part.status };
    }
  }

  /** Tells the pacer and the token provider what the parts said. */
  async function report(
    plan: { readonly requestClass: RequestClass },
    parts: readonly (PartAnswer | undefined)[],
    answer: Answer,
    options: CallOptions,
  ): Promise<void> {
    const throttled = parts.filter((part) => part?.status === TOO_MANY_REQUESTS);
    if (throttled.length > 0) {
      for (const _ of throttled) meter.throttled();
      const waits = throttled.map((part) => part?.retryAfterMs).filter((ms) => ms !== undefined);
      await pacer.throttled(plan.requestClass, waits.length === 0 ? undefined : Math.max(...waits), answer.sentAtMs);
    }
    if (parts.some((part) => part?.status === 401)) await answer.reauthorize(options);
  }

  async function read<Id extends string, T>(
    plan: BatchPlan<Id, T>,
    ids: readonly Id[],
    options: CallOptions,
  ): Promise<Map<Id, Reading<T>>> {
    const readings = new Map<Id, Reading<T>>();
    const size = Math.max(1, Math.min(PARTS_PER_BATCH, Math.floor(pacer.limitOf(plan.requestClass))));
    let waiting: readonly Pending<Id>[] = [...new Set(ids)].map((id) => ({
      id,
      faults: 0,
      refusals: 0,
      refreshed: false,
    }));
    let context = client.contextOf(plan.operation);
    let refusals = 0;
    const patienceEndsAtMs = createPatience(clock, options);

    while (waiting.length > 0) {
      const again: Pending<Id>[] = [];
      let readyAtMs = 0;
      for (let from = 0; from < waiting.length; from += size) {
        const chunk = waiting.slice(from, from + size);
        let answered: JsonAnswer;
        try {
          answered = await send(plan, chunk, options);
        } catch (error) {
          const status = statusOfGivingUp(error);
          if (status === undefined || readings.size + again.length === 0) throw error;
          // What was read so far is worth keeping; the rest is looked at another time.
          for (const { id } of [...again, ...waiting.slice(from)]) readings.set(id, { kind: 'unreadable', status });
          return readings;
        }
        context = client.contextOf(plan.operation, answered.answer);
        const parts = parseBatch(answered, chunk.length, clock.nowMs(), context);
        await report(plan, parts, answered.answer, options);
        for (const [i, pending] of chunk.entries()) {
          const next = settle(plan, pending, parts[i], context, options, patienceEndsAtMs);
          if ('reading' in next) {
            readings.set(pending.id, next.reading);
            if (next.forbidden) refusals += 1;
          } else {
            again.push(next.again);
            readyAtMs = Math.max(readyAtMs, clock.nowMs() + next.delayMs);
            meter.retried();
          }
        }
      }
      waiting = again;
      // Each wait counts from its own answer: what later batches of the round took is no longer to be waited for.
      if (waiting.length > 0) await clock.sleep(readyAtMs - clock.nowMs(), options.signal);
    }

    if (refusals > 0 && refusals === readings.size) throw await client.forbidden(context, options);
    return readings;
  }

  return { read };
}

/** The ids of the batch, for every reading it brought. */
function traceOf({ details }: ErrorContext): { readonly trace?: RequestTrace } {
  if (details === undefined) return {};
  const { requestId, clientRequestId } = details;
  return {
    trace: {
      ...(requestId === undefined ? {} : { requestId }),
      ...(clientRequestId === undefined ? {} : { clientRequestId }),
    },
  };
}

/** The status to put on the parts of a batch that was given up as a whole; `undefined` for faults that concern more than this batch. */
function statusOfGivingUp(error: unknown): number | undefined {
  if (!(error instanceof GraphError)) return undefined;
  if (error.kind === 'throttled') return TOO_MANY_REQUESTS;
  return error.kind === 'unavailable' ? (error.status ?? NO_STATUS) : undefined;
}
