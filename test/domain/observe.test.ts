import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActionResult, ActionState } from '../../src/domain/action-result.ts';
import type { EncryptionState } from '../../src/domain/encryption-state.ts';
import {
  type EntraDeviceId,
  parseEntraDeviceId,
  parseManagedDeviceId,
  parseRecoveryKeyId,
} from '../../src/domain/ids.ts';
import { type Look, needsEncryptionState, needsKeys, ourAction } from '../../src/domain/look.ts';
import { CLOCK_MARGIN_MS } from '../../src/domain/newer-key.ts';
import { observe } from '../../src/domain/observe.ts';
import type { RecoveryKey, VolumeType } from '../../src/domain/recovery-key.ts';
import { isTerminal, ROTATION_STATES, type Rotation, type RotationState } from '../../src/domain/rotation.ts';
import type { Reading } from '../../src/domain/tenant.ts';

/** The claim. Our request was accepted three seconds later, by Graph's clock between ASKED_MS and ASKED_BY_MS. */
const CLAIMED_MS = Date.UTC(2026, 10, 22, 2);
const SEND_BY_MS = CLAIMED_MS + 120_000;
const ASKED_MS = CLAIMED_MS + 3_000;
const ASKED_BY_MS = ASKED_MS + 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const IN_FLIGHT_MS = 60_000;

const DEVICE = parseEntraDeviceId('aaaaaaaa-1111-4222-8333-444455556666') as EntraDeviceId;
const keyId = (n: number) => parseRecoveryKeyId(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
const KEY_BEFORE = keyId(1);

const REQUESTED: Rotation = {
  order: 7,
  entraDeviceId: DEVICE,
  managedDeviceId: parseManagedDeviceId('0f0e0d0c-1111-4222-8333-444455556666'),
  deviceName: 'LT-00001',
  state: 'requested',
  attempt: 0,
  keyBeforeId: KEY_BEFORE,
  keyBeforeAtMs: CLAIMED_MS - 100 * 24 * HOUR_MS,
  claimedAtMs: CLAIMED_MS,
  sendByMs: SEND_BY_MS,
  acceptedAfterMs: ASKED_MS,
  acceptedByMs: ASKED_BY_MS,
};
const { acceptedByMs: _by, ...unanswered } = REQUESTED;
const UNCERTAIN: Rotation = { ...unanswered, state: 'uncertain', acceptedAfterMs: CLAIMED_MS - CLOCK_MARGIN_MS };
const CONFIRMED: Rotation = {
  ...REQUESTED,
  state: 'confirmed',
  actionState: 'done',
  actionStartedAtMs: ASKED_MS + 500,
  actionUpdatedAtMs: ASKED_MS + HOUR_MS,
  confirmedAtMs: ASKED_MS + 2 * HOUR_MS,
};

const action = (state: ActionState, startedAtMs = ASKED_MS + 500, more: Partial<ActionResult> = {}): ActionResult => ({
  state,
  startedAtMs,
  lastUpdatedAtMs: startedAtMs + HOUR_MS,
  ...more,
});
const key = (n: number, createdAtMs: number, volumeType: VolumeType = 'operatingSystemVolume'): RecoveryKey => ({
  keyId: keyId(n),
  entraDeviceId: DEVICE,
  volumeType,
  createdAtMs,
});
const found = <T>(value: T): Reading<T> => ({ kind: 'found', value });
const GONE = { kind: 'gone' } as const;
const UNREADABLE = { kind: 'unreadable', status: 503 } as const;
const GARBLED = { kind: 'unreadable', status: 200 } as const;
const ENCRYPTION: EncryptionState = {
  id: 'e1',
  deviceName: 'LT-00001',
  userPrincipalName: '',
  deviceType: 'desktop',
  osVersion: '10.0.22631.4037',
  tpmSpecificationVersion: '2.0',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'compliant',
  advancedBitLockerStates: ['success'],
  fileVaultStates: [],
  policyDetails: [],
};

const OLD_KEY = key(1, CLAIMED_MS - 100 * 24 * HOUR_MS);
const NEW_KEY = key(2, ASKED_MS + HOUR_MS);

function look(over: Partial<Look> = {}): Look {
  return {
    actions: found([]),
    number: 1,
    isLast: false,
    nowMs: CLAIMED_MS + 2 * HOUR_MS,
    serverNowMs: CLAIMED_MS + 2 * HOUR_MS,
    inFlightMs: IN_FLIGHT_MS,
    graphBehindMs: 0,
    ...over,
  };
}
const lastLook = (over: Partial<Look> = {}) => look({ number: 5, isLast: true, keys: found([OLD_KEY]), ...over });

describe('observe: confirmation and proof', () => {
  it('confirms by a done action and proves by a newer key', () => {
    const next = observe(REQUESTED, look({ actions: found([action('done')]), keys: found([OLD_KEY, NEW_KEY]) }));
    expect(next).toMatchObject({
      state: 'proven',
      actionState: 'done',
      confirmedAtMs: CLAIMED_MS + 2 * HOUR_MS,
      keyAfterId: NEW_KEY.keyId,
      keyAfterAtMs: NEW_KEY.createdAtMs,
      provenAtMs: CLAIMED_MS + 2 * HOUR_MS,
    });
    expect(next.unconfirmed).toBeUndefined();
  });

  it('confirms without a newer key, and proves at a later look', () => {
    const confirmed = observe(REQUESTED, look({ actions: found([action('done')]), keys: found([OLD_KEY]) }));
    expect(confirmed.state).toBe('confirmed');
    const proven = observe(
      confirmed,
      look({ number: 2, keys: found([OLD_KEY, NEW_KEY]), nowMs: CLAIMED_MS + 9 * HOUR_MS }),
    );
    expect(proven).toMatchObject({ state: 'proven', confirmedAtMs: CLAIMED_MS + 2 * HOUR_MS });
    expect(proven.unconfirmed).toBeUndefined();
  });

  it.each<[string, readonly RecoveryKey[], RotationState]>([
    ['no key', [], 'confirmed'],
    ['the key known before', [OLD_KEY], 'confirmed'],
    ['the key known before, re-dated', [key(1, ASKED_MS + HOUR_MS)], 'confirmed'],
    ['another key from before the request', [OLD_KEY, key(2, ASKED_MS - 1)], 'confirmed'],
    ['a key of the very instant of the request', [OLD_KEY, key(2, ASKED_MS + 500)], 'confirmed'],
    ['a key of the millisecond after', [OLD_KEY, key(2, ASKED_MS + 501)], 'proven'],
    ['a newer key of a fixed volume only', [OLD_KEY, key(2, ASKED_MS + HOUR_MS, 'fixedDataVolume')], 'confirmed'],
    [
      'a newer key of a removable volume only',
      [OLD_KEY, key(2, ASKED_MS + HOUR_MS, 'removableDataVolume')],
      'confirmed',
    ],
    ['a newer key of an unknown volume only', [OLD_KEY, key(2, ASKED_MS + HOUR_MS, 'unknown')], 'confirmed'],
    ['a newer key although the one before is dated in the future', [key(1, ASKED_MS + 9 * HOUR_MS), NEW_KEY], 'proven'],
  ])('with a done action and %s', (_what, keys, state) => {
    expect(observe(REQUESTED, look({ actions: found([action('done')]), keys: found(keys) })).state).toBe(state);
  });

  it('goes by the end of the second of the answer when the action began later', () => {
    const late = found([action('done', ASKED_BY_MS + 30_000)]);
    const at = (createdAtMs: number) =>
      observe(REQUESTED, look({ actions: late, keys: found([OLD_KEY, key(2, createdAtMs)]) })).state;
    expect(at(ASKED_BY_MS)).toBe('confirmed');
    expect(at(ASKED_BY_MS + 1)).toBe('proven');
  });

  it('notes that a fixed volume got a new key too', () => {
    const fixed = key(3, ASKED_MS + HOUR_MS, 'fixedDataVolume');
    const proven = (keys: RecoveryKey[]) => observe(CONFIRMED, look({ keys: found(keys) }));
    expect(proven([NEW_KEY, fixed]).fixedVolumeKeySeen).toBe(true);
    expect(proven([NEW_KEY, { ...fixed, createdAtMs: ASKED_MS - 1 }]).fixedVolumeKeySeen).toBeUndefined();
  });

  it('stays confirmed when the action is canceled after it was done', () => {
    for (const state of ['canceled', 'failed', 'pending', 'notSupported'] as const) {
      const next = observe(CONFIRMED, look({ actions: found([action(state)]), keys: found([OLD_KEY]) }));
      expect(next).toEqual({ ...CONFIRMED, look: 1 });
    }
  });
});

describe('observe: a key while the action is pending', () => {
  const actions = found([action('pending')]);

  it('may come from someone else: keep looking', () => {
    expect(observe(REQUESTED, look({ actions, keys: found([OLD_KEY, NEW_KEY]) })).state).toBe('requested');
  });

  it('counts at the last look, marked unconfirmed', () => {
    expect(observe(REQUESTED, lastLook({ actions, keys: found([OLD_KEY, NEW_KEY]) }))).toMatchObject({
      state: 'proven',
      unconfirmed: true,
      keyAfterId: NEW_KEY.keyId,
    });
  });

  it('counts at the last look although no action is listed', () => {
    expect(observe(REQUESTED, lastLook({ keys: found([NEW_KEY]) }))).toMatchObject({
      state: 'proven',
      unconfirmed: true,
    });
  });
});

describe('observe: actions of others', () => {
  it.each<[string, readonly ActionResult[], RotationState]>([
    ['done before the request', [action('done', ASKED_MS - 1)], 'requested'],
    ['failed before the request', [action('failed', ASKED_MS - 1)], 'requested'],
    ['ours done, a second one of theirs pending', [action('pending', ASKED_MS + HOUR_MS), action('done')], 'confirmed'],
    ['ours done, a second one of theirs failed', [action('failed', ASKED_MS + HOUR_MS), action('done')], 'confirmed'],
    ['ours pending, a second one of theirs done', [action('done', ASKED_MS + HOUR_MS), action('pending')], 'requested'],
    [
      'ours pending, a second one of theirs failed',
      [action('failed', ASKED_MS + HOUR_MS), action('pending')],
      'requested',
    ],
    ['ours failed, a second one of theirs done', [action('done', ASKED_MS + HOUR_MS), action('failed')], 'failed'],
    ['two in the same second, one still pending', [action('done', ASKED_MS + 600), action('pending')], 'requested'],
  ])('%s', (_what, actions, state) => {
    expect(observe(REQUESTED, look({ actions: found(actions), keys: found([OLD_KEY]) })).state).toBe(state);
    expect(observe(REQUESTED, look({ actions: found(actions.toReversed()), keys: found([OLD_KEY]) })).state).toBe(
      state,
    );
  });

  it('after an uncertain request, prefers the one that may still take effect, and keeps to it', () => {
    const actions = found([action('pending', CLAIMED_MS + 9_000), action('failed', CLAIMED_MS + 2_000)]);
    const seen = observe(UNCERTAIN, look({ actions }));
    expect(seen).toMatchObject({ state: 'requested', actionStartedAtMs: CLAIMED_MS + 9_000 });
    expect(observe(seen, look({ number: 2, actions })).state).toBe('requested');
  });
});

describe('observe: an action that says no', () => {
  it.each(['failed', 'canceled', 'notSupported'] as const)('%s: the rotation failed, with the error code', (state) => {
    const next = observe(REQUESTED, look({ actions: found([action(state, undefined, { errorCode: -2147024891 })]) }));
    expect(next).toMatchObject({ state: 'failed', failure: 'action', actionState: state, errorCode: -2147024891 });
  });

  it.each(['pending', 'active', 'unknown', 'none'] as const)('%s: not yet', (state) => {
    expect(observe(REQUESTED, look({ actions: found([action(state)]) })).state).toBe('requested');
  });
});

describe('observe: an uncertain request', () => {
  const keys = found([OLD_KEY]);
  const empty = (number: number, over: Partial<Look> = {}) => look({ number, keys, ...over });

  it('is due again after two empty looks past the send deadline, with nothing left of the first attempt', () => {
    const once = observe(UNCERTAIN, empty(1));
    expect(once).toMatchObject({ state: 'uncertain', emptyLooks: 1 });
    const again = observe(once, empty(2));
    expect(again).toMatchObject({ state: 'planned', attempt: 1, keyBeforeId: KEY_BEFORE });
    for (const field of ['emptyLooks', 'look', 'sliceId', 'claimedAtMs', 'sendByMs', 'acceptedAfterMs'] as const)
      expect(again[field]).toBeUndefined();
  });

  it('is counted once per look, however often the message is delivered', () => {
    const once = observe(UNCERTAIN, empty(1));
    expect(observe(observe(once, empty(1)), empty(1))).toEqual(once);
  });

  it.each<[string, Partial<Look>]>([
    ['it may still be on its way', { serverNowMs: SEND_BY_MS + IN_FLIGHT_MS - 1 }],
    ['the actions could not be read', { actions: UNREADABLE }],
    ['the keys could not be read', { keys: UNREADABLE }],
    ['a newer key may be its work', { keys: found([OLD_KEY, NEW_KEY]) }],
    ['a key of its first moment may be its work', { keys: found([OLD_KEY, key(2, CLAIMED_MS - CLOCK_MARGIN_MS)]) }],
  ])('is not counted as empty while %s', (_what, over) => {
    const next = observe(UNCERTAIN, empty(1, over));
    expect(next.state).toBe('uncertain');
    expect(next.emptyLooks).toBeUndefined();
  });

  it('is not counted as empty without keys', () => {
    expect(observe(UNCERTAIN, look()).emptyLooks).toBeUndefined();
  });

  it('is counted from the instant on at which it cannot be on its way any more', () => {
    expect(observe(UNCERTAIN, empty(1, { serverNowMs: SEND_BY_MS + IN_FLIGHT_MS })).emptyLooks).toBe(1);
  });

  it('is not confused by older actions or by keys from before', () => {
    const before = CLAIMED_MS - CLOCK_MARGIN_MS - 1;
    const next = observe(
      UNCERTAIN,
      empty(1, { actions: found([action('done', before)]), keys: found([OLD_KEY, key(2, before)]) }),
    );
    expect(next.emptyLooks).toBe(1);
  });

  it('was accepted when an action appears, which then says when', () => {
    const next = observe(UNCERTAIN, empty(1, { actions: found([action('pending', CLAIMED_MS + 9_000)]) }));
    expect(next).toMatchObject({
      state: 'requested',
      acceptedAfterMs: CLAIMED_MS + 9_000,
      acceptedByMs: CLAIMED_MS + 9_000,
    });
  });

  it('was accepted even when the action has no state yet', () => {
    expect(observe(UNCERTAIN, empty(1, { actions: found([action('none')]) })).state).toBe('requested');
  });

  it('is proven at once by a done action and a key newer than the action', () => {
    const actions = found([action('done', CLAIMED_MS + 9_000)]);
    const at = (createdAtMs: number) =>
      observe(UNCERTAIN, empty(1, { actions, keys: found([key(2, createdAtMs)]) })).state;
    expect(at(CLAIMED_MS + 9_001)).toBe('proven');
    expect(at(CLAIMED_MS + 9_000)).toBe('confirmed');
  });

  it('is overdue, not asked again, when its second empty look is the last one', () => {
    expect(observe(observe(UNCERTAIN, empty(1)), lastLook())).toMatchObject({ state: 'overdue', attempt: 0 });
  });

  it.each([
    ['after the send deadline is proof, unconfirmed', SEND_BY_MS + CLOCK_MARGIN_MS + 1, 'proven'],
    ['that may be older than the request is none', SEND_BY_MS + CLOCK_MARGIN_MS, 'overdue'],
  ])('without any action: a key %s at the last look', (_what, createdAtMs, state) => {
    const next = observe(UNCERTAIN, lastLook({ keys: found([OLD_KEY, key(2, createdAtMs)]) }));
    expect([next.state, next.unconfirmed]).toEqual([state, state === 'proven' ? true : undefined]);
  });
});

describe('observe: the last look', () => {
  it.each<[string, Rotation, Partial<Look>, RotationState]>([
    ['requested, nothing seen', REQUESTED, {}, 'overdue'],
    ['requested, action pending', REQUESTED, { actions: found([action('pending')]) }, 'overdue'],
    ['requested, done now but no key', REQUESTED, { actions: found([action('done')]) }, 'overdue'],
    ['requested, failed now', REQUESTED, { actions: found([action('failed')]) }, 'failed'],
    ['confirmed, no key', CONFIRMED, {}, 'overdue'],
    ['confirmed, no key, and the device was deleted', CONFIRMED, { actions: GONE }, 'overdue'],
    ['confirmed, no key, actions unreadable', CONFIRMED, { actions: UNREADABLE }, 'overdue'],
    ['uncertain, nothing seen', UNCERTAIN, {}, 'overdue'],
    ['actions unreadable', REQUESTED, { actions: UNREADABLE }, 'requested'],
    ['keys unreadable', REQUESTED, { keys: UNREADABLE }, 'requested'],
    ['keys unreadable, confirmed', CONFIRMED, { keys: UNREADABLE }, 'confirmed'],
    ['never answered', REQUESTED, { actions: { kind: 'unreadable', status: 0 } }, 'requested'],
    ['throttled', REQUESTED, { actions: { kind: 'unreadable', status: 429 } }, 'requested'],
    ['refused for this device', REQUESTED, { actions: { kind: 'unreadable', status: 400 } }, 'overdue'],
    ['garbled for this device', REQUESTED, { actions: { kind: 'unreadable', status: 200 } }, 'overdue'],
    ['done now, keys garbled', REQUESTED, { actions: found([action('done')]), keys: GARBLED }, 'confirmed'],
    ['confirmed, keys garbled', CONFIRMED, { keys: GARBLED }, 'confirmed'],
    ['confirmed, keys refused', CONFIRMED, { keys: { kind: 'unreadable', status: 400 } }, 'confirmed'],
    ['confirmed, keys garbled for too long', CONFIRMED, { keys: GARBLED, givesUp: true }, 'overdue'],
    ['actions unreadable for too long', REQUESTED, { actions: UNREADABLE, givesUp: true }, 'overdue'],
    ['actions unreadable, but the key is there', REQUESTED, { actions: UNREADABLE, keys: found([NEW_KEY]) }, 'proven'],
  ])('%s', (_what, rotation, over, state) => {
    expect(observe(rotation, lastLook(over)).state).toBe(state);
  });
});

describe('observe: a device that is gone', () => {
  it.each<[string, Rotation, Partial<Look>, RotationState]>([
    ['without a newer key failed', REQUESTED, { keys: found([OLD_KEY]) }, 'failed'],
    ['and unknown to escrow too failed', REQUESTED, { keys: GONE }, 'failed'],
    ['with a newer key is proven', REQUESTED, { keys: found([NEW_KEY]) }, 'proven'],
    ['whose keys cannot be read is looked at again', REQUESTED, { keys: UNREADABLE }, 'requested'],
    ['after it was done waits for its key', CONFIRMED, { keys: found([OLD_KEY]) }, 'confirmed'],
    ['after it was done, with its key, is proven', CONFIRMED, { keys: found([NEW_KEY]) }, 'proven'],
    ['after an uncertain request failed', UNCERTAIN, { keys: found([OLD_KEY]) }, 'failed'],
  ])('%s', (_what, rotation, over, state) => {
    const next = observe(rotation, look({ actions: GONE, ...over }));
    expect(next.state).toBe(state);
    expect(next.failure).toBe(state === 'failed' ? 'deviceGone' : undefined);
    expect(next.unconfirmed).toBe(state === 'proven' && rotation.state !== 'confirmed' ? true : undefined);
  });
});

describe('observe: the encryption state', () => {
  const nowMs = CLAIMED_MS + 2 * HOUR_MS;
  const recorded = (seen: Partial<Look>, rotation = CONFIRMED) => observe(rotation, look(seen)).encryptionStates;

  it('is recorded with the ids of the read that told it', () => {
    const trace = { requestId: 'r', clientRequestId: 'c' };
    expect(recorded({ encryption: { kind: 'found', value: ENCRYPTION, trace } })).toEqual([
      { look: 1, atMs: nowMs, state: ENCRYPTION, ...trace },
    ]);
  });

  it('is recorded with its look, whole as Graph sent it, or as none', () => {
    expect(recorded({ encryption: found(ENCRYPTION) })).toEqual([{ look: 1, atMs: nowMs, state: ENCRYPTION }]);
    expect(recorded({ encryption: GONE })).toEqual([{ look: 1, atMs: nowMs, state: 'none' }]);
    expect(recorded({ encryption: UNREADABLE })).toBeUndefined();
    expect(recorded({})).toBeUndefined();
  });

  it('keeps members nobody knows yet', () => {
    const strange: EncryptionState = {
      ...ENCRYPTION,
      encryptionState: 'encryptedByAliens',
      advancedBitLockerStates: ['success', 'moonPhase'],
    };
    expect(recorded({ encryption: found(strange) })?.[0]?.state).toEqual(strange);
  });

  it('is recorded once per look, the first time, and once more by another look', () => {
    const once = observe(CONFIRMED, look({ encryption: GONE }));
    const other = found({ ...ENCRYPTION, encryptionState: 'notEncrypted' });
    expect(observe(once, look({ encryption: other, nowMs: nowMs + 1 })).encryptionStates).toEqual(
      once.encryptionStates,
    );
    expect(observe(once, look({ number: 2, encryption: found(ENCRYPTION) })).encryptionStates).toEqual([
      { look: 1, atMs: nowMs, state: 'none' },
      { look: 2, atMs: nowMs, state: ENCRYPTION },
    ]);
  });

  it('keeps what became of an earlier one', () => {
    const sent = { look: 0, atMs: 5, state: ENCRYPTION, creation: 'unknown', sender: 's' } as const;
    const next = observe({ ...CONFIRMED, encryptionStates: [sent] }, look({ encryption: GONE }));
    expect(next.encryptionStates?.[0]).toEqual(sent);
  });

  it.each<[string, Partial<Look>, RotationState]>([
    ['is proven', { actions: found([action('done')]), keys: found([NEW_KEY]) }, 'proven'],
    ['failed', { actions: found([action('failed')]) }, 'failed'],
    ['is overdue', { isLast: true, keys: found([OLD_KEY]) }, 'overdue'],
  ])('is recorded with a rotation that %s by the same look', (_what, seen, state) => {
    const next = observe(REQUESTED, look({ ...seen, encryption: found(ENCRYPTION) }));
    expect(next).toMatchObject({ state, encryptionStates: [{ look: 1, state: ENCRYPTION }] });
  });
});

/** Confirmed, with a state recorded so long before the look. */
function recordedBefore(state: EncryptionState | 'none', number: number, agoMs = HOUR_MS): Rotation {
  return { ...CONFIRMED, encryptionStates: [{ look: number, atMs: look().nowMs - agoMs, state }] };
}

describe('what a look reads', () => {
  it.each<[string, Rotation, Partial<Look>, boolean]>([
    ['nothing to see', REQUESTED, {}, false],
    ['pending', REQUESTED, { actions: found([action('pending')]) }, false],
    ['done', REQUESTED, { actions: found([action('done')]) }, true],
    ['failed', REQUESTED, { actions: found([action('failed')]) }, false],
    ['failed at the last look', REQUESTED, { actions: found([action('failed')]), isLast: true }, false],
    ['done by someone else before', REQUESTED, { actions: found([action('done', ASKED_MS - 1)]) }, false],
    ['unreadable', REQUESTED, { actions: UNREADABLE }, false],
    ['gone', REQUESTED, { actions: GONE }, true],
    ['the last look', REQUESTED, { isLast: true }, true],
    ['pending at the last look', REQUESTED, { actions: found([action('pending')]), isLast: true }, true],
    ['unreadable at the last look', REQUESTED, { actions: UNREADABLE, isLast: true }, true],
    ['confirmed', CONFIRMED, {}, true],
    ['uncertain, past the deadline', UNCERTAIN, {}, true],
    ['uncertain, on its way', UNCERTAIN, { serverNowMs: SEND_BY_MS }, false],
    ['uncertain, unreadable', UNCERTAIN, { actions: UNREADABLE }, false],
    ['uncertain, pending', UNCERTAIN, { actions: found([action('pending')]) }, false],
    ['due again', { ...REQUESTED, state: 'planned' }, { isLast: true }, false],
  ])('keys, %s: %s', (_what, rotation, over, needed) => {
    expect(needsKeys(rotation, look(over))).toBe(needed);
  });

  it.each<[string, Rotation, Partial<Look>, boolean]>([
    ['pending', REQUESTED, { actions: found([action('pending')]) }, false],
    ['done', REQUESTED, { actions: found([action('done')]) }, true],
    ['failed', REQUESTED, { actions: found([action('failed')]) }, true],
    ['canceled', REQUESTED, { actions: found([action('canceled')]) }, true],
    ['not supported', REQUESTED, { actions: found([action('notSupported')]) }, true],
    ['failed before the request', REQUESTED, { actions: found([action('failed', ASKED_MS - 1)]) }, false],
    ['uncertain, nothing seen', UNCERTAIN, {}, false],
    ['confirmed', CONFIRMED, {}, true],
    ['the last look', REQUESTED, { isLast: true }, true],
    ['gone', REQUESTED, { actions: GONE }, false],
    ['none recorded before', recordedBefore('none', 0), {}, false],
    ['none recorded before, the last look', recordedBefore('none', 0), { isLast: true }, true],
    ['none recorded by this very look, the last', recordedBefore('none', 1), { isLast: true }, false],
    ['one recorded before', recordedBefore(ENCRYPTION, 0), {}, false],
    ['one recorded within the day, the last look', recordedBefore(ENCRYPTION, 0, DAY_MS - 1), { isLast: true }, false],
    ['one older than the report is late, the last look', recordedBefore(ENCRYPTION, 0, DAY_MS), { isLast: true }, true],
    ['one older than the report is late', recordedBefore(ENCRYPTION, 0, DAY_MS), {}, false],
    ['one of this very look, the last', recordedBefore(ENCRYPTION, 1, DAY_MS), { isLast: true }, false],
  ])('the encryption state, %s: %s', (_what, rotation, over, needed) => {
    expect(needsEncryptionState(rotation, look(over))).toBe(needed);
  });

  it.each(ROTATION_STATES.filter(isTerminal))('nothing for a rotation that is %s', (state) => {
    const rotation = { ...REQUESTED, state };
    expect(needsKeys(rotation, lastLook({ actions: GONE }))).toBe(false);
    expect(needsEncryptionState(rotation, lastLook({ actions: found([action('done')]) }))).toBe(false);
  });
});

// ---------------------------------------------------------------- laws

/** Instants around everything that matters, so that edges are hit often. */
const instant = fc.constantFrom(
  ...[
    CLAIMED_MS - CLOCK_MARGIN_MS,
    ASKED_MS,
    ASKED_BY_MS,
    ASKED_MS + 500,
    SEND_BY_MS + CLOCK_MARGIN_MS,
    SEND_BY_MS + IN_FLIGHT_MS,
    CLAIMED_MS + 9 * HOUR_MS,
  ].flatMap((at) => [at - 1, at, at + 1]),
);
const anyReading = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Reading<T>> =>
  fc.oneof(
    { weight: 5, arbitrary: value.map(found) },
    fc.constant(GONE),
    fc.constantFrom(0, 200, 400, 429, 503).map((status) => ({ kind: 'unreadable', status }) as const),
  );
const anyAction = fc
  .tuple(
    fc.constantFrom<ActionState>('none', 'pending', 'canceled', 'active', 'done', 'failed', 'notSupported', 'unknown'),
    instant,
  )
  .map(([state, at]) => action(state, at));
const anyKey = fc
  .tuple(
    fc.integer({ min: 1, max: 4 }),
    instant,
    fc.constantFrom<VolumeType>('operatingSystemVolume', 'fixedDataVolume'),
  )
  .map(([n, at, volume]) => key(n, at, volume));
const anyLook = fc
  .record({
    actions: anyReading(fc.array(anyAction, { maxLength: 3 })),
    keys: fc.option(anyReading(fc.uniqueArray(anyKey, { maxLength: 3, selector: (k) => k.keyId })), { nil: undefined }),
    encryption: fc.option(anyReading(fc.constant(ENCRYPTION)), { nil: undefined }),
    number: fc.nat({ max: 3 }),
    isLast: fc.boolean(),
    nowMs: instant,
  })
  .map(
    ({ keys, encryption, ...rest }): Look => ({
      ...rest,
      serverNowMs: rest.nowMs,
      inFlightMs: IN_FLIGHT_MS,
      graphBehindMs: 0,
      ...(keys === undefined ? {} : { keys }),
      ...(encryption === undefined ? {} : { encryption }),
    }),
  );
const openRotation = fc
  .tuple(fc.constantFrom(REQUESTED, UNCERTAIN, CONFIRMED), fc.constantFrom(undefined, 0, 1), fc.boolean())
  .map(([rotation, emptyLooks, hasKeyBefore]): Rotation => {
    const { keyBeforeId: _id, keyBeforeAtMs: _at, ...without } = rotation;
    return {
      ...(hasKeyBefore ? rotation : without),
      ...(emptyLooks === undefined || rotation !== UNCERTAIN ? {} : { emptyLooks, look: 0 }),
    };
  });
const RUNS = { numRuns: 2_000 };

describe('laws of observe', () => {
  it('the same look twice is the look once', () => {
    fc.assert(
      fc.property(openRotation, anyLook, (rotation, seen) => {
        const once = observe(rotation, seen);
        expect(observe(once, seen)).toEqual(once);
      }),
      RUNS,
    );
  });

  it('a history in which every look is delivered twice ends like the one in which none is', () => {
    fc.assert(
      fc.property(openRotation, fc.array(anyLook, { maxLength: 5 }), (rotation, looks) => {
        const numbered = looks.map((one, number) => ({ ...one, number: number + 1 }));
        const once = numbered.reduce(observe, rotation);
        const twice = numbered.flatMap((one) => [one, one]).reduce(observe, rotation);
        expect(twice).toEqual(once);
      }),
      RUNS,
    );
  });

  it('what is recorded of the encryption grows by one entry per look that read it, and is never rewritten', () => {
    fc.assert(
      fc.property(openRotation, fc.array(anyLook, { maxLength: 5 }), (rotation, looks) => {
        let current = rotation;
        for (const [i, one] of looks.entries()) {
          const seen = { ...one, number: i + 1 };
          const before = current.encryptionStates ?? [];
          const inSight = !isTerminal(current.state) && current.state !== 'planned';
          current = observe(current, seen);
          const read = inSight && seen.encryption !== undefined && seen.encryption.kind !== 'unreadable';
          expect(current.encryptionStates ?? []).toEqual([
            ...before,
            ...(read
              ? [{ look: i + 1, atMs: seen.nowMs, state: seen.encryption?.kind === 'gone' ? 'none' : ENCRYPTION }]
              : []),
          ]);
        }
      }),
      RUNS,
    );
  });

  it('a state without a request in sight, terminal or due, comes back as it is', () => {
    const other = fc.constantFrom(
      ...ROTATION_STATES.filter((s) => !['requested', 'uncertain', 'confirmed'].includes(s)),
    );
    fc.assert(
      fc.property(openRotation, other, anyLook, (rotation, state, seen) => {
        const still = { ...rotation, state };
        expect(observe(still, seen)).toBe(still);
      }),
    );
  });

  it('nothing is proven without another OS-volume key, created after the request by a clock of the server', () => {
    fc.assert(
      fc.property(openRotation, anyLook, (rotation, seen) => {
        const next = observe(rotation, seen);
        if (next.state !== 'proven') return;
        const ours = ourAction(rotation, seen);
        const bounds = [rotation.acceptedByMs, rotation.actionStartedAtMs, ours?.startedAtMs].filter(
          (ms) => ms !== undefined,
        );
        const boundMs = bounds.length > 0 ? Math.min(...bounds) : SEND_BY_MS + CLOCK_MARGIN_MS;
        expect(next.keyAfterAtMs).toBeGreaterThan(boundMs);
        expect(next.keyAfterId).not.toBe(rotation.keyBeforeId);
        expect(seen.keys?.kind === 'found' && seen.keys.value).toContainEqual(
          key(Number(next.keyAfterId?.slice(-1)), next.keyAfterAtMs ?? 0),
        );
        const isConfirmed = rotation.state === 'confirmed' || ours?.state === 'done';
        expect(next.unconfirmed).toBe(isConfirmed ? undefined : true);
        if (!isConfirmed) expect(seen.isLast || seen.actions.kind === 'gone').toBe(true);
      }),
      RUNS,
    );
  });

  it('a request is repeated only after two empty looks past the send deadline, never at the last look', () => {
    fc.assert(
      fc.property(openRotation, fc.array(anyLook, { maxLength: 6 }), (rotation, looks) => {
        let current = rotation;
        const empty = new Set<number>();
        for (let i = 0; i < (rotation.emptyLooks ?? 0); i++) empty.add(-1);
        for (const [i, one] of looks.entries()) {
          const seen = { ...one, number: i + 1 };
          const next = observe(current, seen);
          const sawNothing =
            seen.serverNowMs >= SEND_BY_MS + IN_FLIGHT_MS &&
            seen.actions.kind === 'found' &&
            seen.keys?.kind === 'found' &&
            ourAction(current, seen) === undefined;
          if (next.emptyLooks !== current.emptyLooks || next.state === 'planned') {
            expect(sawNothing && !seen.isLast).toBe(true);
            empty.add(seen.number);
          }
          if (next.state === 'planned') {
            expect(current.state).toBe('uncertain');
            expect(empty.size).toBeGreaterThanOrEqual(2);
            expect(next.attempt).toBe(rotation.attempt + 1);
            return;
          }
          current = next;
        }
      }),
      RUNS,
    );
  });

  it('a last look at which everything could be read settles the rotation', () => {
    fc.assert(
      fc.property(openRotation, anyLook, (rotation, seen) => {
        fc.pre(seen.keys !== undefined && seen.keys.kind !== 'unreadable' && seen.actions.kind !== 'unreadable');
        expect(isTerminal(observe(rotation, { ...seen, isLast: true }).state)).toBe(true);
      }),
      RUNS,
    );
  });

  it('what a look asks for is enough: reading more changes no state', () => {
    fc.assert(
      fc.property(openRotation, anyLook, (rotation, seen) => {
        fc.pre(seen.keys !== undefined);
        const { keys: _keys, ...less } = seen;
        if (!needsKeys(rotation, seen)) expect(observe(rotation, less).state).toBe(observe(rotation, seen).state);
      }),
      RUNS,
    );
  });
});
