/** The tenant as the use cases see it; Graph or a fake keeps these promises. Layer: domain (port). */
import type { ActionResult } from './action-result.ts';
import type { EncryptionState } from './encryption-state.ts';
import type { EntraDeviceId, ManagedDeviceId } from './ids.ts';
import type { ManagedDevice } from './managed-device.ts';
import type { CallOptions } from './ports.ts';
import type { RecoveryKey } from './recovery-key.ts';
import type { RotationRoute, ScriptKind } from './targets.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Where to go on after a crash: opaque; absent on the last page. */
  readonly next?: string;
}

/** How one rotation is asked for. */
export interface RotationOptions extends CallOptions {
  /** A GUID, the `client-request-id` of the first attempt: known before anything is sent, it is not lost with the answer. Later attempts, and all without it, get fresh ones. */
  readonly clientRequestId?: string;
}

/** What came of one rotation request. Faults that concern every device (no token, missing role, Graph unreachable by name) are thrown instead. */
export type RequestOutcome =
  /** 204. It is a request, not a rotation. */
  | {
      readonly kind: 'accepted';
      /** Earliest instant, Graph's clock, at which it can have been accepted. */
      readonly acceptedAfterMs: number;
      /** Latest: the end of the second in the answer's `Date`. */
      readonly acceptedByMs: number;
      readonly httpStatus: number;
      readonly requestId?: string;
      readonly clientRequestId: string;
    }
  /** 400, 403 (after a bounded retry), 404 and every other 4xx that is not 401, 408 or 429: settled, not retried. */
  | {
      readonly kind: 'refused';
      readonly httpStatus: number;
      readonly requestId?: string;
      readonly clientRequestId: string;
    }
  /** A 5xx, 408, timeout, reset or unreadable answer after sending: it may have been accepted. */
  | {
      readonly kind: 'uncertain';
      readonly httpStatus?: number;
      readonly requestId?: string;
      readonly clientRequestId: string;
    }
  /** Certainly not accepted: never sent, or only ever answered with 429. `retryAfterMs`: how long the quota asks to wait. */
  | { readonly kind: 'notSent'; readonly retryAfterMs: number };

/** The ids by which a request and its answer can be found again: Graph's `request-id`, and our `client-request-id`. GUIDs. */
export interface RequestTrace {
  readonly requestId?: string;
  readonly clientRequestId?: string;
}

/**
 * One device's answer in a batch of reads. `unreadable`: no answer this time (5xx, throttled past the deadline); look again later.
 * `trace`: of the batch that brought it, or its first page.
 */
export type Reading<T> =
  | { readonly kind: 'found'; readonly value: T; readonly trace?: RequestTrace }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreadable'; readonly status: number };

/** What came of creating one encryption state; it is never sent a second time. */
export type StateCreation =
  /** 201. `id`: the new state's; absent when the answer's body could not be read, which makes it no less created. */
  | { readonly kind: 'created'; readonly id?: string; readonly requestId?: string; readonly clientRequestId: string }
  /** A 4xx that is not 401, 408 or 429, or a 501: the tenant does not take it. `missingRole`: the app role the token lacks, when that is why. */
  | {
      readonly kind: 'refused';
      readonly httpStatus: number;
      readonly missingRole?: string;
      readonly requestId?: string;
      readonly clientRequestId: string;
    }
  /** Another 5xx, a 408, timeout, reset or an answer that is neither yes nor no: it may have been created. */
  | {
      readonly kind: 'unknown';
      readonly httpStatus?: number;
      readonly requestId?: string;
      readonly clientRequestId: string;
    }
  /** Certainly not created: never sent, Graph never connected to, or only ever answered with 429. */
  | { readonly kind: 'notSent'; readonly retryAfterMs: number };

/** By which property of a managed device people name it. */
export type DeviceNaming = 'deviceName' | 'serialNumber' | 'userPrincipalName';

/** What a script found on one device. */
export interface ScriptRunState {
  readonly runStateId: string;
  /** The script detected a problem: `detectionState` of a health or compliance script, `runState` of a management script, is `fail`. */
  readonly isFailing: boolean;
  /** Absent when Intune no longer knows the device. */
  readonly device?: ManagedDevice;
}

/** The tenant behind Graph. Every method paces itself and retries within its `CallOptions`. @throws {GraphError} */
export interface Tenant {
  /** All Windows managed devices (v1.0), from the beginning or from a page's `next`. Pages may repeat devices. */
  managedDevicePages(from: string | undefined, options: CallOptions): AsyncIterable<Page<ManagedDevice>>;
  /** Metadata of all recovery keys, never the recovery password. */
  recoveryKeyPages(from: string | undefined, options: CallOptions): AsyncIterable<Page<RecoveryKey>>;
  /** The devices by id, twenty to a `$batch`. Every id asked for is in the answer. */
  managedDevices(
    ids: readonly ManagedDeviceId[],
    options: CallOptions,
  ): Promise<ReadonlyMap<ManagedDeviceId, Reading<ManagedDevice>>>;
  /** The managed devices with that Entra device id: none, one, or several records. */
  managedDevicesOf(
    ids: readonly EntraDeviceId[],
    options: CallOptions,
  ): Promise<ReadonlyMap<EntraDeviceId, Reading<readonly ManagedDevice[]>>>;
  /** The devices by id in the co-managed view (beta): `gone` for a device that is not co-managed. */
  comanagedDevices(
    ids: readonly ManagedDeviceId[],
    options: CallOptions,
  ): Promise<ReadonlyMap<ManagedDeviceId, Reading<ManagedDevice>>>;
  /** The Windows devices of that name, serial number or user: none, one, or several records. */
  devicesNamed(
    by: DeviceNaming,
    values: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, Reading<readonly ManagedDevice[]>>>;
  /** Run states of one script (beta) by id, with their device. */
  runStates(
    kind: ScriptKind,
    scriptId: string,
    runStateIds: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, Reading<ScriptRunState>>>;
  /** All run states of one script (beta), with their devices. @throws {GraphError} kind `notFound` for an unknown script. */
  runStatePages(
    kind: ScriptKind,
    scriptId: string,
    from: string | undefined,
    options: CallOptions,
  ): AsyncIterable<Page<ScriptRunState>>;
  /** Results of rotation actions (ours or anyone's), newest first; twenty to a `$batch`. */
  actionResults(
    ids: readonly ManagedDeviceId[],
    options: CallOptions,
  ): Promise<ReadonlyMap<ManagedDeviceId, Reading<readonly ActionResult[]>>>;
  /** Metadata of the devices' recovery keys; twenty to a `$batch`. */
  recoveryKeys(
    ids: readonly EntraDeviceId[],
    options: CallOptions,
  ): Promise<ReadonlyMap<EntraDeviceId, Reading<readonly RecoveryKey[]>>>;
  /** The recorded encryption states; `gone` when Graph has none for the id. */
  encryptionStates(
    ids: readonly ManagedDeviceId[],
    options: CallOptions,
  ): Promise<ReadonlyMap<ManagedDeviceId, Reading<EncryptionState>>>;
  /**
   * Asks for one rotation, at most once: after anything but a 429 or a 401 it is not sent again.
   * Nothing leaves after `options.deadlineAtMs`.
   */
  requestRotation(route: RotationRoute, options: RotationOptions): Promise<RequestOutcome>;
  /**
   * Creates one encryption state (beta), at most once: after anything but a 429, a first 401 or a bounded number of 403s it is not sent
   * again. @throws {GraphError} kind `unauthorized`, never after a request that may have been taken.
   */
  createEncryptionState(state: EncryptionState, options: CallOptions): Promise<StateCreation>;
  /** How far Graph's clock is ahead of ours at the least, ms; negative when behind. `undefined` until an answer told. */
  clockAheadMs(): number | undefined;
  /** The app roles in the token, or `undefined` when the token cannot be read (opaque). */
  grantedRoles(signal: AbortSignal): Promise<readonly string[] | undefined>;
}

/** What the tenant's client did since it was made; for the summary line. */
export interface TenantUsage {
  readonly requests: number;
  readonly throttled: number;
  readonly retries: number;
  /** Time spent waiting for quota, summed over calls. */
  readonly waitMs: number;
  /** Share of the write budget used while rotating, 0 to 1; `undefined` before the first write. */
  readonly writeUtilisation?: number;
}
