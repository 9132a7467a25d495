import { describe, expect, it } from 'vitest';
import { deviceCells } from '../../../src/domain/evidence/device-cells.ts';
import type { RecoveryKeyId } from '../../../src/domain/ids.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import { CANARY_RECOVERY_PASSWORD } from '../../../src/simulator/canary-secrets.ts';
import { sampleRotation } from '../../contracts/samples.ts';

const FLEET: Pick<Run, 'mode' | 'trigger' | 'targets'> = { mode: 'live', trigger: 'schedule' };
const KEY = 'cccccccc-0000-4000-8000-000000000002' as RecoveryKeyId;
const LATE_KEY = { state: 'proven', atMs: 2, keyId: KEY, keyAtMs: 1 } as const;
const cellsOf = (changes: Partial<Rotation>, run = FLEET) => deviceCells(run, sampleRotation(0, changes));
const noKey = (): Rotation => {
  const { keyBeforeId: _id, keyBeforeAtMs: _at, ...rotation } = sampleRotation(0);
  return rotation;
};

describe('the line of a device', () => {
  it.each<[string, Partial<Rotation>, Pick<Run, 'mode' | 'trigger' | 'targets'>, string, string]>([
    ['too old a key', { state: 'proven' }, FLEET, 'due', 'keyTooOld'],
    ['a name in a request', { state: 'overdue' }, { ...FLEET, targets: [] }, 'due', 'named'],
    ['what was given up', { state: 'proven' }, { ...FLEET, trigger: 'requeue' }, 'due', 'requeued'],
    ['a young key', { state: 'notDue' }, FLEET, 'notDue', 'keyYoungEnough'],
    ['a reason to skip it', { state: 'skipped', skipReason: 'excluded' }, FLEET, 'skipped', 'excluded'],
  ])('says what was decided by %s', (_what, changes, run, decision, reason) => {
    expect(cellsOf(changes, run)).toMatchObject({ decision, reason });
  });

  it('says what was decided by no key at all', () => {
    expect(deviceCells(FLEET, noKey())).toMatchObject({ decision: 'due', reason: 'noKey', keyBeforeId: '' });
  });

  it.each<[string, Partial<Rotation>, string]>([
    ['nobody was asked', { state: 'planned' }, ''],
    ['Graph took the request', { state: 'overdue', claimedAtMs: 1, acceptedByMs: 2 }, ''],
    ['Graph refused it', { state: 'refused', claimedAtMs: 1 }, ''],
    ['the answer was lost', { state: 'overdue', claimedAtMs: 1 }, 'yes'],
    ['a crash left the claim', { state: 'abandoned', claimedAtMs: 1 }, 'yes'],
    ['a key came though no answer did', { state: 'proven', claimedAtMs: 1 }, 'yes'],
  ])('says whether it is uncertain that the device was asked: %s', (_what, changes, uncertain) => {
    expect(cellsOf(changes).uncertain).toBe(uncertain);
  });

  it('tells instants in UTC, numbers as they are, and of what is unknown nothing', () => {
    const cells = cellsOf({ state: 'failed', acceptedByMs: Date.UTC(2026, 0, 2), httpStatus: 204, errorCode: -5 });
    expect(cells).toMatchObject({ acceptedBy: '2026-01-02T00:00:00.000Z', httpStatus: '204', errorCode: '-5' });
    expect(cells).toMatchObject({ provenAt: '', requestId: '', lateState: '', encryptionState: '', canary: '' });
  });

  it('tells what a later plan found', () => {
    const action = { actionState: 'done', actionStartedAtMs: 500, requestId: 'r', clientRequestId: 'c' } as const;
    const late = { state: 'proven', atMs: 2_000, keyId: KEY, keyAtMs: 1_000, ...action } as const;
    expect(cellsOf({ state: 'overdue', late })).toMatchObject({
      lateState: 'proven',
      lateAt: '1970-01-01T00:00:02.000Z',
      lateKeyId: KEY,
      lateKeyAt: '1970-01-01T00:00:01.000Z',
      lateUnconfirmed: '',
      lateActionState: 'done',
      lateActionStartedAt: '1970-01-01T00:00:00.500Z',
      lateRequestId: 'r',
      lateClientRequestId: 'c',
    });
  });

  it.each<[string, Partial<Rotation>, string]>([
    ['only a newer key was seen', { late: LATE_KEY }, 'yes'],
    ['the action was still pending when the run gave up', { late: LATE_KEY, actionState: 'pending' }, 'yes'],
    ['the action was found done with the key', { late: { ...LATE_KEY, actionState: 'done' } }, ''],
    ['the action was done before the run gave up', { late: LATE_KEY, confirmedAtMs: 1, actionState: 'done' }, ''],
    ['it was done without a key', { late: { state: 'confirmed', atMs: 2, actionState: 'done' } }, ''],
    ['it failed', { late: { state: 'failed', atMs: 2, actionState: 'failed' } }, ''],
    ['nothing was heard', { late: { state: 'expired', atMs: 2 } }, ''],
    ['nobody looked yet', {}, ''],
  ])('marks a late proof as unconfirmed unless the action ever said done: %s', (_what, changes, mark) => {
    expect(cellsOf({ state: 'abandoned', ...changes }).lateUnconfirmed).toBe(mark);
  });

  it('tells the encryption state that was recorded last', () => {
    const state = {
      id: '1',
      deviceName: 'x',
      userPrincipalName: 'secret@contoso.com',
      deviceType: 'desktop',
      osVersion: '',
      tpmSpecificationVersion: '',
      encryptionReadinessState: 'ready',
      encryptionState: 'encrypted',
      encryptionPolicySettingState: 'nonCompliant',
      advancedBitLockerStates: ['recoveryKeyBackupFailed', 'tpmNotReady'],
      fileVaultStates: [],
      policyDetails: [],
    } as const;
    const encryptionStates = [
      { look: 0, atMs: 0, state: 'none' },
      { look: 1, atMs: 1_000, state, requestId: 'r', clientRequestId: 'c', creation: 'created' },
    ] as const;
    const cells = cellsOf({ encryptionStates });
    expect(cells).toMatchObject({
      encryptionState: 'encrypted',
      encryptionReadiness: 'ready',
      policyState: 'nonCompliant',
      bitLockerStates: 'recoveryKeyBackupFailed tpmNotReady',
      encryptionStateAt: '1970-01-01T00:00:01.000Z',
      encryptionStateRequestId: 'r',
      encryptionStateClientRequestId: 'c',
      encryptionStateCreation: 'created',
    });
    expect(JSON.stringify(cells)).not.toContain('contoso');
    expect(cellsOf({ encryptionStates: encryptionStates.slice(0, 1) })).toMatchObject({
      encryptionState: 'none',
      policyState: '',
      encryptionStateRequestId: '',
    });
  });

  it.each<[Rotation['route'], string]>([
    [undefined, 'managedDevice'],
    [{ via: 'comanagedDevice', managedDeviceId: 'm' }, 'comanagedDevice'],
    [{ via: 'deviceHealthScript', scriptId: 's', deviceRunStateId: 'r' }, 'deviceHealthScript/s/r'],
    [
      { via: 'scriptUser', scriptId: 's', deviceRunStateId: 'r', userId: 'u', managedDeviceId: 'm' },
      'scriptUser/s/r/u',
    ],
    [
      { via: 'scriptDetectedApp', scriptId: 's', deviceRunStateId: 'r', detectedAppId: 'a', managedDeviceId: 'm' },
      'scriptDetectedApp/s/r/a',
    ],
  ])('tells the way %j as %s', (route, text) => {
    expect(cellsOf(route === undefined ? {} : { route }).route).toBe(text);
  });

  it('keeps a recovery password out, wherever someone put it', () => {
    const cells = cellsOf({
      deviceName: `PC ${CANARY_RECOVERY_PASSWORD}`,
      route: { via: 'deviceHealthScript', scriptId: CANARY_RECOVERY_PASSWORD, deviceRunStateId: 'r' },
    });
    expect(JSON.stringify(cells)).not.toContain(CANARY_RECOVERY_PASSWORD);
  });
});
