/** The last requests a tenant saw, for tests that read history instead of counting calls. Layer: simulator. */

export interface HistoryEntry {
  readonly atMs: number;
  readonly method: string;
  readonly version: string;
  /** Without the version and the query. */
  readonly path: string;
  readonly query: string;
  /** 0 when the connection was reset. */
  readonly status: number;
  /** A part of a `$batch`. */
  readonly part: boolean;
  readonly clientRequestId?: string;
}

export interface RequestHistory {
  add(entry: HistoryEntry): void;
  readonly entries: readonly HistoryEntry[];
}

/** Keeps at least the last `limit` entries, at most twice as many; none at all with 0. */
export function createRequestHistory(limit: number): RequestHistory {
  const entries: HistoryEntry[] = [];
  return {
    entries,
    add(entry) {
      if (limit === 0) return;
      entries.push(entry);
      // Dropping many at a time keeps it cheap.
      if (entries.length > 2 * limit) entries.splice(0, entries.length - limit);
    },
  };
}
