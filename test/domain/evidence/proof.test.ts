import { describe, expect, it } from 'vitest';
import type { ActionResult, ActionState } from '../../../src/domain/action-result.ts';
import type { EvidenceCells } from '../../../src/domain/evidence/evidence-columns.ts';
import { judgeProof, proofOf } from '../../../src/domain/evidence/proof.ts';
import type { EntraDeviceId, RecoveryKeyId } from '../../../src/domain/ids.ts';
import type { RecoveryKey } from '../../../src/domain/recovery-key.ts';
import type { Reading } from '../../../src/domain/tenant.ts';

const DEVICE = 'dddddddd-0000-4000-8000-000000000001';
const KEY = 'cccccccc-0000-4000-8000-000000000002';
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 22, 2, minute)).toISOString();

const LINE: EvidenceCells = {
  deviceName: 'LT-1',
  entraDeviceId: DEVICE,
  managedDeviceId: DEVICE,
  state: 'proven',
  acceptedBy: at(0),
  actionStartedAt: at(1),
  confirmedAt: at(30),
  keyAfterId: KEY,
  keyAfterAt: at(20),
};
const LATE: EvidenceCells = {
  ...LINE,
  state: 'overdue',
  lateState: 'proven',
  keyAfterId: '',
  keyAfterAt: '',
  lateKeyId: KEY,
  lateKeyAt: at(20),
};
/** Its request was never answered, and its run never saw an action. */
const UNCERTAIN: EvidenceCells = { ...LATE, acceptedBy: '', actionStartedAt: '', confirmedAt: '', sendBy: at(21) };
const key = (changes: Partial<RecoveryKey> = {}): RecoveryKey => ({
  keyId: KEY as RecoveryKeyId,
  entraDeviceId: DEVICE as EntraDeviceId,
  volumeType: 'operatingSystemVolume',
  createdAtMs: Date.parse(at(20)),
  ...changes,
});
const found = <T>(value: T): Reading<T> => ({ kind: 'found', value });
const actions = (...states: ActionState[]): Reading<readonly ActionResult[]> =>
  found(states.map((state) => ({ state, startedAtMs: Date.parse(at(1)), lastUpdatedAtMs: Date.parse(at(2)) })));

const judge = (line: EvidenceCells, keys?: Reading<readonly RecoveryKey[]>, results = actions('done')) =>
  judgeProof(proofOf(5, line), keys, results);

describe('Graph agrees with a line that says proven', () => {
  it.each<[string, EvidenceCells, RecoveryKey[]]>([
    ['when escrow holds its key', LINE, [key()]],
    ['among others', LINE, [key({ keyId: 'other' as RecoveryKeyId }), key()]],
    ['in whatever letter case ids are written', { ...LINE, entraDeviceId: DEVICE.toUpperCase() }, [key()]],
    ['when only the action tells of the request', { ...LINE, acceptedBy: '' }, [key()]],
    ['when only the send deadline does', { ...LINE, acceptedBy: '', actionStartedAt: '', sendBy: at(2) }, [key()]],
    ['when it had another key before', { ...LINE, keyBeforeId: 'cccccccc-0000-4000-8000-000000000001' }, [key()]],
    ['when it was proven late', LATE, [key()]],
    [
      'when it was proven late by a key older than the send deadline, and younger than the action that the plan found done',
      { ...UNCERTAIN, lateActionState: 'done', lateActionStartedAt: at(19) },
      [key()],
    ],
  ])('%s', (_what, line, keys) => {
    expect(judge(line, found(keys))).toMatchObject({ kind: 'agrees' });
  });

  it.each<[ActionState | undefined, string]>([
    ['done', 'done'],
    ['pending', 'pending'],
    [undefined, 'forgotten'],
  ])('when Intune says %s of the action', (state, action) => {
    const results = state === undefined ? actions() : actions(state);
    expect(judge(LINE, found([key()]), results)).toEqual({ kind: 'agrees', action });
  });

  it('when the action that was found done late still says so', () => {
    const line = { ...UNCERTAIN, lateActionState: 'done', lateActionStartedAt: at(1) };
    expect(judge(line, found([key()]), actions('done'))).toEqual({ kind: 'agrees', action: 'done' });
  });

  it('when a later action of the device failed, which is another one', () => {
    const later = found([
      { state: 'failed' as const, startedAtMs: Date.parse(at(40)), lastUpdatedAtMs: Date.parse(at(41)) },
    ]);
    expect(judge(LINE, found([key()]), later)).toEqual({ kind: 'agrees', action: 'forgotten' });
  });

  it('when Intune no longer has the device, whose key is still in escrow', () => {
    expect(judge(LINE, found([key()]), { kind: 'gone' })).toEqual({ kind: 'agrees', action: 'unread' });
  });
});

describe('Graph does not agree', () => {
  it.each<[string, EvidenceCells, Reading<readonly RecoveryKey[]> | undefined, RegExp]>([
    ['when escrow holds no such key', LINE, found([key({ keyId: 'other' as RecoveryKeyId })]), /holds no key/],
    ['when it is of another volume', LINE, found([key({ volumeType: 'fixedDataVolume' })]), /OS volume/],
    ['when it was created at another time', LINE, found([key({ createdAtMs: Date.parse(at(21)) })]), /created at 2026/],
    [
      'when it is older than the request',
      { ...LINE, acceptedBy: at(25), actionStartedAt: at(25) },
      found([key()]),
      /older/,
    ],
    ['when it is as old as the request', { ...LINE, acceptedBy: at(20), actionStartedAt: '' }, found([key()]), /older/],
    [
      'when nobody says when it was asked for',
      { ...LINE, acceptedBy: '', actionStartedAt: '' },
      found([key()]),
      /does not say/,
    ],
    [
      'when the key is filed under another device',
      LINE,
      found([key({ entraDeviceId: 'other' as EntraDeviceId })]),
      /holds no key/,
    ],
    ['when it is the key that the device had before', { ...LINE, keyBeforeId: KEY }, found([key()]), /known before/],
    [
      'when that is written in capital letters',
      { ...LATE, keyBeforeId: KEY.toUpperCase() },
      found([key()]),
      /known before/,
    ],
    ['when a late key is older than the send deadline, and no action is told of', UNCERTAIN, found([key()]), /older/],
    [
      'when a late key is older than the action that is told of',
      { ...UNCERTAIN, lateActionStartedAt: at(20) },
      found([key()]),
      /older/,
    ],
    [
      'when only the cells of a late action make the key of a look count',
      { ...LINE, acceptedBy: at(25), actionStartedAt: '', lateActionStartedAt: at(1) },
      found([key()]),
      /older/,
    ],
    ['when the line names no device', { ...LINE, entraDeviceId: 'x' }, undefined, /no Entra device id/],
    ['when the line names no key', { ...LINE, keyAfterId: '' }, found([key()]), /the line names no key/],
  ])('%s', (_what, line, keys, because) => {
    expect(judge(line, keys)).toMatchObject({ kind: 'disagrees', because: expect.stringMatching(because) });
  });

  it.each<[ActionState, EvidenceCells]>([
    ['failed', LINE],
    ['canceled', LINE],
    ['notSupported', LINE],
    ['failed', { ...LINE, confirmedAt: '', unconfirmed: 'yes' }],
    ['failed', { ...UNCERTAIN, lateActionState: 'done', lateActionStartedAt: at(1) }],
    ['failed', { ...LATE, actionStartedAt: at(0), lateActionState: 'done', lateActionStartedAt: at(1) }],
  ])('when Intune now says %s of the very action that the line tells of', (state, line) => {
    expect(judge(line, found([key()]), actions(state))).toMatchObject({
      kind: 'disagrees',
      because: `Intune says that the action which began at ${at(1)} ended as ${state}, not done`,
    });
  });
});

describe('Graph cannot tell', () => {
  it.each<[string, Reading<readonly RecoveryKey[]>, Reading<readonly ActionResult[]> | undefined, RegExp]>([
    ['when the tenant no longer has the device', { kind: 'gone' }, undefined, /no longer has the device/],
    ['when neither Intune nor escrow has it', found([]), { kind: 'gone' }, /Intune no longer has the device/],
    ['when it does not answer', { kind: 'unreadable', status: 503 }, undefined, /\(status 503\)/],
  ])('%s', (_what, keys, results, because) => {
    const verdict = judgeProof(proofOf(5, LINE), keys, results);
    expect(verdict).toMatchObject({ kind: 'unchecked', because: expect.stringMatching(because) });
  });
});
