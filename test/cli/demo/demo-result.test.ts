import { describe, expect, it } from 'vitest';
import { compareWithTruth, type DemoFacts } from '../../../src/cli/demo/demo-result.ts';
import { demoLines } from '../../../src/cli/render/demo-lines.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId } from '../../../src/domain/ids.ts';
import type { Rotation, RotationState } from '../../../src/domain/rotation.ts';
import type { DeviceTruth } from '../../../src/simulator/truth.ts';
import { PLAIN, report } from '../samples.ts';

const id = (prefix: number, index: number) => `${prefix}0000000-0000-4000-8000-00000000000${index}`;

function row(index: number, state: RotationState, changes: Partial<Rotation> = {}): Rotation {
  return {
    order: index,
    managedDeviceId: id(1, index) as ManagedDeviceId,
    entraDeviceId: id(2, index) as EntraDeviceId,
    deviceName: `PC-${index}`,
    state,
    attempt: 0,
    ...(state === 'proven' ? { keyAfterId: id(3, index) as RecoveryKeyId } : {}),
    ...changes,
  };
}

function device(index: number, kind: DeviceTruth['kind'], changes: Partial<DeviceTruth> = {}): DeviceTruth {
  const didRotate = kind === 'online';
  return {
    index,
    kind,
    reason: `is ${kind}`,
    managedDeviceId: id(1, index),
    entraDeviceId: id(2, index),
    deviceName: `PC-${index}`,
    requested: kind === 'keyCap' || kind === 'keyYoung' ? 0 : 1,
    rotated: didRotate ? 1 : 0,
    ...(didRotate ? { newestKey: { keyId: id(3, index), createdAtMs: 0 } } : {}),
    ...changes,
  };
}

const tally = { requests: 3, throttled: 0, maxInWindow: 3, firstAtMs: 0, lastAtMs: 0 };

/** Two proven, one offline, one capped, one whose key is young. */
function facts(changes: Partial<DemoFacts> = {}): DemoFacts {
  return {
    report: report({
      state: 'completed',
      devices: 5,
      due: 3,
      counts: { proven: 2, overdue: 1, skipped: 2 },
      skipped: { keyLimitReached: 1, keyTooYoung: 1 },
    }),
    rotations: [
      row(0, 'proven'),
      row(1, 'proven'),
      row(2, 'overdue'),
      row(3, 'skipped', { skipReason: 'keyLimitReached' }),
      row(4, 'skipped', { skipReason: 'keyTooYoung' }),
    ],
    truth: [
      device(0, 'online'),
      device(1, 'online'),
      device(2, 'offline'),
      device(3, 'keyCap'),
      device(4, 'keyYoung'),
      device(5, 'otherPlatform', { requested: 0 }),
    ],
    referee: {
      violationCounts: {},
      classes: { write: tally, any: tally, key: tally, stateWrite: tally, stateAny: tally, audit: tally },
      httpRequests: 9,
      rotationsAccepted: 3,
    },
    ...changes,
  };
}

describe('a run and the simulated devices', () => {
  it('agree when every proof is a rotation and every rotation a proof', () => {
    const result = compareWithTruth(facts());
    expect(result).toMatchObject({
      agrees: true,
      problems: [],
      proven: 2,
      rotatedByDevices: 2,
      throttled: 0,
      violations: 0,
    });
  });

  it('name what was not proven by what the devices really did; young keys are no failure', () => {
    expect(compareWithTruth(facts()).notProven).toEqual([
      { reported: 'skipped: keyLimitReached', truth: 'is keyCap', devices: 1, names: ['PC-3'] },
      { reported: 'overdue', truth: 'is offline', devices: 1, names: ['PC-2'] },
    ]);
  });

  const withRow = (index: number, changed: Rotation): Partial<DemoFacts> => ({
    rotations: facts().rotations.map((one, i) => (i === index ? changed : one)),
  });
  const withDevice = (index: number, changed: DeviceTruth): Partial<DemoFacts> => ({
    truth: facts().truth.map((one, i) => (i === index ? changed : one)),
  });
  it.each<[string, Partial<DemoFacts>, string]>([
    ['a proof without a rotation', withDevice(1, device(1, 'offline')), '1 called proven whose device did not rotate'],
    ['a rotation without a proof', withDevice(2, device(2, 'online')), '1 rotated and not called proven'],
    [
      'a proof by an old key',
      withRow(0, row(0, 'proven', { keyAfterId: id(3, 9) as RecoveryKeyId })),
      '1 proven by another key',
    ],
    ['a device asked twice', withDevice(0, device(0, 'online', { requested: 2 })), '1 devices asked more than once'],
    ['a device without a row', { rotations: facts().rotations.slice(1) }, 'the run has 4 devices, the tenant lists 5'],
    ['counts that do not add up', { report: report({ ...facts().report, devices: 6 }) }, 'add up to 5, not to 6'],
    ['counts that are not those of the rows', withRow(2, row(2, 'failed')), 'not those of its devices'],
    [
      'an aborted run',
      { report: report({ ...facts().report, state: 'aborted', abortReason: 'canaryFailed' }) },
      'aborted (canaryFailed)',
    ],
    [
      'a request nobody recorded',
      { referee: { ...facts().referee, rotationsAccepted: 4 } },
      '3 requests on record, 4 accepted',
    ],
    ['a broken rule', { referee: { ...facts().referee, violationCounts: { doubleRotation: 1 } } }, 'doubleRotation'],
  ])('do not agree with %s', (_what, changes, problem) => {
    const result = compareWithTruth(facts(changes));
    expect(result.agrees).toBe(false);
    expect(result.problems.join('\n')).toContain(problem);
  });
});

describe('the summary of the demo', () => {
  const summary = (changes: Partial<DemoFacts> = {}) => {
    const all = facts(changes);
    const rest = {
      speed: 2_000,
      tookMs: 60_000,
      settings: { CONFIRM_SCHEDULE: 'PT0.9S' },
      notListed: 1,
      logFile: '/tmp/f.log',
    };
    return demoLines({ result: compareWithTruth(all), report: all.report, ...rest }, PLAIN, 100).join('\n');
  };

  it('says what is proven, what is not and why, and how time was compressed', () => {
    const text = summary();
    expect(text).toContain('2 rotations proven, and the simulated devices agree with every one of them.');
    expect(text).toContain('✓ proven 2 = rotated by the simulated devices 2');
    expect(text).toMatch(/overdue +1 +is offline +PC-2/);
    expect(text).toMatch(/keyTooYoung +1/);
    expect(text).toContain('✓ requests throttled (429): 0');
    expect(text).toContain("Took 1 min, 1 d 9 h of the tenant's time");
    expect(text).toContain('CONFIRM_SCHEDULE=PT0.9S');
    expect(text).toContain('(1 more is not Windows, and not listed)');
    expect(text).toContain('/tmp/f.log');
  });

  it('says so when the figures disagree', () => {
    const text = summary(withoutRotation());
    expect(text).toContain('do not agree');
    expect(text).toContain('✗ proven 2 ≠ rotated by the simulated devices 1');
    expect(text).not.toContain('agree with every one');
  });

  function withoutRotation(): Partial<DemoFacts> {
    return { truth: facts().truth.map((one, i) => (i === 1 ? device(1, 'offline') : one)) };
  }
});
