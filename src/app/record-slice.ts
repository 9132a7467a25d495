/** Looks at a slice: reads what its rotations still need and no more, moves each on, and plans the next look. Layer: app. */
import { errorFields } from '../domain/error-fields.ts';
import { hasRotatedWithoutKey } from '../domain/fleet/rotated-without-key.ts';
import { GraphError, type GraphErrorKind } from '../domain/graph-error.ts';
import type { Versioned } from '../domain/ledger.ts';
import type { Look } from '../domain/look.ts';
import type { SliceMessage } from '../domain/messages.ts';
import { observe } from '../domain/observe.ts';
import type { CallOptions } from '../domain/ports.ts';
import { isTerminal, type Rotation } from '../domain/rotation.ts';
import { type Run, type Slice, sliceIdOf } from '../domain/run.ts';
import { type Bounds, callOptions, type Deps } from './deps.ts';
import { finishUnowned } from './finish-run.ts';
import { notifyDanger } from './notify/notify-run.ts';
import { recordOutcomes } from './outcomes.ts';
import { readLooks } from './read-looks.ts';
import { recordToGraph } from './record-to-graph.ts';
import { isLeased } from './run-lease.ts';
import { giveBackClaims, settleClaims } from './settle-claims.ts';
import { countRotations, sendLook } from './slice-rows.ts';
import { messageDelayMs, waitAfterMs } from './wait-after.ts';

/** A message this early is a duplicate of one that will come on time, unless clocks differ by more. */
const EARLY_MS = 2_000;
/** Long enough for the last two writes of a block. */
const SLICE_IS_WRITTEN_MS = 2_000;
/** While a device cannot be read at its last look, it is looked at again this often. */
const UNREADABLE_RETRY_MS = 3_600_000;
/** And at most this often. Chosen: a day. */
const EXTRA_LOOKS = 24;

/** What a later look may find mended, a role that was missing among them. */
const PASSING: ReadonlySet<GraphErrorKind> = new Set(['throttled', 'unavailable', 'unauthorized', 'forbidden']);

/** `done`: nothing more to do for this message. `looked`: a look was recorded. `later`: the look was put off. */
export type SliceProgress = 'done' | 'looked' | 'later';

/** @throws {StorageError} to be delivered again. */
export async function recordSlice(deps: Deps, message: SliceMessage, bounds: Bounds): Promise<SliceProgress> {
  const found = await deps.ledger.readRun(message.runId);
  if (found === undefined) return 'done';
  const run = found.value;
  const slice = await readSliceSoon(deps, run, message, bounds);
  // Its owner died before the slice was written: whoever carries the run on writes it, and sends a new message.
  if (slice === undefined) return 'done';
  if (slice.value.state !== 'open' || message.look < slice.value.look) {
    if (run.state === 'settling') await finishUnowned(deps, run.runId);
    return 'done';
  }
  // Too early for the look it names: a duplicate, since the look's own message becomes visible when it falls due.
  if (slice.value.dueAtMs - deps.ledger.serverNowMs() > EARLY_MS) return 'done';
  let isComplete: boolean;
  try {
    isComplete = await lookAtSlice(deps, run, slice, bounds);
  } catch (error) {
    const retryMs = laterThan(deps, bounds, error);
    if (retryMs === undefined) throw error;
    deps.logger.warn('Graph could not be asked about this slice; looking again later', {
      ...errorFields(error),
      retryAfterMs: retryMs,
    });
    await putOff(deps, run, slice, messageDelayMs(retryMs));
    return 'later';
  }
  const after = await deps.ledger.readRun(run.runId);
  if (after?.value.state === 'settling') await finishUnowned(deps, run.runId);
  return isComplete ? 'looked' : 'later';
}

/** A block's message may overtake the writing of its slice by a moment. */
async function readSliceSoon(
  deps: Deps,
  run: Run,
  message: SliceMessage,
  bounds: Bounds,
): Promise<Versioned<Slice> | undefined> {
  const slice = await deps.ledger.readSlice(run.runId, message.sliceId);
  if (slice !== undefined || !isLeased(run, deps.ledger.serverNowMs())) return slice;
  await deps.clock.sleep(SLICE_IS_WRITTEN_MS, bounds.signal);
  return deps.ledger.readSlice(run.runId, message.sliceId);
}

/** The same look, later. Of several deliveries one writes, and only that one sends. */
async function putOff(deps: Deps, run: Run, slice: Versioned<Slice>, delayMs: number): Promise<void> {
  const later = { ...slice.value, dueAtMs: deps.ledger.serverNowMs() + delayMs };
  if (await deps.ledger.writeSlices(run.runId, [{ slice: later, version: slice.version }]))
    await sendLook(deps, run, later);
}

/** Faults that pass: the message comes back then. Everything else is for redelivery, and at last for quarantine. */
function laterThan(deps: Deps, bounds: Bounds, error: unknown): number | undefined {
  if (bounds.signal.aborted && error === bounds.signal.reason) return 0;
  if (!(error instanceof GraphError)) return undefined;
  return PASSING.has(error.kind) ? waitAfterMs(deps, error) : undefined;
}

/**
 * One look, recorded. The same look twice changes nothing the second time. `extra`: a look before the one that is due, which stays due
 * and is never the last. False when encryption states are left to be created in Graph: the same look comes once more, to send them.
 * @throws {GraphError}
 */
export async function lookAtSlice(
  deps: Deps,
  run: Run,
  slice: Versioned<Slice>,
  bounds: Bounds,
  kind: 'due' | 'extra' = 'due',
): Promise<boolean> {
  const lastLook = deps.settings.confirmScheduleMs.length - 1;
  const isLast = kind === 'due' && slice.value.look >= lastLook;
  const rows = await deps.ledger.readRotationsAt(run.runId, slice.value.orders);
  const open = rows.filter((row) => !isTerminal(row.value.state));
  const options = callOptions(bounds, priorityOf(run));
  const looks = await readLooks(
    deps,
    open.map((row) => row.value),
    { isLast, number: slice.value.look, givesUp: isLast && slice.value.look >= lastLook + EXTRA_LOOKS },
    options,
  );

  const before = new Map(rows.map((row) => [row.value.order, row.value.state]));
  const after = await writeObservations(deps, run, rows, looks);
  await settleClaims(
    deps,
    run,
    after.filter((rotation) => rotation.look === slice.value.look),
  );
  if (run.abortReason !== undefined) await giveBackClaims(deps, run, after.filter(isPlanned));
  const unsentMs = await recordToGraph(deps, run, after, options);
  const done = { kind, isLast, ...(unsentMs === undefined ? {} : { unsentMs }) };
  // Of several deliveries one writes the slice, and only that one counts.
  if (await recordLook(deps, run, slice, after, done)) {
    await recordOutcomes(deps, run.runId, {
      results: after.flatMap((rotation) => resultOf(before.get(rotation.order), rotation)),
    });
    await notifyDanger(
      deps,
      run,
      after.filter((rotation) => isInDanger(before.get(rotation.order), rotation, looks.get(rotation.order))),
    );
  }
  return unsentMs === undefined;
}

function priorityOf(run: Run): CallOptions['priority'] {
  return run.targets === undefined ? 'bulk' : 'onDemand';
}

/** Applies the looks; a row that someone else wrote meanwhile is read again. Returns all rows of the slice as stored. */
async function writeObservations(
  deps: Deps,
  run: Run,
  rows: readonly Versioned<Rotation>[],
  looks: ReadonlyMap<number, Look>,
): Promise<readonly Rotation[]> {
  const stored = new Map(rows.map((row) => [row.value.order, row.value]));
  let open = rows;
  while (open.length > 0) {
    const changes = open.flatMap((row): Versioned<Rotation>[] => {
      const look = looks.get(row.value.order);
      const value = look === undefined ? row.value : observe(row.value, look);
      return value === row.value ? [] : [{ ...row, value }];
    });
    const lost =
      changes.length === 0 ? new Set<number>() : new Set(await deps.ledger.writeRotations(run.runId, changes));
    for (const { value } of changes) if (!lost.has(value.order)) stored.set(value.order, value);
    open = lost.size === 0 ? [] : await deps.ledger.readRotationsAt(run.runId, [...lost]);
    for (const { value } of open) stored.set(value.order, value);
  }
  return [...stored.values()].sort((a, b) => a.order - b.order);
}

function isPlanned(rotation: Rotation): boolean {
  return rotation.state === 'planned';
}

/** How a look ended. `unsentMs`: encryption states are left to be created, after so long. */
interface LookDone {
  readonly kind: 'due' | 'extra';
  readonly isLast: boolean;
  readonly unsentMs?: number;
}

/**
 * Writes the slice, and a second one for rotations that are due again; the message goes first, so that a crash in between loses nothing.
 * In an aborted run nothing is asked again: what was never accepted leaves its slice and counts as planned. False: another delivery of
 * the message wrote first.
 */
async function recordLook(
  deps: Deps,
  run: Run,
  slice: Versioned<Slice>,
  rotations: readonly Rotation[],
  done: LookDone,
): Promise<boolean> {
  const again = run.abortReason === undefined ? rotations.filter(isPlanned) : [];
  const staying = rotations.filter((rotation) => !isPlanned(rotation));
  const isClosed = done.unsentMs === undefined && staying.every((rotation) => isTerminal(rotation.state));
  const next: Slice = {
    ...slice.value,
    state: isClosed ? 'closed' : 'open',
    orders: staying.map((rotation) => rotation.order),
    ...(done.kind === 'due' ? nextLook(deps, slice.value, done) : {}),
    ...countRotations(staying),
  };
  const changes: { slice: Slice; version: string | undefined }[] = [{ slice: next, version: slice.version }];
  const [first] = again;
  if (first !== undefined) {
    changes.push({
      slice: {
        sliceId: sliceIdOf(first.order, first.attempt),
        state: 'again',
        orders: again.map((rotation) => rotation.order),
        canary: again.some((rotation) => rotation.canary === true),
        look: 0,
        dueAtMs: deps.ledger.serverNowMs(),
        ...countRotations(again),
      },
      version: undefined,
    });
  }
  // The same look once more is sent only by the delivery that wrote it: each copy of its message would be looked at. The tick finds a lost one.
  const isSameLook = next.look === slice.value.look;
  if (done.kind === 'due' && !isSameLook) await sendLook(deps, run, next);
  if (!(await deps.ledger.writeSlices(run.runId, changes))) return false;
  if (done.kind === 'due' && isSameLook) await sendLook(deps, run, next);
  if (first !== undefined) {
    const now = (await deps.ledger.readRun(run.runId))?.value ?? run;
    await deps.queues.sendContinuation({ tenantId: run.tenantId, runId: run.runId, checkpoint: now.checkpoint }, 0);
  }
  return true;
}

/** The next look, or the same one again while encryption states are left to be created. */
function nextLook(deps: Deps, slice: Slice, { isLast, unsentMs }: LookDone): Pick<Slice, 'look' | 'dueAtMs'> {
  const nowMs = deps.ledger.serverNowMs();
  if (unsentMs !== undefined) return { look: slice.look, dueAtMs: nowMs + unsentMs };
  const look = slice.look + 1;
  const delayMs = isLast ? UNREADABLE_RETRY_MS : (deps.settings.confirmScheduleMs[look] ?? UNREADABLE_RETRY_MS);
  return { look, dueAtMs: nowMs + delayMs };
}

/** Its action was done at an earlier look, and this one saw its keys, and no newer one: a backup takes a minute, looks are further apart. */
function isInDanger(before: Rotation['state'] | undefined, after: Rotation, look: Look | undefined): boolean {
  return before === 'confirmed' && look?.keys?.kind === 'found' && hasRotatedWithoutKey(after);
}

/** What a look tells the circuit breaker: a device did what was asked, or said no. */
function resultOf(before: Rotation['state'] | undefined, after: Rotation): boolean[] {
  if (before === after.state) return [];
  if (after.state === 'failed') return [false];
  return after.state === 'confirmed' || (after.state === 'proven' && before !== 'confirmed') ? [true] : [];
}
