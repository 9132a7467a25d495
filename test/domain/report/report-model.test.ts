import { describe, expect, it } from 'vitest';
import type { EncryptionState } from '../../../src/domain/encryption-state.ts';
import { deviceCells } from '../../../src/domain/evidence/device-cells.ts';
import { portalLink } from '../../../src/domain/portal-link.ts';
import { createAttentionList } from '../../../src/domain/report/attention-list.ts';
import { deviceOutcome } from '../../../src/domain/report/device-outcome.ts';
import { needsAttention, OUTCOME_WORDS } from '../../../src/domain/report/outcome-words.ts';
import { distributeTimes } from '../../../src/domain/report/time-classes.ts';
import { verdictOf } from '../../../src/domain/report/verdict.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import { SKIP_REASONS } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import { sampleRotation, sampleRun } from '../../contracts/samples.ts';
import { reportModel } from '../../support/report-models.ts';

const AT_MS = Date.UTC(2026, 10, 22, 2);
const EMPTY: EncryptionState = {
  id: '',
  deviceName: '',
  userPrincipalName: '',
  deviceType: 'windowsRT',
  osVersion: '',
  tpmSpecificationVersion: '',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'compliant',
  advancedBitLockerStates: [],
  fileVaultStates: [],
  policyDetails: [],
};

/** The recorded state with all its other properties empty. */
function withState(rotation: Partial<Rotation>, state: Partial<EncryptionState>): Partial<Rotation> {
  return { ...rotation, encryptionStates: [{ look: 5, atMs: AT_MS, state: { ...EMPTY, ...state } }] };
}

const withBackupFailed = (rotation: Partial<Rotation>) =>
  withState(rotation, { advancedBitLockerStates: ['networkError', 'recoveryKeyBackupFailed'] });

const withoutPolicy = (rotation: Partial<Rotation>) =>
  withState(rotation, { encryptionPolicySettingState: 'notAssigned' });

const TWO_TARGETS: Run['targets'] = [{ deviceName: 'X' }, { deviceName: 'Y' }];

const outcomeOf = (changes: Partial<Rotation>, mode: 'live' | 'dryRun' = 'live') =>
  deviceOutcome(deviceCells(sampleRun({ mode }), sampleRotation(0, changes)));

describe('the outcome of a device', () => {
  it.each([
    ['proven', { state: 'proven' }],
    ['provenUnconfirmed', { state: 'proven', unconfirmed: true }],
    ['notDue', { state: 'notDue' }],
    ['notAsked', { state: 'planned' }],
    ['waiting', { state: 'uncertain' }],
    ['neverEscrowed', { state: 'confirmed' }],
    ['deviceFailed', { state: 'failed', failure: 'action', errorCode: -5 }],
    ['escrowFull', { state: 'failed', failure: 'action', keyCount: 200 }],
    ['backupFailed', withBackupFailed({ state: 'failed', failure: 'action' })],
    ['deviceGone', { state: 'failed', failure: 'deviceGone' }],
    ['graphForbade', { state: 'refused', httpStatus: 403 }],
    ['graphUnknown', { state: 'refused', httpStatus: 404 }],
    ['graphRefused', { state: 'refused', httpStatus: 400 }],
    ['neverTaken', { state: 'refused' }],
    ['neverTaken', { state: 'refused', httpStatus: 503 }],
    ['neverTaken', { state: 'refused', httpStatus: 408 }],
    ['noAnswer', { state: 'overdue', actionState: 'pending' }],
    ['neverEscrowed', { state: 'overdue', confirmedAtMs: AT_MS }],
    ['escrowFailing', withBackupFailed({ state: 'overdue', confirmedAtMs: AT_MS })],
    ['rotatedWithoutPolicy', withoutPolicy({ state: 'overdue', confirmedAtMs: AT_MS })],
    ['silentWithoutPolicy', withoutPolicy({ state: 'overdue', actionState: 'pending' })],
    ['provenLate', withoutPolicy({ state: 'overdue', late: { state: 'proven', atMs: AT_MS } })],
    ['abandoned', withoutPolicy({ state: 'abandoned' })],
    ['abandoned', { state: 'abandoned' }],
    ['neverEscrowed', { state: 'abandoned', confirmedAtMs: AT_MS }],
    ['provenLate', { state: 'overdue', late: { state: 'proven', atMs: AT_MS } }],
    ['neverEscrowed', { state: 'overdue', late: { state: 'confirmed', atMs: AT_MS } }],
    ['deviceFailed', { state: 'overdue', late: { state: 'failed', atMs: AT_MS } }],
    ['neverEscrowed', { state: 'overdue', confirmedAtMs: AT_MS, late: { state: 'failed', atMs: AT_MS } }],
    ['neverEscrowed', { state: 'abandoned', confirmedAtMs: AT_MS, late: { state: 'expired', atMs: AT_MS } }],
    ['provenLate', { state: 'overdue', confirmedAtMs: AT_MS, late: { state: 'proven', atMs: AT_MS } }],
    ['noAnswer', { state: 'overdue', late: { state: 'expired', atMs: AT_MS } }],
  ] satisfies [string, Partial<Rotation>][])('is %s of %j', (outcome, changes) => {
    expect(outcomeOf(changes)).toBe(outcome);
  });

  it.each(SKIP_REASONS)('is the reason of a skipped one: %s', (skipReason) => {
    expect(outcomeOf({ state: 'skipped', skipReason })).toBe(skipReason);
  });

  it('of a dry run is that it would be asked, which needs nobody', () => {
    expect(outcomeOf({ state: 'planned' }, 'dryRun')).toBe('wouldAsk');
    expect(needsAttention('wouldAsk')).toBe(false);
  });

  it('of a newer version is unknown, and needs somebody', () => {
    expect(deviceOutcome({ state: 'teleported' })).toBe('unknown');
    expect(deviceOutcome({ state: 'skipped', reason: 'toString' })).toBe('unknown');
    expect(needsAttention('unknown')).toBe(true);
  });
});

describe('the model', () => {
  const rotations = [
    sampleRotation(0, {
      state: 'proven',
      acceptedByMs: AT_MS,
      keyAfterAtMs: AT_MS + 60_000,
      confirmedAtMs: AT_MS,
      httpStatus: 204,
    }),
    sampleRotation(1, { state: 'overdue', acceptedByMs: AT_MS, confirmedAtMs: AT_MS, httpStatus: 204 }),
    sampleRotation(2, {
      state: 'failed',
      acceptedByMs: AT_MS,
      failure: 'action',
      errorCode: -2_147_024_891,
      httpStatus: 204,
    }),
    sampleRotation(3, { state: 'skipped', skipReason: 'notEncrypted' }),
    sampleRotation(4, { state: 'notDue' }),
  ];

  it('counts every device once, and the dangerous ones first', () => {
    const model = reportModel(rotations);
    expect(model.outcomes.map(({ outcome }) => outcome)).toEqual([
      'neverEscrowed',
      'deviceFailed',
      'notEncrypted',
      'proven',
      'notDue',
    ]);
    expect(model.outcomes.reduce((sum, { devices }) => sum + devices, 0)).toBe(5);
    expect(model.funnel).toEqual({ due: 3, requested: 3, confirmed: 2, proven: 1 });
    expect(model.attention.map(({ outcome }) => outcome)).toEqual(['neverEscrowed', 'deviceFailed', 'notEncrypted']);
    expect(model.timeToKey).toMatchObject({ count: 1, medianMs: 60_000 });
    expect(model.rate).toMatchObject({ requests: 3 });
  });

  it('has every device in the histogram before and after', () => {
    const { agesBefore, agesAfter } = reportModel(rotations);
    const sum = (ages: object) => Object.values(ages).reduce((total: number, n: number) => total + n, 0);
    expect([sum(agesBefore), sum(agesAfter)]).toEqual([5, 5]);
  });

  it('leaves out of it who has no keys of its own, as the log and the fleet do', () => {
    const strays = (['noEntraDeviceId', 'duplicateRecord', 'notWindows'] as const).map((skipReason, i) =>
      sampleRotation(5 + i, { state: 'skipped', skipReason }),
    );
    const withStrays = reportModel([...rotations, ...strays]);
    expect([withStrays.agesBefore, withStrays.agesAfter]).toEqual([
      reportModel(rotations).agesBefore,
      reportModel(rotations).agesAfter,
    ]);
  });

  it.each([
    ['good', {}, [rotations[0]], '1 of 1 due key is rotated and proven.', 'Nothing needs you.'],
    [
      'bad',
      {},
      rotations,
      '1 of 3 due keys are rotated and proven (33.3 %).',
      '1 device may hold a key that escrow does not have: take it first. 2 more devices need somebody: the tables say what for.',
    ],
    [
      'bad',
      { abortReason: 'canaryFailed', state: 'aborted' },
      [rotations[0]],
      'Stopped early: too few of its canaries were proven, so the fleet was not asked. 1 of 1 due key is rotated and proven.',
      'Find out what kept the canaries from proof before the next run: the outcomes say what became of each.',
    ],
    [
      'bad',
      { abortReason: 'circuitBreaker', state: 'aborted' },
      [sampleRotation(0, { state: 'refused', httpStatus: 404 }), sampleRotation(1)],
      'Stopped early: too many requests were refused, or failed on the device. 0 of 2 due keys are rotated and proven.',
      'Find out why before the next run: the outcomes say what was refused, or failed.',
    ],
    ['neutral', { mode: 'dryRun', state: 'planning' }, [], 'Still planning.', 'Nothing needs you.'],
    [
      'good',
      {},
      [0, 1].map((i) => sampleRotation(i, { state: 'overdue', late: { state: 'proven', atMs: AT_MS } })),
      '0 of 2 due keys are rotated and proven, and 2 more since the run ended.',
      'Nothing needs you.',
    ],
    [
      'neutral',
      { mode: 'dryRun' },
      [sampleRotation(0)],
      'Dry run: nothing was sent. 1 device of 1 would be asked.',
      'Nothing needs you.',
    ],
    [
      'neutral',
      { state: 'settling' },
      [rotations[0]],
      'Still settling: 1 of 1 due key is rotated and proven so far.',
      'Nothing needs you.',
    ],
    ['good', { due: 0 }, [rotations[4]], 'No key was due among 1 device.', 'Nothing needs you.'],
    ['neutral', { state: 'planning' }, [], 'Still planning.', 'Nothing needs you.'],
    [
      'warn',
      { due: 0 },
      [rotations[3]],
      'No key was due among 1 device.',
      '1 device needs somebody: the tables say what for.',
    ],
    [
      'warn',
      { targets: TWO_TARGETS, unresolved: ['a device named X'] },
      [rotations[0]],
      '1 of 1 due key is rotated and proven.',
      'One target names no device.',
    ],
    [
      'warn',
      { targets: TWO_TARGETS },
      [rotations[0], sampleRotation(1, { state: 'skipped', skipReason: 'keyTooYoung' })],
      '1 of 1 due key is rotated and proven.',
      '1 of those named was not asked: the outcomes say why.',
    ],
    [
      'warn',
      { targets: TWO_TARGETS, due: 0, unresolved: ['a device named X', 'a device named Y'] },
      [],
      'No device was found by the names given: nothing was asked.',
      '2 targets name no device.',
    ],
    [
      'warn',
      { targets: TWO_TARGETS, mode: 'dryRun', due: 0, unresolved: ['a device named X', 'and 999 more'] },
      [],
      'No device was found by the names given: nothing was asked.',
      '1,000 targets name no device.',
    ],
    [
      'warn',
      { targets: TWO_TARGETS, due: 0 },
      [sampleRotation(0, { state: 'skipped', skipReason: 'keyTooYoung' })],
      'The device that was named could not be asked.',
      'The outcomes say why.',
    ],
  ] as const)('says first how it went: %s %j', (tone, changes, devices, headline, needs) => {
    const verdict = verdictOf(
      reportModel(
        [...devices].filter((one): one is Rotation => one !== undefined),
        changes,
      ),
    );
    expect({ ...verdict, needs: verdict.needs.join(' ') }).toEqual({ tone, headline, needs });
  });

  it('never rounds up to a whole that is not there', () => {
    const many = Array.from({ length: 2_000 }, (_, i) =>
      sampleRotation(i, { state: i === 0 ? 'requested' : 'proven' }),
    );
    expect(verdictOf(reportModel(many)).headline).toBe('1,999 of 2,000 due keys are rotated and proven (99.9 %).');
  });
});

describe('the list of devices that need attention', () => {
  it('keeps the most urgent when there are too many, in the order of the run, and knows how many there were', () => {
    const list = createAttentionList(3);
    const add = (deviceName: string, outcome: Parameters<typeof list.add>[0]) => list.add(outcome, { deviceName });
    add('a', 'notSeenRecently');
    add('b', 'noAnswer');
    add('c', 'noAnswer');
    add('d', 'noAnswer');
    add('e', 'neverEscrowed');
    add('f', 'proven');
    expect(list.rows().map(({ deviceName }) => deviceName)).toEqual(['e', 'b', 'c']);
    expect(list.total()).toBe(5);
  });
});

describe('a distribution of times', () => {
  it.each([
    ['seconds', [400, 900, 1_500, 4_000], 4],
    ['weeks', [60_000, 3 * 86_400_000, 90 * 86_400_000], 3],
    ['one', [0], 1],
  ])('has few classes whatever it is of, and every time in one of them: %s', (_name, times, count) => {
    const found = distributeTimes(Float64Array.from(times));
    expect(found?.classes.length).toBeLessThanOrEqual(9);
    expect(found?.classes.reduce((sum, one) => sum + one.count, 0)).toBe(count);
    expect(found?.longestMs).toBe(Math.max(...times));
  });

  it('knows the middle and nine of ten', () => {
    const found = distributeTimes(Float64Array.from({ length: 100 }, (_, i) => 100 - i));
    expect(found).toMatchObject({ medianMs: 50, p90Ms: 90, longestMs: 100 });
  });

  it('is nothing of nothing', () => {
    expect(distributeTimes(new Float64Array())).toBeUndefined();
  });
});

describe('the link into the portal', () => {
  const id = '0d8c9b32-6c1f-4a7e-9a4d-2f1c7e5b8a90';
  it.each([
    ['global', 'https://intune.microsoft.com/'],
    ['usgov', 'https://intune.microsoft.us/'],
    ['usgovdod', 'https://intune.microsoft.us/'],
    ['china', 'https://intune.microsoftonline.cn/'],
  ] as const)('goes to the admin center of the cloud: %s', (cloud, root) => {
    expect(portalLink(cloud, id)).toBe(
      `${root}#view/Microsoft_Intune_Devices/DeviceSettingsMenuBlade/~/overview/mdmDeviceId/${id}`,
    );
    expect(portalLink(cloud, '../x')).toBeUndefined();
  });
});

it('every outcome is said in words', () => {
  for (const words of Object.values(OUTCOME_WORDS))
    expect(Object.values(words).every((text) => text !== '')).toBe(true);
});
