/** What a look at one device means for its rotation: confirmation, proof, failure, or nothing yet. Pure. Layer: domain. */
import { type ActionResult, isFinalAction } from './action-result.ts';
import { type RecordedEncryptionState, recordState } from './encryption-state.ts';
import { IN_SIGHT, isPastSendDeadline, type Look, ourAction } from './look.ts';
import { createdAfterMs, isKeyPossiblyOurs, newerKey } from './newer-key.ts';
import type { RecoveryKey } from './recovery-key.ts';
import { isPassingStatus } from './retry.ts';
import { applyEvent, isTerminal, type Rotation } from './rotation.ts';
import type { Reading, RequestTrace } from './tenant.ts';

/** A request that was never accepted, and never clearly refused either, is made this often. Chosen: an outage passes sooner. */
const MAX_REQUESTS = 3;

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
