import { describe, expect, it } from 'vitest';
import { deviceCells } from '../../../src/domain/evidence/device-cells.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import { CANARY_RECOVERY_PASSWORD } from '../../../src/simulator/canary-secrets.ts';
import { sampleRotation } from '../../contracts/samples.ts';

const FLEET: Pick<Run, 'mode' | 'trigger' | 'targets'> = { mode: 'live', trigger: 'schedule' };
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
      { look: 1, atMs: 1_000, state, creation: 'created' },
    ] as const;
    const cells = cellsOf({ encryptionStates });
    expect(cells).toMatchObject({
      encryptionState: 'encrypted',
      encryptionReadiness: 'ready',
      policyState: 'nonCompliant',
      bitLockerStates: 'recoveryKeyBackupFailed tpmNotReady',
      encryptionStateAt: '1970-01-01T00:00:01.000Z',
      encryptionStateCreation: 'created',
    });
    expect(JSON.stringify(cells)).not.toContain('contoso');
    expect(cellsOf({ encryptionStates: encryptionStates.slice(0, 1) })).toMatchObject({
      encryptionState: 'none',
      policyState: '',
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
