/** Takes an on-demand message: a run that is carried on at once, or a quarantine entry with every reason. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import { parseRotationRequest, type RotationRequest } from '../domain/rotation-request.ts';
import { describeTarget } from '../domain/targets.ts';
import { type AdvanceOutcome, advanceRun } from './advance-run.ts';
import type { Bounds, Deps } from './deps.ts';
import { quarantineId } from './quarantine-id.ts';
import { readMessage } from './read-message.ts';
import { requestRunId } from './request-run-id.ts';
import { type RequestStart, startRequest } from './start-request.ts';

/** A message as its queue delivers it. */
export interface RequestMessage {
  /** Its text, or the JSON value the host has made of it already. */
  readonly message: unknown;
  /** The queue's id of it, the same at every delivery; `undefined` when it came some other way. */
  readonly messageId: string | undefined;
}

export type AcceptOutcome =
  /** Kept for people, and done with. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[]; readonly quarantineId: string }
  | { readonly kind: 'accepted'; readonly runId: RunId; readonly isNew: boolean; readonly advance: AdvanceOutcome };

/** Where on-demand messages come from. */
export const REQUEST_QUEUE = 'rotation-requests';

/** Problems that are logged; quarantine has all. Chosen: what a person reads through. */
const PROBLEMS_LOGGED = 100;
/** What can be shown in one log field with room to spare. Source: `LONGEST_TEXT` of the logger. */
const LINE_LENGTH = 3_500;

/**
 * The same message, or another with the same `requestId` and targets, is the same run: a second delivery carries on what the first
 * left. A message that cannot be acted on is kept whole with all its problems; nothing of it is done.
 * @throws {StorageError} @throws {GraphError} when only people can help: the run is there, and the next delivery or tick carries it on.
 */
export async function acceptRequest(
  deps: Deps,
  { message, messageId }: RequestMessage,
  bounds: Bounds,
): Promise<AcceptOutcome> {
  const { text, key, body, duplicates } = readMessage(message);
  const refuse = (reasons: readonly string[], devices: readonly string[] = []) =>
    refuseRequest(deps, { text, key, messageId, reasons, devices });
  if (body === undefined) return refuse(['the message is neither JSON nor base64 of it']);
  const parsed = parseRotationRequest(body, deps.settings);
  if ('problems' in parsed) return refuse([...duplicates, ...parsed.problems]);
  if (duplicates.length > 0) return refuse(duplicates);

  const request = parsed.ok;
  const runId = requestRunId(request, { messageId, key });
  const started = await startOnDemand(deps, runId, request);
  if (started.kind === 'refused') return refuse([started.reason], request.targets.map(describeTarget));

  const { run, isNew } = started;
  const log = deps.logger.child({ runId });
  log.info(isNew ? 'request accepted' : 'request known already: its run is carried on', {
    mode: run.mode,
    targets: run.targets?.length,
  });
  const { tenantId, checkpoint } = run;
  const advance = await advanceRun({ ...deps, logger: log }, { tenantId, runId, checkpoint }, bounds);
  return { kind: 'accepted', runId, isNew, advance };
}

/** An app that is `off` takes no new request; one it has taken before stays a run, which waits. */
async function startOnDemand(deps: Deps, runId: RunId, request: RotationRequest): Promise<RequestStart> {
  const mode = deps.mode();
  if (mode !== 'off') return startRequest(deps, { runId, trigger: 'onDemand', mode, request });
  if ((await deps.ledger.readRun(runId)) !== undefined) {
    return startRequest(deps, { runId, trigger: 'onDemand', mode: 'dryRun', request });
  }
  return {
    kind: 'refused',
    reason:
      'ROTATION_MODE is off: no request is taken. Put it back with `npx keyturn requeue` once the mode is live or dryRun',
  };
}

async function refuseRequest(
  deps: Deps,
  refusal: {
    readonly text: string;
    readonly key: string;
    readonly messageId: string | undefined;
    readonly reasons: readonly string[];
    readonly devices: readonly string[];
  },
): Promise<AcceptOutcome> {
  const { text, key, messageId, reasons, devices } = refusal;
  const id = quarantineId(REQUEST_QUEUE, key);
  await deps.ledger.quarantine({ id, queue: REQUEST_QUEUE, reasons, message: text, devices, atMs: deps.clock.nowMs() });
  for (const line of linesOf(reasons)) {
    deps.logger.warn('request refused and kept in quarantine', { quarantineId: id, messageId, reason: line });
  }
  return { kind: 'refused', reasons, quarantineId: id };
}

/** The first hundred reasons, and how many more, in as few lines as hold them. */
function linesOf(reasons: readonly string[]): readonly string[] {
  const more = reasons.length - PROBLEMS_LOGGED;
  const told = more > 0 ? [...reasons.slice(0, PROBLEMS_LOGGED), `and ${more} more, in quarantine`] : reasons;
  const lines: string[] = [];
  for (const reason of told) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + reason.length < LINE_LENGTH) lines[lines.length - 1] = `${last}; ${reason}`;
    else lines.push(reason);
  }
  return lines;
}
