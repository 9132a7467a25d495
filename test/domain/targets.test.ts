/** Targets as people name them: how each is resolved, whether it can be asked about, and how it is told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntraDeviceId, parseManagedDeviceId } from '../../src/domain/ids.ts';
import {
  aimOf,
  describeTarget,
  isAskable,
  isPathSegment,
  type RotationTarget,
  SCRIPT_KINDS,
  targetKey,
} from '../../src/domain/targets.ts';
import { anyTarget } from '../storage/arbitraries.ts';

const GUID = '0f0e0d0c-1111-4222-8333-444455556666';
const managedDeviceId = parseManagedDeviceId(GUID);
const entraDeviceId = parseEntraDeviceId(GUID) ?? expect.unreachable();
const script = { deviceManagementScriptId: 's', deviceRunStateId: 'r' };
const routed = { scriptId: 's', deviceRunStateId: 'r', managedDeviceId };

const CASES: readonly (readonly [told: string, RotationTarget, ReturnType<typeof aimOf>])[] = [
  [`managedDeviceId ${GUID}`, { managedDeviceId }, { at: 'managedDevice', managedDeviceId }],
  [`entraDeviceId ${GUID}`, { entraDeviceId }, { at: 'entraDevice', entraDeviceId }],
  [`comanagedDeviceId ${GUID}`, { comanagedDeviceId: managedDeviceId }, { at: 'comanagedDevice', managedDeviceId }],
  ['deviceName LT-1', { deviceName: 'LT-1' }, { at: 'named', by: 'deviceName', value: 'LT-1' }],
  ['serialNumber 5CG', { serialNumber: '5CG' }, { at: 'named', by: 'serialNumber', value: '5CG' }],
  [
    'userPrincipalName ann@contoso.com',
    { userPrincipalName: 'ann@contoso.com' },
    { at: 'named', by: 'userPrincipalName', value: 'ann@contoso.com' },
  ],
  ...SCRIPT_KINDS.flatMap((kind): typeof CASES => [
    [
      `${kind}Id s, deviceRunStateId r`,
      { [`${kind}Id`]: 's', deviceRunStateId: 'r' } as unknown as RotationTarget,
      { at: 'runState', script: kind, scriptId: 's', deviceRunStateId: 'r' },
    ],
    [
      `${kind}Id s`,
      { [`${kind}Id`]: 's', failing: true } as unknown as RotationTarget,
      { at: 'failing', script: kind, scriptId: 's' },
    ],
  ]),
  [
    `deviceManagementScriptId s, deviceRunStateId r, userId u, managedDeviceId ${GUID}`,
    { ...script, userId: 'u', managedDeviceId },
    { at: 'routed', managedDeviceId, route: { via: 'scriptUser', ...routed, userId: 'u' } },
  ],
  [
    `deviceManagementScriptId s, deviceRunStateId r, detectedAppId a, managedDeviceId ${GUID}`,
    { ...script, detectedAppId: 'a', managedDeviceId },
    { at: 'routed', managedDeviceId, route: { via: 'scriptDetectedApp', ...routed, detectedAppId: 'a' } },
  ],
];

describe('a target', () => {
  it.each(CASES)('is told as %s, and resolved by its shape', (told, target, aim) => {
    expect(describeTarget(target)).toBe(told);
    expect(aimOf(target)).toEqual(aim);
    expect(isAskable(target)).toBe(true);
  });

  it('has a key that no other has, whatever the order of its properties', () => {
    fc.assert(
      fc.property(anyTarget, anyTarget, (one, other) => {
        const reordered = Object.fromEntries(Object.entries(one).toReversed()) as unknown as RotationTarget;
        expect(targetKey(reordered)).toBe(targetKey(one));
        const same = JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
        expect(targetKey(one) === targetKey(other)).toBe(same);
      }),
    );
  });

  it.each([
    ['a slash in a script id', { deviceHealthScriptId: '../managedDevices', failing: true }],
    ['an empty run state id', { deviceHealthScriptId: 's', deviceRunStateId: '' }],
    ['a query in a user id', { ...script, userId: 'u?x=1', managedDeviceId }],
    ['a fragment in an app id', { ...script, detectedAppId: 'a#', managedDeviceId }],
    ['dots for a script', { deviceComplianceScriptId: '..', deviceRunStateId: 'r' }],
    ['an empty name', { deviceName: '' }],
    ['a name that is no text', { serialNumber: '\ud800' }],
  ] satisfies readonly (readonly [string, RotationTarget])[])('cannot be asked about: %s', (_what, target) => {
    expect(isAskable(target)).toBe(false);
  });

  it('may be named by any text a filter can hold', () => {
    expect(isAskable({ deviceName: "O'Neil's / 100 %" })).toBe(true);
  });

  it('is told in printable text of bounded length', () => {
    expect(describeTarget({ deviceName: 'a\nb' })).toBe('deviceName "a\\nb"');
    expect(describeTarget({ deviceName: '' })).toBe('deviceName ""');
    expect(describeTarget({ deviceName: 'a\u009b2J' })).toBe('deviceName "a\\u{9b}2J"');
    expect(describeTarget({ deviceName: 'ü'.repeat(300) })).toBe(`deviceName ${'ü'.repeat(256)}…`);
    fc.assert(
      fc.property(anyTarget, (target) => {
        const told = describeTarget(target);
        expect(told.isWellFormed()).toBe(true);
        expect(told).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  it('that can be asked about keeps every id one segment of a path', () => {
    fc.assert(
      fc.property(anyTarget, (target) => {
        const aim = aimOf(target);
        if (!isAskable(target) || aim.at === 'named') return;
        const { route, at: _at, script: _kind, ...ids } = { route: undefined, script: undefined, ...aim };
        for (const id of Object.values({ ...ids, ...(route as object | undefined) })) {
          expect(isPathSegment(String(id))).toBe(true);
        }
      }),
    );
  });
});
