/** Planning chunks and reports, kept as blobs. Layer: domain (port). */

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
