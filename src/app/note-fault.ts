/** Remembers why a delivery failed, for the quarantine entry that may follow: the poison queue brings the message alone. Layer: app. */
import { errorFields } from '../domain/error-fields.ts';
import type { RunId } from '../domain/ids.ts';
import { parseRotationRequest } from '../domain/rotation-request.ts';
import { scrub } from '../domain/scrub.ts';
import type { Deps } from './deps.ts';
import { quarantineId } from './quarantine-id.ts';
import { readMessage } from './read-message.ts';
import { requestRunId } from './request-run-id.ts';

/** A delivery from a queue. */
export interface Delivery {
  readonly queue: string;
  readonly message: unknown;
  /** The queue's id of it, the same at every delivery; the poison queue has another. `undefined` when the host does not tell. */
  readonly messageId?: string | undefined;
}

type NoteDeps = Pick<Deps, 'ledger' | 'logger' | 'settings'>;

/** What is told of deliveries that left no error. */
export const NO_FAULT =
  'no delivery left an error: the process may have died each time, or storage could not be reached';

/** Never throws: a note that cannot be written is logged, and hides no fault. */
export function noteFault(deps: NoteDeps, delivery: Delivery, error: unknown): Promise<void> {
  return bestEffort(deps, 'the fault could not be noted for the quarantine', () =>
    deps.ledger.noteFault(idOf(delivery), { fault: inWords(error), ...runOf(deps, delivery) }),
  );
}

/**
 * For another delivery of a request, before it is worked on: if the process dies, quarantine knows the run all the same, and putting the
 * request back carries that run on instead of making a second one. Never throws.
 */
export function noteDelivery(deps: NoteDeps, delivery: Delivery): Promise<void> {
  return bestEffort(deps, 'the run of a request could not be noted for the quarantine', async () => {
    const run = runOf(deps, delivery);
    const id = idOf(delivery);
    const before = run.runId === undefined ? undefined : await deps.ledger.readFault(id);
    if (run.runId === undefined || before?.runId === run.runId) return;
    await deps.ledger.noteFault(id, { fault: before?.fault ?? NO_FAULT, ...run });
  });
}

/** For a delivery that went well after one that failed. Never throws. */
export function forgetFault(deps: NoteDeps, delivery: Delivery): Promise<void> {
  return bestEffort(deps, 'the note of a fault that has passed could not be deleted', () =>
    deps.ledger.forgetFault(idOf(delivery)),
  );
}

function idOf({ queue, message }: Delivery): string {
  return quarantineId(queue, readMessage(message).key);
}

/** The run that a request makes, or has made. */
function runOf({ settings }: NoteDeps, { queue, message, messageId }: Delivery): { readonly runId?: RunId } {
  if (queue !== 'rotation-requests') return {};
  const { body, key } = readMessage(message);
  const parsed = parseRotationRequest(body, settings);
  return 'ok' in parsed ? { runId: requestRunId(parsed.ok, { messageId, key }) } : {};
}

async function bestEffort({ logger }: NoteDeps, otherwise: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    logger.warn(otherwise, errorFields(error));
  }
}

/** As much as may be printed: of a foreign error its class and code, since its message may quote a URL or a body. */
function inWords(error: unknown): string {
  const { error: name, code, errorMessage } = errorFields(error);
  const kind = code === undefined ? String(name) : `${String(name)} (${String(code)})`;
  return errorMessage === undefined ? `${kind}; the log tells when` : scrub(`${kind}: ${String(errorMessage)}`);
}
