/** What is remembered of runs, rotations and devices; tables or memory keep these promises. Layer: domain (port). */
import type { DeviceRecord } from './device-record.ts';
import type { EntraDeviceId, ManagedDeviceId, RunId, SliceId } from './ids.ts';
import type { Rotation } from './rotation.ts';
import type { Run, Slice } from './run.ts';

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
