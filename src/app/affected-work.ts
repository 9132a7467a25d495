/** What a quarantined message was about: its run, its slice, and the devices that people must know of. Layer: app. */
import { isGuid, type RunId, type SliceId } from '../domain/ids.ts';
import { jsonText } from '../domain/json-text.ts';
import { MessageError, parseContinuationMessage, parseSliceMessage } from '../domain/messages.ts';
import type { Rotation } from '../domain/rotation.ts';
import type { Run } from '../domain/run.ts';
import { scrub } from '../domain/scrub.ts';
import { abandonSlice } from './abandon-slice.ts';
import type { Deps } from './deps.ts';
import { finishUnowned } from './finish-run.ts';

export interface AffectedWork {
  /** What failed, and what became of it. */
  readonly reason: string;
  readonly runId?: RunId;
  readonly sliceId?: SliceId;
  /** Entra device ids, or targets in the request's words. */
  readonly devices: readonly string[];
}

/** Listed by id. Chosen: enough to see whom it concerns; the run's rows have them all. */
const MOST_LISTED = 1_000;
/** Characters of one target. Chosen: two GUIDs with their names fit. */
const TARGET_LENGTH = 250;

/** Gives up the look that nobody could do; everything else is only described. Doing it twice changes nothing. @throws {StorageError} */
export async function affectedWork(deps: Deps, queue: string, body: unknown): Promise<AffectedWork> {
  const slice = queue === 'encryption-states' ? ours(deps, () => parseSliceMessage(body)) : undefined;
  if (slice !== undefined) return affectedSlice(deps, slice);
  const continuation = queue === 'rotation-runs' ? ours(deps, () => parseContinuationMessage(body)) : undefined;
  if (continuation !== undefined) return affectedRun(deps, continuation.runId);
  if (queue === 'rotation-requests') return affectedRequest(body);
  return { reason: `a message of the queue ${queue} failed at every delivery`, devices: [] };
}

/** A look that another delivery has done meanwhile gives nothing up. */
async function affectedSlice(
  deps: Deps,
  { runId, sliceId, look }: ReturnType<typeof parseSliceMessage>,
): Promise<AffectedWork> {
  const failed = `looking at slice ${sliceId} failed at every delivery`;
  const slice = await deps.ledger.readSlice(runId, sliceId);
  if (slice?.value.look !== look) {
    return {
      reason: `${failed}; another delivery has done that look, and nothing is given up`,
      runId,
      sliceId,
      devices: [],
    };
  }
  const devices = await abandonSlice(deps, runId, sliceId);
  const run = await deps.ledger.readRun(runId);
  if (run?.value.state === 'settling') await finishUnowned(deps, runId);
  return { reason: `${failed}; the rotations it was to settle are abandoned`, runId, sliceId, devices };
}

/** Nothing is lost: the next tick carries the run on. */
async function affectedRun(deps: Deps, runId: RunId): Promise<AffectedWork> {
  const run = (await deps.ledger.readRun(runId))?.value;
  return {
    reason: 'carrying the run on failed at every delivery; the next tick of the timer tries again',
    runId,
    devices: run === undefined ? [] : await notAskedYet(deps, run),
  };
}

async function notAskedYet(deps: Deps, run: Run): Promise<readonly string[]> {
  if (run.state === 'planning') return listed((run.targets ?? []).map(inWords));
  if (run.abortReason !== undefined) return [];
  const rows: Rotation[] = [];
  for await (const { value } of deps.ledger.listSlices(run.runId, { state: 'again' })) {
    if (rows.length >= MOST_LISTED) break;
    rows.push(...(await deps.ledger.readRotationsAt(run.runId, value.orders)).map((row) => row.value));
  }
  const to = Math.min(run.due, run.nextOrder + MOST_LISTED);
  if (to > run.nextOrder) {
    rows.push(...(await deps.ledger.readRotations(run.runId, run.nextOrder, to)).map((row) => row.value));
  }
  const devices = rows.filter((row) => row.state === 'planned').map((row) => row.entraDeviceId ?? row.managedDeviceId);
  return listed(devices, Math.max(0, run.due - to));
}

/** `more`: besides those given. */
function listed(devices: readonly string[], more = 0): readonly string[] {
  const left = devices.length - MOST_LISTED + more;
  return devices.length + more <= MOST_LISTED ? devices : [...devices.slice(0, MOST_LISTED), `and ${left} more`];
}

function affectedRequest(body: unknown): AffectedWork {
  const requestId = member(body, 'requestId');
  return {
    reason: 'the request failed at every delivery',
    ...(isGuid(requestId) ? { runId: requestId.toLowerCase() as RunId } : {}),
    devices: targetsInWords(body),
  };
}

/** The targets of a request, as far as it has any: `deviceName LAPTOP-1`. At most 1,000, and how many more. */
export function targetsInWords(body: unknown): readonly string[] {
  const targets = member(body, 'targets');
  return Array.isArray(targets) ? listed(targets.map(inWords)) : [];
}

function inWords(target: unknown): string {
  const words =
    typeof target === 'object' && target !== null && !Array.isArray(target)
      ? Object.entries(target).map(([name, value]) => `${name} ${typeof value === 'string' ? value : jsonText(value)}`)
      : [jsonText(target)];
  return scrub(words.join(', ')).slice(0, TARGET_LENGTH).toWellFormed();
}

function member(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** `undefined` for what is none of ours, which may be why it is here: it is kept as it came. */
function ours<T extends { readonly tenantId: string }>(deps: Deps, parse: () => T): T | undefined {
  try {
    const message = parse();
    return message.tenantId === deps.settings.tenantId ? message : undefined;
  } catch (error) {
    if (error instanceof MessageError) return undefined;
    throw error;
  }
}
