/** Decides what can be done about a quarantined message, for each of the three queues. Changes nothing by itself. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import type { QuarantineEntry } from '../domain/ledger.ts';
import { MessageError, parseContinuationMessage, parseSliceMessage } from '../domain/messages.ts';
import { parseRotationRequest } from '../domain/rotation-request.ts';
import type { Run, Slice } from '../domain/run.ts';
import { REDACTED } from '../domain/scrub.ts';
import type { Deps } from './deps.ts';
import { derivedGuid } from './derived-guid.ts';
import { readMessage } from './read-message.ts';
import { whyTaken } from './start-request.ts';
import { countTakeable, type GivenUpSlice, givenUpSlice, takeUpSlice } from './take-up-slice.ts';

/** What is to become of an entry. */
export interface Decision {
  /** `requeued`: the work can go on. `settled`: there is nothing left to do. `stays`: it cannot be put back as it is. */
  readonly outcome: 'requeued' | 'settled' | 'stays';
  /** What happens to it, or why nothing does. */
  readonly message: string;
  /** The run that carries the work on. */
  readonly runId?: RunId;
  /** How many devices it takes up. */
  readonly devices?: number;
}

/** A decision, how it is done, and whether somebody must. */
export interface Decided extends Decision {
  /** With `requeued`: does it. Doing it twice is doing it once. */
  readonly act?: () => Promise<unknown>;
  /** With `requeued`: a run that has not ended, or requests that may still take effect, depend on it. */
  readonly holdsWork?: true;
}

/** @throws {StorageError} */
export async function decideRequeue(deps: Deps, entry: QuarantineEntry): Promise<Decided> {
  switch (entry.queue) {
    case 'rotation-requests':
      return decideRequest(deps, entry);
    case 'rotation-runs':
      return decideRun(deps, entry);
    case 'encryption-states':
      return decideSlice(deps, entry);
    default:
      return stays(`no queue of this app is called ${entry.queue}`);
  }
}

/** Why it cannot be put back; `undefined` when it can. Fewer reads than deciding: devices are not counted. @throws {StorageError} */
export async function whyItStays(deps: Deps, entry: QuarantineEntry): Promise<string | undefined> {
  if (entry.queue === 'encryption-states') {
    const found = await findSlice(deps, entry);
    return 'stays' in found ? found.stays : undefined;
  }
  const { outcome, message } = await decideRequeue(deps, entry);
  return outcome === 'stays' ? message : undefined;
}

function stays(message: string): Decided {
  return { outcome: 'stays', message };
}

/**
 * A request that would be refused again is not sent again; one whose run exists is carried on by it, so that nobody is asked twice. The
 * run of a request without an id of its own is the one that its deliveries had.
 */
async function decideRequest(deps: Deps, entry: QuarantineEntry): Promise<Decided> {
  if (entry.message.includes(REDACTED)) {
    return stays('what was redacted in it is kept nowhere; send a corrected request');
  }
  const { body, duplicates } = readMessage(entry.message);
  const parsed =
    body === undefined
      ? { problems: ['the message is neither JSON nor base64 of it'] }
      : parseRotationRequest(body, deps.settings);
  const problems = [...duplicates, ...('problems' in parsed ? parsed.problems : [])];
  if ('problems' in parsed || problems.length > 0) {
    const [first, ...more] = problems;
    return stays(
      `it would be refused again: ${first}${more.length === 0 ? '' : ` (and ${more.length} more)`}; send a corrected request`,
    );
  }
  const mode = deps.mode();
  if (mode === 'off') return stays('it would be refused again: ROTATION_MODE is off');
  const request = { targets: parsed.ok.targets, mode };
  const { requestId } = parsed.ok;
  if (requestId === undefined && entry.runId !== undefined) {
    const run = (await deps.ledger.readRun(entry.runId))?.value;
    // One that was planned as a dry run cannot be sent: the request gets a run of its own.
    if (run !== undefined && whyTaken(run, request) === undefined) return goOn(deps, run);
  }
  const { text, runId } =
    requestId === undefined ? named(entry, body as object) : { text: entry.message, runId: requestId };
  const run = runId === undefined ? undefined : (await deps.ledger.readRun(runId))?.value;
  if (run !== undefined) {
    const taken = whyTaken(run, request);
    return taken === undefined ? goOn(deps, run) : stays(`it would be refused again: ${taken}`);
  }
  return {
    outcome: 'requeued',
    message:
      mode === 'live'
        ? `the request goes back on ${entry.queue}`
        : `the request goes back on ${entry.queue}, to be planned as a dry run: ROTATION_MODE is dryRun, and nothing of it is sent, then or later`,
    ...(runId === undefined ? {} : { runId }),
    act: () => deps.queues.sendRequest(text, 0),
  };
}

/** Source: Put Message, "up to 64 KiB in size" (read 2026-11-22). */
const MESSAGE_BYTES = 65_536;

/**
 * A request without an id of its own gets one from its entry, so that putting it back twice is one run. One that has no room for it goes
 * back as it is: its devices' claims, and the hour between two requests, keep it from being done twice.
 */
function named(entry: QuarantineEntry, body: object): { readonly text: string; readonly runId?: RunId } {
  const requestId = derivedGuid(`${entry.id} ${entry.atMs}`);
  const text = JSON.stringify({ requestId, ...body });
  return Buffer.byteLength(text) > MESSAGE_BYTES ? { text: entry.message } : { text, runId: requestId as RunId };
}

/** The run may have moved on since: it is carried on from where it is now. */
async function decideRun(deps: Deps, entry: QuarantineEntry): Promise<Decided> {
  const { runId } = entry;
  if (runId === undefined) return stays(whyNotOurs(deps, entry, parseContinuationMessage));
  const run = (await deps.ledger.readRun(runId))?.value;
  if (run === undefined) return stays(`the ledger knows no run ${runId}`);
  return goOn(deps, run);
}

function goOn(deps: Deps, { tenantId, runId, checkpoint, state, abortReason }: Run): Decided {
  if (state === 'aborted') {
    const why = abortReason === undefined ? '' : ` (${abortReason})`;
    return { outcome: 'settled', message: `run ${runId} was aborted${why}; ask anew for what it left`, runId };
  }
  if (state === 'completed') {
    return { outcome: 'settled', message: `run ${runId} has ended meanwhile; there was nothing left to do`, runId };
  }
  return {
    outcome: 'requeued',
    message: `run ${runId} is carried on from where it stands`,
    runId,
    holdsWork: true,
    act: () => deps.queues.sendContinuation({ tenantId, runId, checkpoint }, 0),
  };
}

async function decideSlice(deps: Deps, entry: QuarantineEntry): Promise<Decided> {
  const found = await findSlice(deps, entry);
  if ('stays' in found) return stays(found.stays);
  const { slice, stored } = found;
  if (stored.state !== 'closed') {
    return { outcome: 'settled', message: `run ${slice.runId} goes on looking at slice ${slice.sliceId} by itself` };
  }
  const devices = await countTakeable(deps, slice);
  if (devices === 0) {
    return {
      outcome: 'settled',
      message: 'no request of the slice is pending any more; there was nothing left to look at',
    };
  }
  return {
    outcome: 'requeued',
    message: `run ${slice.newRunId} looks again at what slice ${slice.sliceId} of run ${slice.runId} gave up; nobody is asked twice`,
    runId: slice.newRunId,
    devices,
    holdsWork: true,
    act: () => takeUpSlice(deps, slice),
  };
}

async function findSlice(
  deps: Deps,
  entry: QuarantineEntry,
): Promise<{ readonly slice: GivenUpSlice; readonly stored: Slice } | { readonly stays: string }> {
  const slice = givenUpSlice(entry);
  if (slice === undefined) return { stays: whyNotOurs(deps, entry, parseSliceMessage) };
  const stored = (await deps.ledger.readSlice(slice.runId, slice.sliceId))?.value;
  return stored === undefined
    ? { stays: `the ledger knows no slice ${slice.sliceId} of run ${slice.runId}` }
    : { slice, stored };
}

/** Why a message names no run of ours. */
function whyNotOurs(
  deps: Deps,
  entry: QuarantineEntry,
  parse: (body: unknown) => { readonly tenantId: string },
): string {
  try {
    const { tenantId } = parse(readMessage(entry.message).body);
    return `it is a message of tenant ${tenantId}, and this app's is ${deps.settings.tenantId}`;
  } catch (error) {
    if (error instanceof MessageError) return `nobody can act on it: ${error.message}`;
    throw error;
  }
}
