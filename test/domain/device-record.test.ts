import { describe, expect, it } from 'vitest';
import { type Claim, type DeviceRecord, dangerSinceMs, endedRecord } from '../../src/domain/device-record.ts';
import type { EntraDeviceId, RecoveryKeyId, RunId } from '../../src/domain/ids.ts';

const RECORD: DeviceRecord = { entraDeviceId: '00000002-0000-4000-8000-000000000001' as EntraDeviceId };
const KEY_ID = '00000003-0000-4000-8000-000000000001' as RecoveryKeyId;
const keyAt = (createdAtMs: number) => ({ key: { keyId: KEY_ID, createdAtMs } });
const CLAIM: Claim = {
  runId: 'run-2' as RunId,
  order: 0,
  attempt: 0,
  token: 't',
  claimedAtMs: 900,
  sendByMs: 1_000,
  previousRequestAtMs: 300,
};

describe('a device that rotated without a new key in escrow', () => {
  it.each([
    ['is remembered from then on', {}, { state: 'confirmed', doneWithoutKeySinceMs: 500 }, 500],
    ['stays remembered when a later request is refused', { doneWithoutKeySinceMs: 500 }, { state: 'refused' }, 500],
    ['stays remembered when a later request fails', { doneWithoutKeySinceMs: 500 }, { state: 'failed' }, 500],
    ['stays remembered when nothing is heard', { doneWithoutKeySinceMs: 500 }, { state: 'overdue' }, 500],
    [
      'needs a key newer than the last of two',
      { doneWithoutKeySinceMs: 500 },
      { state: 'overdue', doneWithoutKeySinceMs: 800 },
      800,
    ],
    [
      'needs it whichever is told first',
      { doneWithoutKeySinceMs: 800 },
      { state: 'overdue', doneWithoutKeySinceMs: 500 },
      800,
    ],
    ['is safe with a newer key', { doneWithoutKeySinceMs: 500 }, { state: 'proven', ...keyAt(501) }, undefined],
    ['is not with one of that instant', { doneWithoutKeySinceMs: 500 }, { state: 'proven', ...keyAt(500) }, 500],
    ['is none that was proven at once', {}, { state: 'proven', ...keyAt(501) }, undefined],
    [
      'is remembered from a record that did not say so yet',
      { lastState: 'confirmed', lastRequestAtMs: 300 },
      { state: 'failed' },
      300,
    ],
    [
      'is remembered from such a record that is claimed again',
      { lastState: 'confirmed', lastRequestAtMs: 900, claim: CLAIM },
      { state: 'refused' },
      300,
    ],
  ] as const)('%s', (_title, before, end, expected) => {
    const after = endedRecord({ ...RECORD, ...before }, end);
    expect(after.doneWithoutKeySinceMs).toBe(expected);
    expect('doneWithoutKeySinceMs' in after).toBe(expected !== undefined);
    expect(dangerSinceMs(after)).toBe(expected);
    expect(after.lastState).toBe(end.state);
  });
});
