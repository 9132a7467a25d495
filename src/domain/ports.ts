/** What the use cases need from the world. Adapters in graph/, storage/ and system/ keep these promises; memory fakes keep them too. Layer: domain. */
import type { ActionResult } from './action-result.ts';
import type { BudgetState } from './budget-state.ts';
import type { DeviceRecord } from './device-record.ts';
import type { EncryptionState } from './encryption-state.ts';
import type { EntraDeviceId, ManagedDeviceId, RunId, SliceId } from './ids.ts';
import type { LogFields } from './log-fields.ts';
import type { ManagedDevice } from './managed-device.ts';
import type { ContinuationMessage, SliceMessage } from './messages.ts';
import type { RecoveryKey } from './recovery-key.ts';
import type { Priority, RequestClass } from './request-class.ts';
import type { Rotation } from './rotation.ts';
import type { Run, Slice } from './run.ts';
import type { RotationRoute, ScriptKind } from './targets.ts';

/** Time and waiting. The only source of both. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Resolves after `ms` (at once when 0 or less). @throws the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness; seeded in tests. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A fresh version-4 GUID, lower case. */
  guid(): string;
}

export type { LogFields };

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(bindings: LogFields): Logger;
}

// ---------------------------------------------------------------- tenant (Graph)

/** Bounds on one call: it ends by then, whatever Graph does. */
export interface CallOptions {
  readonly priority: Priority;
  /** Do not wait for quota or retries past this instant (our clock); the call then fails with kind `throttled` and the remaining delay. */
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal;
  /**
   * For reads: a 5xx, timeout or reset is asked about again for so long after the first one, ms; absent: as often as there are attempts.
   * Quota is waited for all the same.
   */
  readonly retryForMs?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where to go on after a crash: opaque; absent on the last page. */
  readonly next?: string;
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
  requestRotation(route: RotationRoute, options: CallOptions): Promise<RequestOutcome>;
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

// ---------------------------------------------------------------- ledger (tables)

/** A stored value and the version (ETag) a conditional write must name. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: string;
}

/** The scheduled run that plans or rotates now, or did last. One row per tenant. */
export interface CurrentRun {
  readonly runId: RunId;
  readonly mode: Run['mode'];
  readonly trigger: Run['trigger'];
  readonly createdAtMs: number;
  readonly seed: number;
}

/** Windows over the last outcomes of a run, newest last: `.` went well, `x` did not. At most 100 each. */
export interface Outcomes {
  /** Answers to our requests: accepted or refused. */
  readonly answers: string;
  /** What devices made of them: confirmed or proven, or failed. */
  readonly results: string;
  /** Set for good once the circuit breaker tripped. */
  readonly tripped: boolean;
  /** The tenant does not let encryption states be created: with this status. Set once; nothing more is sent. */
  readonly statesRefused?: number;
}

/** An internal message that could not be acted on, kept for people. */
export interface QuarantineEntry {
  readonly id: string;
  readonly queue: string;
  /** Every reason: all problems of a refused request; for a poisoned message the error of its last delivery. At least one. */
  readonly reasons: readonly string[];
  /** The message as it came, whole. */
  readonly message: string;
  readonly runId?: RunId;
  readonly sliceId?: SliceId;
  /** The devices affected, as far as they are known: Entra device ids, or targets in the request's words. */
  readonly devices: readonly string[];
  readonly atMs: number;
}

/** What is remembered of a delivery that failed. */
export interface FaultNote {
  /** One line; cut short when it is long. */
  readonly fault: string;
  /** The run that the message stands for, when it is a request; it may not exist. */
  readonly runId?: RunId;
}

/**
 * Ids that `rotationsOf` takes. Chosen: each is compared with two columns, and a filter holds 15 comparisons.
 * Source: Querying tables and entities, "Query parameters" (read 2026-11-22).
 */
export const MOST_IDS_SOUGHT = 7;

/**
 * The ledger. Writes are conditional; a lost race is an answer, not an error. Batched into table transactions of at most 100 rows
 * of one partition. @throws {StorageError}
 */
export interface Ledger {
  /** The storage server's clock, in ms: leases, claims and deadlines are compared in it. Good to about a second. */
  serverNowMs(): number;

  readCurrentRun(): Promise<Versioned<CurrentRun> | undefined>;
  /** False when someone else wrote first. `version` undefined: there must be none yet. */
  writeCurrentRun(current: CurrentRun, version: string | undefined): Promise<boolean>;

  /** False when the run exists. */
  createRun(run: Run): Promise<boolean>;
  readRun(runId: RunId): Promise<Versioned<Run> | undefined>;
  /** The new version, or `undefined` when someone else wrote first. */
  writeRun(run: Run, version: string): Promise<string | undefined>;
  /** Newest first. `unfinished`: only those neither completed nor aborted. `evidenceDue`: only those with `isEvidenceDue`. */
  listRuns(filter: { readonly unfinished: boolean; readonly evidenceDue?: true }): AsyncIterable<Run>;

  readSlice(runId: RunId, sliceId: SliceId): Promise<Versioned<Slice> | undefined>;
  /** All or nothing, at most 100. `version` undefined: insert, and it must not exist. False when any condition failed. */
  writeSlices(
    runId: RunId,
    changes: readonly { readonly slice: Slice; readonly version: string | undefined }[],
  ): Promise<boolean>;
  /** In order of their ids; `state` filters on the server, and no more than `limit` are read. */
  listSlices(
    runId: RunId,
    filter: { readonly state?: Slice['state']; readonly limit?: number },
  ): AsyncIterable<Versioned<Slice>>;

  readOutcomes(runId: RunId): Promise<Versioned<Outcomes> | undefined>;
  writeOutcomes(runId: RunId, outcomes: Outcomes, version: string | undefined): Promise<boolean>;

  /** Inserts planned rows; a row that exists is left as it is (it may have moved on since). Any number; batched by 100. */
  writePlannedRotations(runId: RunId, rotations: readonly Rotation[]): Promise<void>;
  /** Rows with `fromOrder <= order < toOrder`, ascending. */
  readRotations(runId: RunId, fromOrder: number, toOrder: number): Promise<readonly Versioned<Rotation>[]>;
  /** Rows by order; missing ones are left out. At most 100. */
  readRotationsAt(runId: RunId, orders: readonly number[]): Promise<readonly Versioned<Rotation>[]>;
  /** All rows of the run, ascending, a page at a time: at most 1,000, or as few as memory asks for. */
  rotationPages(runId: RunId, rowsPerPage?: number): AsyncIterable<readonly Rotation[]>;
  /**
   * The run's rows of the devices with one of these ids, of either kind and at most `MOST_IDS_SOUGHT`, ascending. The server looks through
   * the run: only these rows travel. @throws the signal's reason, at once.
   */
  rotationsOf(
    runId: RunId,
    ids: readonly (EntraDeviceId | ManagedDeviceId)[],
    signal: AbortSignal,
  ): Promise<readonly Rotation[]>;
  /**
   * Conditional writes of at most 100 rows. Returns the orders whose condition failed; all others are written.
   * A retry of a transaction that had in fact gone through counts as written.
   */
  writeRotations(runId: RunId, changes: readonly Versioned<Rotation>[]): Promise<readonly number[]>;

  /** Records by Entra device id; unknown ids are left out. */
  readDevices(ids: readonly EntraDeviceId[]): Promise<ReadonlyMap<EntraDeviceId, Versioned<DeviceRecord>>>;
  /** Conditional writes, grouped by shard; `version` undefined: insert. Returns the ids whose condition failed; all others are written. */
  writeDevices(
    changes: readonly { readonly record: DeviceRecord; readonly version: string | undefined }[],
  ): Promise<readonly EntraDeviceId[]>;
  /** Every device record, a page at a time. */
  devicePages(): AsyncIterable<readonly Versioned<DeviceRecord>[]>;
  /** The records with that managed device id, the one that was asked last first; only these travel. @throws the signal's reason, at once. */
  devicesManagedAs(id: ManagedDeviceId, signal: AbortSignal): Promise<readonly DeviceRecord[]>;

  /**
   * Same id, same row. Reasons are one line each; those that do not fit into a row are counted instead, and a note of the fault is
   * dropped. Any other part is kept whole.
   */
  quarantine(entry: QuarantineEntry): Promise<void>;
  readQuarantine(id: string): Promise<QuarantineEntry | undefined>;
  listQuarantine(): AsyncIterable<QuarantineEntry>;
  /** Nothing happens when it is gone already, or when the message was quarantined again since `atMs`, as it was read. */
  deleteQuarantine(id: string, atMs: number): Promise<void>;
  /**
   * Remembers why a delivery failed, and the run it may have made, under the id its quarantine entry would have; the last one counts.
   */
  noteFault(quarantineId: string, note: FaultNote): Promise<void>;
  readFault(quarantineId: string): Promise<FaultNote | undefined>;
  /** For a delivery that went well after one that failed. */
  forgetFault(quarantineId: string): Promise<void>;
}

// ---------------------------------------------------------------- queues and blobs

/** Sends internal messages. `delayMs` 0 to 7 days; messages never expire. @throws {StorageError} */
export interface Queues {
  sendContinuation(message: ContinuationMessage, delayMs: number): Promise<void>;
  sendSlice(message: SliceMessage, delayMs: number): Promise<void>;
  /** Puts text on `rotation-requests` as it is: a new request, or one that comes back from quarantine. */
  sendRequest(text: string, delayMs: number): Promise<void>;
}

/** Azure Storage hides a message for at most 7 days. Source: Put Message, `visibilitytimeout` (read 2026-11-22). */
export const MAX_MESSAGE_DELAY_MS = 7 * 24 * 3_600_000;

/** Planning chunks in the blob container `work`. Names use `/`. @throws {StorageError} */
export interface WorkFiles {
  /** Overwrites. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** False when it exists. */
  create(name: string, bytes: Uint8Array): Promise<boolean>;
  get(name: string): Promise<Uint8Array | undefined>;
  /** Names with that prefix, ascending. */
  list(prefix: string): Promise<readonly string[]>;
  deleteAll(prefix: string): Promise<void>;
}

/** What stands beside a report: names in lower-case letters, values in printable ASCII. */
export type ReportMetadata = Readonly<Record<string, string>>;

/** A report to be written. */
export interface NewReport {
  readonly name: string;
  readonly contentType: string;
  readonly content: AsyncIterable<Uint8Array>;
  /** Asked once, when the content has come to its end. */
  readonly metadata: () => ReportMetadata;
}

/**
 * Reports in the blob container `reports`: written once, whole or not at all, and never replaced. Names use `/`. @throws {StorageError}
 */
export interface ReportFiles {
  /**
   * Writes as the content comes, in constant memory; nothing is there before its end. False when the name is taken: that one stays, and the
   * content may have been left unread. A retry of our own write that had in fact gone through counts as written.
   * @throws what the content throws, and then leaves nothing.
   */
  create(report: NewReport): Promise<boolean>;
  /** `undefined` when there is none. */
  metadata(name: string): Promise<ReportMetadata | undefined>;
  /** The content as it comes. `undefined` when there is none. */
  read(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Names with that prefix, ascending. */
  list(prefix: string): Promise<readonly string[]>;
  /** For what is no evidence. True when nothing of that name is there any more; false when a policy of the container keeps it. */
  delete(name: string): Promise<boolean>;
}

/** One budget row per tenant and request class, shared by all instances. @throws {StorageError} */
export interface BudgetStore {
  /** The storage server's clock, in ms. */
  serverNowMs(): number;
  read(requestClass: RequestClass): Promise<Versioned<BudgetState> | undefined>;
  /** The new version, or `undefined` when someone else wrote first. `version` undefined: insert. */
  write(requestClass: RequestClass, state: BudgetState, version: string | undefined): Promise<string | undefined>;
}
