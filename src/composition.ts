/** The only place where functions and use cases meet: one method a function, one summary line an invocation. Layer: wiring. */
import { advanceRun } from './app/advance-run.ts';
import type { Bounds, Deps } from './app/deps.ts';
import type { Invocation } from './app/invocation.ts';
import { quarantineMessage } from './app/quarantine-message.ts';
import { recordSlice } from './app/record-slice.ts';
import { countRun } from './app/run-counts.ts';
import { scheduledTick } from './app/scheduled-tick.ts';
import { readEnvironment } from './config.ts';
import { errorFields } from './domain/error-fields.ts';
import type { RunId } from './domain/ids.ts';
import type { InvocationOutcome, InvocationSummary } from './domain/invocation-summary.ts';
import { MessageError, parseContinuationMessage, parseSliceMessage } from './domain/messages.ts';
import type { StateCounts } from './domain/run.ts';
import { createServices, type Services, type ServicesOptions } from './services.ts';
import { decodeMessageBody } from './storage/message-body.ts';
import { createLogger } from './system/logger.ts';
import { summaryLine } from './system/summary-line.ts';

/** What the functions call. Every method throws to have its message delivered again, and returns to be done. */
export interface Keyturn {
  scheduledRotation(invocation: Invocation): Promise<void>;
  continueRotation(message: unknown, invocation: Invocation): Promise<void>;
  recordEncryptionState(message: unknown, invocation: Invocation): Promise<void>;
  quarantine(queueName: string, message: unknown, invocation: Invocation): Promise<void>;
  /** Graceful stop: takes no more work, saves checkpoints; resolves when every invocation has ended. */
  stop(): Promise<void>;
}

/** What a use case did, for the summary line. */
interface Done {
  readonly outcome: InvocationOutcome;
  readonly runId?: RunId;
  readonly counts?: StateCounts;
}

/** Never throws: settings are read at the first invocation, and while they are bad every invocation says what is wrong with them. */
export function createKeyturn(options: ServicesOptions): Keyturn {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  let services: Services | undefined;

  async function invoke(invocation: Invocation, work: (deps: Deps, bounds: Bounds) => Promise<Done>): Promise<void> {
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
      outcome: done.outcome,
      counts: done.counts ?? {},
      ...usage(),
      durationMs: clock.nowMs() - startedAtMs,
    });
    try {
      stopping.signal.throwIfAborted();
      await services.ready();
      const done = await work(deps, { deadlineAtMs: startedAtMs + settings.timeBudgetMs, signal: stopping.signal });
      summaryLine(logger, summarize(done));
    } catch (error) {
      logger.error('the invocation failed; its message will be delivered again', errorFields(error));
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
        invoke(invocation, async (deps, bounds) => {
          const parsed = ours(deps, parseContinuationMessage(bodyOf(message)));
          const logger = deps.logger.child({ runId: parsed.runId });
          const outcome = await advanceRun({ ...deps, logger }, parsed, bounds);
          const run = await deps.ledger.readRun(parsed.runId);
          const counts = run === undefined ? {} : (await countRun(deps.ledger, run.value)).states;
          return {
            outcome: outcome.kind === 'handedBack' || outcome.kind === 'busy' ? 'handedOver' : 'done',
            runId: parsed.runId,
            counts,
          };
        }),
      ),
    recordEncryptionState: (message, invocation) =>
      tracked(
        invoke(invocation, async (deps, bounds) => {
          const parsed = ours(deps, parseSliceMessage(bodyOf(message)));
          const logger = deps.logger.child({ runId: parsed.runId, sliceId: parsed.sliceId, look: parsed.look });
          await recordSlice({ ...deps, logger }, parsed, bounds);
          const slice = await deps.ledger.readSlice(parsed.runId, parsed.sliceId);
          const isOpen = slice?.value.state === 'open';
          return { outcome: isOpen ? 'handedOver' : 'done', runId: parsed.runId, counts: slice?.value.counts ?? {} };
        }),
      ),
    quarantine: (queueName, message, invocation) =>
      tracked(
        invoke(invocation, async (deps) => {
          await quarantineMessage(deps, queueName, decoded(message));
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

/** The host hands over an object when the body was JSON, else the text; people and other tools send base64 too. */
function bodyOf(message: unknown): unknown {
  return typeof message === 'string' ? decodeMessageBody(message) : message;
}

/** What cannot be decoded is kept as it came. */
function decoded(message: unknown): unknown {
  try {
    return bodyOf(message);
  } catch (error) {
    if (error instanceof MessageError) return message;
    throw error;
  }
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
