import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EncryptionState } from '../../src/domain/encryption-state.ts';
import { encryptionStateBody, parseEncryptionState } from '../../src/graph/encryption-states.ts';
import { GRAPH_ROOT } from './fakes.ts';

const context = { operation: 'encryptionStates', graphRoot: GRAPH_ROOT } as const;

/** The request body of the reference page's example, to the letter. */
const EXAMPLE = {
  '@odata.type': '#microsoft.graph.managedDeviceEncryptionState',
  userPrincipalName: 'User Principal Name value',
  deviceType: 'windowsRT',
  osVersion: 'Os Version value',
  tpmSpecificationVersion: 'Tpm Specification Version value',
  deviceName: 'Device Name value',
  encryptionReadinessState: 'ready',
  encryptionState: 'encrypted',
  encryptionPolicySettingState: 'notApplicable',
  advancedBitLockerStates: 'noUserConsent',
  fileVaultStates: 'driveEncryptedByUser',
  policyDetails: [
    {
      '@odata.type': 'microsoft.graph.encryptionReportPolicyDetails',
      policyId: 'Policy Id value',
      policyName: 'Policy Name value',
    },
  ],
};
const ID = 'f09b4ab6-4ab6-f09b-b64a-9bf0b64a9bf0';

/** Every member of every enum of the page. */
const MEMBERS = {
  deviceType:
    'desktop windowsRT winMO6 nokia windowsPhone mac winCE winEmbedded iPhone iPad iPod android iSocConsumer unix macMDM holoLens surfaceHub androidForWork androidEnterprise blackberry palm unknown',
  encryptionReadinessState: 'notReady ready',
  encryptionState: 'notEncrypted encrypted',
  encryptionPolicySettingState: 'unknown notApplicable compliant remediated nonCompliant error conflict notAssigned',
  advancedBitLockerStates:
    'success noUserConsent osVolumeUnprotected osVolumeTpmRequired osVolumeTpmOnlyRequired osVolumeTpmPinRequired osVolumeTpmStartupKeyRequired osVolumeTpmPinStartupKeyRequired osVolumeEncryptionMethodMismatch recoveryKeyBackupFailed fixedDriveNotEncrypted fixedDriveEncryptionMethodMismatch loggedOnUserNonAdmin windowsRecoveryEnvironmentNotConfigured tpmNotAvailable tpmNotReady networkError',
  fileVaultStates: 'success driveEncryptedByUser userDeferredEncryption escrowNotEnabled',
} as const;

const everyMember = Object.entries(MEMBERS).flatMap(([property, members]) =>
  [...members.split(' '), 'unknownFutureValue', 'addedIn2031'].map((member) => [property, member] as const),
);

describe('an encryption state', () => {
  it('has every property of the reference page', () => {
    expect(parseEncryptionState({ id: ID, ...EXAMPLE }, context)).toEqual({
      id: ID,
      userPrincipalName: 'User Principal Name value',
      deviceType: 'windowsRT',
      osVersion: 'Os Version value',
      tpmSpecificationVersion: 'Tpm Specification Version value',
      deviceName: 'Device Name value',
      encryptionReadinessState: 'ready',
      encryptionState: 'encrypted',
      encryptionPolicySettingState: 'notApplicable',
      advancedBitLockerStates: ['noUserConsent'],
      fileVaultStates: ['driveEncryptedByUser'],
      policyDetails: [{ policyId: 'Policy Id value', policyName: 'Policy Name value' }],
    });
  });

  it('is created again by the very body of the example', () => {
    const body = encryptionStateBody(parseEncryptionState({ id: ID, ...EXAMPLE }, context));
    expect(JSON.stringify(body)).toBe(JSON.stringify(EXAMPLE));
  });

  it.each(everyMember)('keeps %s %s on its way in and out', (property, member) => {
    const body = encryptionStateBody(parseEncryptionState({ id: ID, ...EXAMPLE, [property]: member }, context));
    expect(body).toEqual({ ...EXAMPLE, [property]: member });
  });

  it.each(['advancedBitLockerStates', 'fileVaultStates'] as const)('keeps all flags of %s at once', (property) => {
    const flags = MEMBERS[property].split(' ');
    const state = parseEncryptionState({ id: ID, ...EXAMPLE, [property]: flags.join(', ') }, context);
    expect(state[property]).toEqual(flags);
    expect(encryptionStateBody(state)[property]).toBe(flags.join(','));
  });

  it('without flags is created with null, and without an enum that cannot be null', () => {
    const bare = parseEncryptionState({ id: ID, fileVaultStates: '', deviceName: null, policyDetails: null }, context);
    expect(encryptionStateBody(bare)).toEqual({
      '@odata.type': '#microsoft.graph.managedDeviceEncryptionState',
      userPrincipalName: '',
      osVersion: '',
      tpmSpecificationVersion: '',
      deviceName: '',
      advancedBitLockerStates: null,
      fileVaultStates: null,
      policyDetails: [],
    });
  });

  it('comes back from its own body as it was, whatever it holds', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,20}$/);
    const member = fc.oneof(fc.constant(''), name);
    const state: fc.Arbitrary<EncryptionState> = fc.record({
      id: fc.uuid(),
      deviceName: fc.string(),
      userPrincipalName: fc.string(),
      deviceType: member,
      osVersion: fc.string(),
      tpmSpecificationVersion: fc.string(),
      encryptionReadinessState: member,
      encryptionState: member,
      encryptionPolicySettingState: member,
      advancedBitLockerStates: fc.array(name),
      fileVaultStates: fc.array(name),
      policyDetails: fc.array(fc.record({ policyId: fc.string(), policyName: fc.string() })),
    });
    fc.assert(
      fc.property(state, (original) => {
        const body = encryptionStateBody(original);
        expect(body).not.toHaveProperty('id');
        const wire: object = JSON.parse(JSON.stringify(body));
        expect(parseEncryptionState({ ...wire, id: original.id }, context)).toEqual(original);
      }),
    );
  });
});
