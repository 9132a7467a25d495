/** One device's rotation within a run, and the only way its state may change. Pure. Layer: domain. */
import type { ActionState } from './action-result.ts';
import type { RecordedEncryptionState } from './encryption-state.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, SliceId } from './ids.ts';
import type { RotationRoute } from './targets.ts';

/** Why a device is not asked. These names are the product's contract. */
export const SKIP_REASONS = [
  'notWindows',
  'osTooOld',
  'notEncrypted',
  'notManaged',
  'enrollmentTypeUnsupported',
  'notSeenRecently',
  'keyTooYoung',
  'keyLimitReached',
  'excluded',
  'rotationPending',
  'overRunLimit',
  'noEntraDeviceId',
  'duplicateRecord',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/**
 * - `planned`: due, not asked yet. `claimed`: the intent is written, the request may be on its way.
 * - `requested`: Graph accepted it (204). `confirmed`: Intune's action result says done. `proven`: a newer OS-volume key is in escrow.
 * - `uncertain`: may or may not have been accepted; looked at, never blindly repeated.
 * - `notDue`: its newest key is young enough. `notDue`, `skipped`, `refused`, `failed`, `overdue`, `abandoned`, `proven` are terminal.
 */
export const ROTATION_STATES = [
  'planned',
  'claimed',
  'requested',
  'uncertain',
  'confirmed',
  'proven',
  'notDue',
  'skipped',
  'refused',
  'failed',
  'overdue',
  'abandoned',
] as const;
export type RotationState = (typeof ROTATION_STATES)[number];

const TERMINAL: ReadonlySet<RotationState> = new Set([
  'proven',
  'notDue',
  'skipped',
  'refused',
  'failed',
  'overdue',
  'abandoned',
]);

/** True when no event changes the state any more. */
export function isTerminal(state: RotationState): boolean {
  return TERMINAL.has(state);
}

/** Terminal, and nothing asked for can still take effect: the device's claim is released. `overdue` and `abandoned` keep theirs as pending. */
export function isFinallySettled(state: RotationState): boolean {
  return isTerminal(state) && state !== 'overdue' && state !== 'abandoned';
}

export type RotationEvent =
  | { readonly kind: 'claimed' }
  /** Nothing was sent, or it was certainly not accepted (429): the device is due again. */
  | { readonly kind: 'unclaimed' }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' }
  /** A 5xx, timeout, reset, or a claim left by a crash. */
  | { readonly kind: 'lostSight' }
  /** Two looks after the send deadline saw nothing: it was never accepted. */
  | { readonly kind: 'neverAccepted' }
  | { readonly kind: 'actionDone' }
  | { readonly kind: 'actionFailed' }
  | { readonly kind: 'keySeen' }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'looksExhausted' }
  | { readonly kind: 'abandoned' };

type Table = Readonly<Partial<Record<RotationState, Readonly<Partial<Record<RotationEvent['kind'], RotationState>>>>>>;

const TRANSITIONS: Table = {
  planned: { claimed: 'claimed', skipped: 'skipped', lostSight: 'uncertain', abandoned: 'abandoned' },
  claimed: {
    unclaimed: 'planned',
    accepted: 'requested',
    refused: 'refused',
    lostSight: 'uncertain',
    skipped: 'skipped',
    abandoned: 'abandoned',
  },
  uncertain: {
    accepted: 'requested',
    refused: 'refused',
    neverAccepted: 'planned',
    actionDone: 'confirmed',
    actionFailed: 'failed',
    keySeen: 'proven',
    looksExhausted: 'overdue',
    abandoned: 'abandoned',
  },
  requested: {
    actionDone: 'confirmed',
    actionFailed: 'failed',
    keySeen: 'proven',
    looksExhausted: 'overdue',
    abandoned: 'abandoned',
  },
  confirmed: { keySeen: 'proven', looksExhausted: 'overdue', abandoned: 'abandoned' },
};

/** The state after `event`. An event that means nothing in `state` changes nothing, so that redelivery is harmless. */
export function transition(state: RotationState, event: RotationEvent): RotationState {
  const moves = TRANSITIONS[state] ?? {};
  return (Object.hasOwn(moves, event.kind) ? moves[event.kind] : undefined) ?? state;
}

/** A row of the ledger: one device in one run. Optional fields are absent until known. All instants are ms since the epoch. */
export interface Rotation {
  /** Position in the run, from 0: canaries, then oldest key first, then the skipped. */
  readonly order: number;
  /** Absent only for skipped devices that have none. */
  readonly entraDeviceId?: EntraDeviceId;
  readonly managedDeviceId: ManagedDeviceId;
  readonly deviceName: string;
  /** The URL form it was asked for by; absent: `managedDevices/{id}`. */
  readonly route?: RotationRoute;
  readonly state: RotationState;
  /** With `skipped`. */
  readonly skipReason?: SkipReason;
  readonly canary?: true;
  /** How often an uncertain request was found never accepted and is due again; 0 at first. */
  readonly attempt: number;
  /** Newest OS-volume key known before the request; absent when escrow held none. */
  readonly keyBeforeId?: RecoveryKeyId;
  readonly keyBeforeAtMs?: number;
  /** How many keys escrow held when the run was planned. */
  readonly keyCount?: number;
  /** When the intent was written (storage server's clock). */
  readonly claimedAtMs?: number;
  /** No request for this claim leaves after this (storage server's clock). */
  readonly sendByMs?: number;
  /** Earliest instant, Graph's clock, at which our request can have been accepted: older action results are someone else's. */
  readonly acceptedAfterMs?: number;
  /** Latest instant, Graph's clock, at which our request was accepted: the end of the second in its `Date`. A key created later is ours. */
  readonly acceptedByMs?: number;
  readonly httpStatus?: number;
  readonly requestId?: string;
  readonly clientRequestId?: string;
  readonly actionState?: ActionState;
  readonly actionStartedAtMs?: number;
  readonly actionUpdatedAtMs?: number;
  readonly errorCode?: number;
  /** With `failed`: `action` (the device or Intune said no) or `deviceGone` (Intune no longer knows the device). */
  readonly failure?: 'action' | 'deviceGone';
  /** Of the read that told the action's state. */
  readonly actionRequestId?: string;
  readonly actionClientRequestId?: string;
  readonly keyAfterId?: RecoveryKeyId;
  readonly keyAfterAtMs?: number;
  /** When we saw it (our clock). */
  readonly confirmedAtMs?: number;
  readonly provenAtMs?: number;
  /** Of the read that showed the new key. */
  readonly keyRequestId?: string;
  readonly keyClientRequestId?: string;
  /** With `proven`: the action never said done, so the new key may be someone else's rotation. */
  readonly unconfirmed?: true;
  /** A fixed-data-volume key was escrowed after the request too. */
  readonly fixedVolumeKeySeen?: true;
  /** Looks at an uncertain request that saw nothing, the first after the send deadline. */
  readonly emptyLooks?: number;
  /** The slice that settles it, and the last look that changed this row. */
  readonly sliceId?: SliceId;
  readonly look?: number;
  /** The encryption states that looks recorded, oldest first. */
  readonly encryptionStates?: readonly RecordedEncryptionState[];
  /** What became of it after its run gave up on it. The state stays as it is. */
  readonly late?: LateOutcome;
}

/**
 * How the claim of a device that was given up on (`overdue`, `abandoned`) was let go by the plan of another run. `proven`: a newer key is in
 * escrow. `confirmed`: the action is done, and no newer key was listed. `failed`: the device or Intune said no, or the device is gone.
 * `expired`: nothing was heard for 60 days.
 */
export interface LateOutcome {
  readonly state: 'proven' | 'confirmed' | 'failed' | 'expired';
  /** Our clock. */
  readonly atMs: number;
  readonly keyId?: RecoveryKeyId;
  readonly keyAtMs?: number;
  /** The action, when it was looked at: a newer key alone tells too, and then it is absent. */
  readonly actionState?: ActionState;
  /** With `proven`: the key is younger than this, which may be earlier than all that the rotation itself knows of its request. */
  readonly actionStartedAtMs?: number;
  readonly errorCode?: number;
  /** Of the read that told the action's state. */
  readonly requestId?: string;
  readonly clientRequestId?: string;
}

/** The same without what an earlier attempt was answered, which says nothing of the next. */
export function unanswered(rotation: Rotation): Rotation {
  const { httpStatus: _status, requestId: _requestId, clientRequestId: _clientRequestId, ...rest } = rotation;
  return rest;
}

/** Moves the rotation on and adds `changes`. An event that means nothing in its state changes nothing at all: the same object comes back. */
export function applyEvent(rotation: Rotation, event: RotationEvent, changes: Partial<Rotation> = {}): Rotation {
  const state = transition(rotation.state, event);
  return state === rotation.state ? rotation : { ...rotation, ...changes, state };
}
