/** The only place where functions and use cases meet: one method a function, one summary line an invocation. Layer: wiring. */
import { acceptRequest } from './app/accept-request.ts';
import { type AdvanceOutcome, advanceRun } from './app/advance-run.ts';
import type { Bounds, Deps } from './app/deps.ts';
import type { Invocation } from './app/invocation.ts';
import { type Delivery, forgetFault, noteDelivery, noteFault } from './app/note-fault.ts';
import { quarantineMessage } from './app/quarantine-message.ts';
import { recordSlice } from './app/record-slice.ts';
import { countRun } from './app/run-counts.ts';
import { scheduledTick } from './app/scheduled-tick.ts';
import { readEnvironment } from './config.ts';
import { errorFields } from './domain/error-fields.ts';
import type { RunId, SliceId } from './domain/ids.ts';
import type { InvocationOutcome, InvocationSummary } from './domain/invocation-summary.ts';
import { decodeMessageBody } from './domain/message-body.ts';
import { MessageError, parseContinuationMessage, parseSliceMessage } from './domain/messages.ts';
import type { StateCounts } from './domain/run.ts';
import { createServices, type Services, type ServicesOptions } from './services.ts';
import { createLogger } from './system/logger.ts';
import { summaryLine } from './system/summary-line.ts';

/** What the functions call. Every method throws to have its message delivered again, and returns to be done. */
export interface Keyturn {
  scheduledRotation(invocation: Invocation): Promise<void>;
  continueRotation(message: unknown, invocation: Invocation): Promise<void>;
  /** `messageId`: the queue's id of the message, when the host tells. */
  rotateOnDemand(message: unknown, messageId: string | undefined, invocation: Invocation): Promise<void>;
  recordEncryptionState(message: unknown, invocation: Invocation): Promise<void>;
  quarantine(queueName: string, message: unknown, invocation: Invocation): Promise<void>;
  /** Graceful stop: takes no more work, saves checkpoints; resolves when every invocation has ended. */
  stop(): Promise<void>;
}

/** What a use case did, for the summary line. */
interface Done {
  readonly outcome: InvocationOutcome;
  readonly runId?: RunId;
  readonly sliceId?: SliceId;
  readonly counts?: StateCounts;
}

/** Never throws: settings are read at the first invocation, and while they are bad every invocation says what is wrong with them. */
export function createKeyturn(options: ServicesOptions): Keyturn {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  let services: Services | undefined;

  /** `delivery`: the message whose quarantine entry would want to know what goes wrong. */
  async function invoke(
    invocation: Invocation,
    work: (deps: Deps, bounds: Bounds) => Promise<Done>,
    delivery?: Delivery,
  ): Promise<void> {
    const { functionName, invocationId } = invocation;
    const bindings = { functionName, invocationId };
    try {
      services ??= createServices(options);
    } catch (error) {
      createLogger({ level: 'info', write: invocation.write, bindings }).error(
        'nothing is done until the settings are right',
        errorFields(error),
      );
      throw error;
    }
    const { settings, clock } = services;
    const logger = createLogger({
      level: settings.logLevel,
      write: invocation.write,
      bindings: { ...bindings, tenantId: settings.tenantId },
    });
    const { deps, usage } = services.invocation(logger);
    const startedAtMs = clock.nowMs();
    const summarize = (done: Done): InvocationSummary => ({
      functionName,
      tenantId: settings.tenantId,
      ...(done.runId === undefined ? {} : { runId: done.runId }),
      ...(done.sliceId === undefined ? {} : { sliceId: done.sliceId }),
      outcome: done.outcome,
      counts: done.counts ?? {},
      ...usage(),
      durationMs: clock.nowMs() - startedAtMs,
    });
    try {
      stopping.signal.throwIfAborted();
      await services.ready();
      const isRepeated = (invocation.dequeueCount ?? 1) > 1;
      if (delivery !== undefined && isRepeated) await noteDelivery(deps, delivery);
      const done = await work(deps, { deadlineAtMs: startedAtMs + settings.timeBudgetMs, signal: stopping.signal });
      if (delivery !== undefined && isRepeated) await forgetFault(deps, delivery);
      summaryLine(logger, summarize(done));
    } catch (error) {
      logger.error('the invocation failed; its message will be delivered again', errorFields(error));
      // The end of the host is no fault of the message.
      if (delivery !== undefined && error !== stopping.signal.reason) await noteFault(deps, delivery, error);
      summaryLine(logger, summarize({ outcome: 'faulted' }));
      throw error;
    }
  }

  function tracked(work: Promise<void>): Promise<void> {
    running.add(work);
    return work.finally(() => running.delete(work));
  }

  return {
    scheduledRotation: (invocation) =>
      tracked(
        invoke(invocation, async (deps) => {
          const { runId } = await scheduledTick(deps);
          return { outcome: runId === undefined ? 'done' : 'handedOver', ...(runId === undefined ? {} : { runId }) };
        }),
      ),
    continueRotation: (message, invocation) =>
      tracked(
        invoke(
          invocation,
          async (deps, bounds) => {
            const parsed = ours(deps, parseContinuationMessage(bodyOf(message)));
            const logger = deps.logger.child({ runId: parsed.runId });
            return doneWith(deps, parsed.runId, await advanceRun({ ...deps, logger }, parsed, bounds));
          },
          { queue: 'rotation-runs', message },
        ),
      ),
    rotateOnDemand: (message, messageId, invocation) =>
      tracked(
        invoke(
          invocation,
          async (deps, bounds) => {
            const accepted = await acceptRequest(deps, { message, messageId }, bounds);
            return accepted.kind === 'refused' ? { outcome: 'done' } : doneWith(deps, accepted.runId, accepted.advance);
          },
          { queue: 'rotation-requests', message, messageId },
        ),
      ),
    recordEncryptionState: (message, invocation) =>
      tracked(
        invoke(
          invocation,
          async (deps, bounds) => {
            const parsed = ours(deps, parseSliceMessage(bodyOf(message)));
            const logger = deps.logger.child({ runId: parsed.runId, sliceId: parsed.sliceId, look: parsed.look });
            await recordSlice({ ...deps, logger }, parsed, bounds);
            const slice = await deps.ledger.readSlice(parsed.runId, parsed.sliceId);
            const isOpen = slice?.value.state === 'open';
            const { runId, sliceId } = parsed;
            return { outcome: isOpen ? 'handedOver' : 'done', runId, sliceId, counts: slice?.value.counts ?? {} };
          },
          { queue: 'encryption-states', message },
        ),
      ),
    quarantine: (queueName, message, invocation) =>
      tracked(
        invoke(invocation, async (deps) => {
          await quarantineMessage(deps, queueName, message);
          return { outcome: 'done' };
        }),
      ),
    stop: async () => {
      if (!stopping.signal.aborted) stopping.abort(new Error('the host is stopping'));
      await Promise.allSettled([...running]);
      await services?.pacer.flush();
    },
  };
}

async function doneWith({ ledger }: Deps, runId: RunId, outcome: AdvanceOutcome): Promise<Done> {
  const run = await ledger.readRun(runId);
  const counts = run === undefined ? {} : (await countRun(ledger, run.value)).states;
  return { outcome: outcome.kind === 'handedBack' || outcome.kind === 'busy' ? 'handedOver' : 'done', runId, counts };
}

/** The host hands over an object when the body was JSON, else the text; people and other tools send base64 too. */
function bodyOf(message: unknown): unknown {
  return typeof message === 'string' ? decodeMessageBody(message) : message;
}

/** @throws {MessageError} for a message of another tenant: it is delivered again, and at last quarantined. */
function ours<T extends { readonly tenantId: string }>(deps: Deps, message: T): T {
  if (message.tenantId === deps.settings.tenantId) return message;
  throw new MessageError(`tenantId must be ${deps.settings.tenantId}, the tenant of this app, got ${message.tenantId}`);
}

let memoised: Keyturn | undefined;

/** The app of this process, from its environment. */
export function keyturn(): Keyturn {
  memoised ??= createKeyturn({ environment: readEnvironment() });
  return memoised;
}
