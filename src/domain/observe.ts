/** What a look at one device means for its rotation: confirmation, proof, failure, or nothing yet. Pure. Layer: domain. */
import { type ActionResult, isFinalAction } from './action-result.ts';
import { type EncryptionState, type RecordedEncryptionState, recordState } from './encryption-state.ts';
import { newestOsKey, type RecoveryKey } from './recovery-key.ts';
import { applyEvent, isTerminal, type Rotation, type RotationState } from './rotation.ts';
import type { Reading, RequestTrace } from './tenant.ts';

/**
 * How much earlier than our own clock Graph's may stand when no answer told us its time.
 * Chosen: both are synchronised; five seconds is far above what is seen and far below the time between two runs.
 */
export const CLOCK_MARGIN_MS = 5_000;

/** What one look read. Absent: not asked for at this look. */
export interface Look {
  readonly actions: Reading<readonly ActionResult[]>;
  readonly keys?: Reading<readonly RecoveryKey[]>;
  readonly encryption?: Reading<EncryptionState>;
  /** Number of the look, from 0. */
  readonly number: number;
  readonly isLast: boolean;
  /** Set once waiting for a device that could not be read at its last look has lasted long enough. */
  readonly givesUp?: boolean;
  /** Our clock. */
  readonly nowMs: number;
  /** The storage server's clock: send deadlines are in it. */
  readonly serverNowMs: number;
  /** How long after its send deadline a request may still be on its way: the request timeout, with a margin. */
  readonly inFlightMs: number;
  /** How far Graph's clock is behind the storage server's, ms, 0 or more: instants of ours that no answer of Graph's dated are moved back by it. */
  readonly graphBehindMs: number;
}

/** What deciding on further reads depends on. */
export type LookFacts = Omit<Look, 'keys' | 'encryption' | 'givesUp'>;

/** Besides 5xx. Source: Graph documentation, "Errors" and "JSON batching" (424: the part it depended on failed) (read 2026-11-22). */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 424, 429]);

/** The encryption report is this far behind the device at most. Source: Intune documentation, encryption report (read 2026-11-22). */
const STATE_LAG_MS = 24 * 3_600_000;

/** A request that was never accepted, and never clearly refused either, is made this often. Chosen: an outage passes sooner. */
const MAX_REQUESTS = 3;

/** Only of these a look can learn anything. */
const IN_SIGHT: ReadonlySet<RotationState> = new Set(['requested', 'uncertain', 'confirmed']);

/**
 * The action result that is ours: the one that began while our request was being accepted, else the first one after it, since later ones
 * are someone else's. Where several can be ours, one that may still take effect goes first, so that nothing is called final too early.
 */
export function ourAction(
  rotation: Rotation,
  { actions, graphBehindMs }: Pick<Look, 'actions' | 'graphBehindMs'>,
): ActionResult | undefined {
  if (actions.kind !== 'found') return undefined;
  const earliestMs = acceptedAfterMs(rotation, graphBehindMs) ?? Number.POSITIVE_INFINITY;
  const latestMs = rotation.acceptedByMs ?? Number.POSITIVE_INFINITY;
  const notOlder = actions.value.filter((action) => action.startedAtMs >= earliestMs);
  const candidates = notOlder.filter((action) => action.startedAtMs <= latestMs);
  if (candidates.length === 0) return notOlder.toSorted((a, b) => a.startedAtMs - b.startedAtMs)[0];
  const finality = (action: ActionResult) => Number(isFinalAction(action.state));
  return candidates.toSorted((a, b) => finality(a) - finality(b) || b.startedAtMs - a.startedAtMs)[0];
}

/** In Graph's clock. An answer tells; when it was lost, the intent's own instant is the storage server's. */
function acceptedAfterMs(rotation: Rotation, graphBehindMs: number): number | undefined {
  if (rotation.acceptedAfterMs === undefined || rotation.acceptedByMs !== undefined) return rotation.acceptedAfterMs;
  return rotation.acceptedAfterMs - graphBehindMs;
}

/** Whether this look must also read the device's recovery keys: the action is done, the device is gone, it is the last look, or a repeat depends on it. */
export function needsKeys(rotation: Rotation, look: LookFacts): boolean {
  const { actions, isLast } = look;
  if (!IN_SIGHT.has(rotation.state)) return false;
  if (actions.kind === 'gone' || rotation.state === 'confirmed') return true;
  const action = ourAction(rotation, look);
  if (action !== undefined && isFinalAction(action.state)) return action.state === 'done';
  if (isLast) return true;
  return (
    rotation.state === 'uncertain' &&
    action === undefined &&
    actions.kind === 'found' &&
    isPastSendDeadline(rotation, look)
  );
}

/**
 * Whether this look must also read the device's encryption state. It is read once when the action ended, well or not (a failed one is told
 * apart by it: `recoveryKeyBackupFailed`, `tpmNotReady`), and once more at the last look when there was none, or when what was recorded is
 * older than the report's lag: why a device is still without proof shows only then. So nearly every device costs one read.
 */
export function needsEncryptionState(rotation: Rotation, look: LookFacts): boolean {
  if (!IN_SIGHT.has(rotation.state)) return false;
  const latest = rotation.encryptionStates?.at(-1);
  if (latest === undefined) return look.isLast || rotation.state === 'confirmed' || hasEnded(ourAction(rotation, look));
  if (!look.isLast || latest.look === look.number) return false;
  return latest.state === 'none' || look.nowMs - latest.atMs >= STATE_LAG_MS;
}

function hasEnded(action: ActionResult | undefined): boolean {
  return action !== undefined && isFinalAction(action.state);
}

/** A request that left before the deadline has been answered by now, one way or the other. */
function isPastSendDeadline(rotation: Rotation, look: LookFacts): boolean {
  return look.serverNowMs >= (rotation.sendByMs ?? Number.POSITIVE_INFINITY) + look.inFlightMs;
}

/**
 * Moves the rotation on by what the look saw. The same look twice changes nothing the second time.
 *
 * Proof is another OS-volume key than the one known before, created after our request by the server's clock: after the end of the second
 * in the `Date` of its answer, or after the action's own start. While the action is still pending such a key may come from someone else's
 * rotation, so it counts only at the last look, marked `unconfirmed`.
 */
export function observe(rotation: Rotation, look: Look): Rotation {
  if (!IN_SIGHT.has(rotation.state)) return rotation;
  const seenBefore = rotation.look === look.number;
  let next = withEncryptionState({ ...rotation, look: look.number }, look);

  const action = ourAction(rotation, look);
  if (action !== undefined) next = withAction(next, action, look);
  if (isTerminal(next.state)) return next;

  const key = newerKey(next, action, look.keys);
  if (key !== undefined) {
    const isConfirmed = next.state === 'confirmed';
    if (isConfirmed || look.isLast || look.actions.kind === 'gone') return proven(next, key, look, isConfirmed);
    return next;
  }
  // A device that answered "done" and was deleted before its key was seen keeps waiting for the last look.
  if (look.actions.kind === 'gone' && next.state !== 'confirmed' && isAnswered(look.keys)) {
    return applyEvent(next, { kind: 'actionFailed' }, { failure: 'deviceGone' });
  }
  if (next.state === 'uncertain' && action === undefined && !look.isLast)
    return withNothingSeen(next, look, seenBefore);
  if (look.isLast && isReadable(next, look)) return applyEvent(next, { kind: 'looksExhausted' });
  return next;
}

function withEncryptionState(rotation: Rotation, { encryption, number: look, nowMs: atMs }: Look): Rotation {
  if (encryption === undefined || encryption.kind === 'unreadable') return rotation;
  const state = encryption.kind === 'found' ? encryption.value : 'none';
  const { requestId, clientRequestId } = traceOf(encryption);
  const recorded: RecordedEncryptionState = {
    look,
    atMs,
    state,
    ...(requestId === undefined ? {} : { requestId }),
    ...(clientRequestId === undefined ? {} : { clientRequestId }),
  };
  return { ...rotation, encryptionStates: recordState(rotation.encryptionStates, recorded) };
}

/**
 * At the last look a device that could not be read for now is looked at again instead of being given up. One that is done would be taken
 * for rotated without a new key: not before its keys were read, whatever kept them from it.
 */
function isReadable(rotation: Rotation, look: Look): boolean {
  if (look.givesUp === true) return true;
  return rotation.state === 'confirmed' ? isAnswered(look.keys) : !mayPass(look.actions) && !mayPass(look.keys);
}

function isAnswered(reading: Reading<unknown> | undefined): boolean {
  return reading !== undefined && reading.kind !== 'unreadable';
}

/** No answer came, and one may come later. What Graph refused or garbled for one device it goes on refusing and garbling. */
function mayPass(reading: Reading<unknown> | undefined): boolean {
  if (reading?.kind !== 'unreadable') return false;
  return isPassingStatus(reading.status);
}

/** A status (0: no answer at all) that says nothing of the device and may be another one later. */
export function isPassingStatus(status: number): boolean {
  return status === 0 || status >= 500 || PASSING_STATUSES.has(status);
}

function withAction(rotation: Rotation, action: ActionResult, { actions, nowMs }: Look): Rotation {
  // What was seen done stays confirmed, even when a wipe cancels the action afterwards.
  if (rotation.state === 'confirmed') return rotation;
  const seen = {
    actionState: action.state,
    actionStartedAtMs: action.startedAtMs,
    actionUpdatedAtMs: action.lastUpdatedAtMs,
    ...(action.errorCode === undefined ? {} : { errorCode: action.errorCode }),
    ...actionIds(traceOf(actions)),
  };
  let next: Rotation = { ...rotation, ...seen };
  // An action of ours exists, so the request was accepted; no answer told us when, but its own start does.
  if (next.state === 'uncertain')
    next = applyEvent(
      next,
      { kind: 'accepted' },
      { acceptedAfterMs: action.startedAtMs, acceptedByMs: action.startedAtMs },
    );
  if (action.state === 'done') return applyEvent(next, { kind: 'actionDone' }, { confirmedAtMs: nowMs });
  if (isFinalAction(action.state)) return applyEvent(next, { kind: 'actionFailed' }, { failure: 'action' });
  return next;
}

function traceOf(reading: Reading<unknown> | undefined): RequestTrace {
  return reading?.kind === 'found' ? (reading.trace ?? {}) : {};
}

function actionIds({ requestId, clientRequestId }: RequestTrace): Partial<Rotation> {
  return {
    ...(requestId === undefined ? {} : { actionRequestId: requestId }),
    ...(clientRequestId === undefined ? {} : { actionClientRequestId: clientRequestId }),
  };
}

function keyIds({ requestId, clientRequestId }: RequestTrace): Partial<Rotation> {
  return {
    ...(requestId === undefined ? {} : { keyRequestId: requestId }),
    ...(clientRequestId === undefined ? {} : { keyClientRequestId: clientRequestId }),
  };
}

/** The newest key of the volume that was certainly created after our request. */
function newerKey(rotation: Rotation, action: ActionResult | undefined, keys: Look['keys']): RecoveryKey | undefined {
  const key = newestOtherKey(rotation, keys);
  return key !== undefined && key.createdAtMs > createdAfterMs(rotation, action) ? key : undefined;
}

function newestOtherKey(rotation: Rotation, keys: Look['keys']): RecoveryKey | undefined {
  if (keys?.kind !== 'found') return undefined;
  return newestOsKey(keys.value.filter((key) => key.keyId !== rotation.keyBeforeId));
}

/** A key created later, by Graph's clock, is newer than the rotation's request. Infinite when nothing tells when that was. */
export function createdAfterMs(rotation: Rotation, action?: ActionResult): number {
  const byAnswer = rotation.acceptedByMs ?? Number.POSITIVE_INFINITY;
  const byAction = action?.startedAtMs ?? rotation.actionStartedAtMs ?? Number.POSITIVE_INFINITY;
  const earliest = Math.min(byAnswer, byAction);
  // Uncertain and no action seen: only a key from after the send deadline is certainly younger than the request.
  return Number.isFinite(earliest) ? earliest : (rotation.sendByMs ?? Number.POSITIVE_INFINITY) + CLOCK_MARGIN_MS;
}

/** A key that our request may have brought, though that is not certain: reason enough not to ask again. */
function isKeyPossiblyOurs(rotation: Rotation, look: Look): boolean {
  const key = newestOtherKey(rotation, look.keys);
  const earliestMs = acceptedAfterMs(rotation, look.graphBehindMs) ?? Number.NEGATIVE_INFINITY;
  return key !== undefined && key.createdAtMs >= earliestMs;
}

function proven(rotation: Rotation, key: RecoveryKey, look: Look, isConfirmed: boolean): Rotation {
  const afterMs = createdAfterMs(rotation);
  const fixed =
    look.keys?.kind === 'found' &&
    look.keys.value.some((k) => k.volumeType === 'fixedDataVolume' && k.createdAtMs > afterMs);
  return applyEvent(
    rotation,
    { kind: 'keySeen' },
    {
      keyAfterId: key.keyId,
      keyAfterAtMs: key.createdAtMs,
      provenAtMs: look.nowMs,
      ...keyIds(traceOf(look.keys)),
      ...(isConfirmed ? {} : { unconfirmed: true as const }),
      ...(fixed ? { fixedVolumeKeySeen: true as const } : {}),
    },
  );
}

/** Counts a look that saw nothing of an uncertain request; after the second it was never accepted, unless a newer key says otherwise. */
function withNothingSeen(rotation: Rotation, look: Look, seenBefore: boolean): Rotation {
  const mayCount = look.actions.kind === 'found' && look.keys?.kind === 'found' && isPastSendDeadline(rotation, look);
  if (seenBefore || !mayCount || isKeyPossiblyOurs(rotation, look)) return rotation;
  const emptyLooks = (rotation.emptyLooks ?? 0) + 1;
  if (emptyLooks < 2) return { ...rotation, emptyLooks };
  if (rotation.attempt + 1 >= MAX_REQUESTS) return applyEvent({ ...rotation, emptyLooks }, { kind: 'refused' });
  const {
    sliceId: _slice,
    look: _look,
    emptyLooks: _empty,
    claimedAtMs: _claimed,
    sendByMs: _sendBy,
    acceptedAfterMs: _after,
    ...kept
  } = rotation;
  return applyEvent({ ...kept, attempt: rotation.attempt + 1 }, { kind: 'neverAccepted' });
}
