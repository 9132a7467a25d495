/** What the doctor is given. What is missing was made impossible by the settings. Layer: app. */
import type { NeededRole } from '../../domain/directory.ts';
import type { Ledger } from '../../domain/ledger.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { Clock } from '../../domain/ports.ts';
import type { GraphProbe, StorageProbe } from '../../domain/probes.ts';
import type { Settings } from '../../domain/settings.ts';
import type { SettingsProblem } from '../../domain/settings-error.ts';
import type { Tenant } from '../../domain/tenant.ts';

/** The part of the tenant the doctor reads. */
export type ReadableTenant = Pick<
  Tenant,
  'managedDevicePages' | 'recoveryKeyPages' | 'recoveryKeys' | 'actionResults' | 'encryptionStates' | 'runStatePages'
>;

/** How storage is signed in to. `emulator`: a well-known key on this machine, which protects nothing and needs not. */
export type StorageSignIn = 'identity' | 'key' | 'signature' | 'emulator';

export interface DoctorDeps {
  readonly clock: Clock;
  /** Everything that is wrong with them. */
  readonly problems: readonly SettingsProblem[];
  /** How many settings were given. */
  readonly given: number;
  /** With a default in the place of every wrong setting; absent when the tenant is not known. */
  readonly settings?: Settings;
  readonly isExcluded: (device: ManagedDevice) => boolean;
  /** Absent when the connection's settings are wrong. */
  readonly storage?: {
    readonly signIn: StorageSignIn;
    readonly probe: StorageProbe;
    /** Absent when the tenant is not known. */
    readonly ledger?: Pick<Ledger, 'listRuns' | 'listQuarantine'>;
  };
  /** Absent when a setting that says which Graph is wrong. */
  readonly graph?: {
    readonly probe: GraphProbe;
    /** `shared`: takes its quota from the budget that all instances share, in storage. `own`: does without. */
    tenant(pacing: 'shared' | 'own'): ReadableTenant;
  };
  /** What the features that are on need. */
  readonly needed: readonly NeededRole[];
  /** On-demand messages may name scripts. */
  readonly hasScriptTargets: boolean;
  /** When the schedule comes round next, and the longest gap between two times. */
  readonly schedule: (settings: Settings) => { readonly nextAtMs: number; readonly longestGapMs: number };
}
