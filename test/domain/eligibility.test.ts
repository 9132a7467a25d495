import { describe, expect, it } from 'vitest';
import {
  countEligible,
  type EligibilityRules,
  ineligibleBecause,
  isRotatingBuild,
} from '../../src/domain/eligibility.ts';
import { type EntraDeviceId, parseEntraDeviceId, parseManagedDeviceId } from '../../src/domain/ids.ts';
import type { ManagedDevice } from '../../src/domain/managed-device.ts';
import type { SkipReason } from '../../src/domain/rotation.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 22, 2);
const RULES: EligibilityRules = {
  nowMs: NOW_MS,
  seenWithinMs: 14 * DAY_MS,
  isExcluded: (device) => device.deviceName.startsWith('KIOSK-'),
};
const GOOD: ManagedDevice = {
  managedDeviceId: parseManagedDeviceId('0f0e0d0c-1111-4222-8333-444455556666'),
  entraDeviceId: parseEntraDeviceId('aaaaaaaa-1111-4222-8333-444455556666') as EntraDeviceId,
  deviceName: 'LT-00001',
  operatingSystem: 'Windows',
  osVersion: '10.0.22631.4037',
  isEncrypted: true,
  enrollmentType: 'windowsAzureADJoin',
  managementAgent: 'mdm',
  managementState: 'managed',
  lastSyncAtMs: NOW_MS - DAY_MS,
};

describe('ineligibleBecause', () => {
  it.each<[string, Partial<ManagedDevice>, SkipReason | undefined]>([
    ['an ordinary laptop', {}, undefined],
    ['an iPhone', { operatingSystem: 'iOS' }, 'notWindows'],
    ['windows in small letters', { operatingSystem: 'windows' }, undefined],
    ['an excluded device', { deviceName: 'KIOSK-1' }, 'excluded'],
    ['no Entra device id', { entraDeviceId: undefined }, 'noEntraDeviceId'],
    ['a device being retired', { managementState: 'retirePending' }, 'notManaged'],
    ['a device being wiped', { managementState: 'wipeIssued' }, 'notManaged'],
    ['a device only discovered', { managementState: 'discovered' }, 'notManaged'],
    ['a device whose wipe failed', { managementState: 'wipeFailed' }, undefined],
    ['no management state', { managementState: '' }, undefined],
    ['Configuration Manager alone', { managementAgent: 'configurationManagerClient' }, 'notManaged'],
    ['Defender alone', { managementAgent: 'msSense' }, 'notManaged'],
    ['co-managed', { managementAgent: 'configurationManagerClientMdm' }, undefined],
    ['managed by Microsoft 365', { managementAgent: 'microsoft365ManagedMdm' }, undefined],
    ['an agent left out', { managementAgent: '' }, undefined],
    ['bulk enrolled', { enrollmentType: 'windowsBulkAzureDomainJoin' }, undefined],
    ['joined by device credentials', { enrollmentType: 'windowsAzureADJoinUsingDeviceAuth' }, undefined],
    ['hybrid joined and co-managed', { enrollmentType: 'windowsCoManagement' }, undefined],
    ['only registered', { enrollmentType: 'userEnrollment' }, 'enrollmentTypeUnsupported'],
    ['auto enrolled without a join', { enrollmentType: 'windowsAutoEnrollment' }, 'enrollmentTypeUnsupported'],
    ['an old build', { osVersion: '10.0.18362.1' }, 'osTooOld'],
    ['not encrypted', { isEncrypted: false }, 'notEncrypted'],
    ['seen at the edge', { lastSyncAtMs: NOW_MS - 14 * DAY_MS }, undefined],
    ['seen just before it', { lastSyncAtMs: NOW_MS - 14 * DAY_MS - 1 }, 'notSeenRecently'],
    ['never seen', { lastSyncAtMs: 0 }, 'notSeenRecently'],
  ])('%s', (_what, changes, reason) => {
    expect(ineligibleBecause({ ...GOOD, ...changes }, RULES)).toBe(reason);
  });

  it.each<[Partial<ManagedDevice>, SkipReason]>([
    [{ operatingSystem: 'macOS', deviceName: 'KIOSK-1' }, 'notWindows'],
    [{ deviceName: 'KIOSK-1', entraDeviceId: undefined }, 'excluded'],
    [{ entraDeviceId: undefined, managementState: 'wipePending' }, 'noEntraDeviceId'],
    [{ managementState: 'wipePending', osVersion: '6.1.7601' }, 'notManaged'],
    [{ osVersion: '6.1.7601', isEncrypted: false }, 'osTooOld'],
    [{ isEncrypted: false, lastSyncAtMs: 0 }, 'notEncrypted'],
  ])('names the first of several reasons: %j', (changes, reason) => {
    expect(ineligibleBecause({ ...GOOD, ...changes }, RULES)).toBe(reason);
  });
});

describe('isRotatingBuild', () => {
  it.each([
    ['10.0.18363', true],
    ['10.0.18363.1', true],
    ['10.0.18362.9999', false],
    ['10.0.26100.2033', true],
    ['10.0.9999', false],
    ['10.0', false],
    ['10.1', true],
    ['11.0.0', true],
    ['6.3.99999', false],
    ['', false],
    ['unknown', false],
    ['10.0.x', false],
  ])('%s: %s', (version, is) => {
    expect(isRotatingBuild(version)).toBe(is);
  });
});

describe('countEligible', () => {
  it('leaves out what no key can change, and keeps what is held back for its keys, its claim or the cap of a run', () => {
    const heldBack = { keyTooYoung: 1, keyLimitReached: 2, rotationPending: 4, overRunLimit: 8 };
    expect(countEligible(100, heldBack)).toBe(100);
    expect(countEligible(100, { ...heldBack, notEncrypted: 16, duplicateRecord: 32, excluded: 1 })).toBe(51);
  });
});
