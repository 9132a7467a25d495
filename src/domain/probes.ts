/** What the doctor asks of storage and Graph beyond what runs ask: tries without an effect that anything notices. Ports. Layer: domain. */
import type { CallOptions } from './ports.ts';
import type { StorageErrorKind } from './storage-error.ts';

// ---------------------------------------------------------------- storage

/** The three services of a storage account that Keyturn uses. */
export type StorageService = 'Table' | 'Queue' | 'Blob';

/** What went wrong at a service. */
export interface StorageFault {
  readonly kind: StorageErrorKind;
  /** Azure's error code, such as `AuthorizationPermissionMismatch`, or the network's; empty when there was none. */
  readonly code: string;
  /** What happened and what to do, safe to print; see `StorageError`. */
  readonly message: string;
}

/** What trying one service showed. */
export interface ServiceFindings {
  /** Host and port. */
  readonly host: string;
  /** Names of the tables, queues or containers that were looked for. */
  readonly wanted: readonly string[];
  /** Those of them that do not exist. */
  readonly missing: readonly string[];
  /**
   * `tried`: everything that could be tried without effect was allowed. `untried`: what it would be tried on is missing. A fault: the
   * first that came.
   */
  readonly access: { readonly kind: 'tried' | 'untried' } | { readonly kind: 'fault'; readonly fault: StorageFault };
}

/** What trying the account showed. */
export interface StorageFindings {
  readonly services: Readonly<Record<StorageService, ServiceFindings>>;
  /** Messages in each queue that could be asked, hidden ones included; Azure calls the number approximate. */
  readonly depths: Readonly<Record<string, number>>;
  /** How far the server's clock is ahead of ours, ms, negative when behind, 0 when they agree; `undefined` without an answer. */
  readonly aheadMs: number | undefined;
}

/** Tries a storage account. Never throws for what storage answers. */
export interface StorageProbe {
  /**
   * Reads every table, queue and container, writes and deletes one row and one blob of its own, and deletes a queue message that does not
   * exist. Sends no message, and creates nothing that stays. Ends within `patienceMs`, whatever storage does.
   * @throws the signal's reason.
   */
  examine(patienceMs: number, signal: AbortSignal): Promise<StorageFindings>;
}

// ---------------------------------------------------------------- Graph

/** Whether Graph answers at all, without a token. */
export type GraphReach =
  /** `leastAheadMs` to `mostAheadMs`: how far Graph's clock is ahead of ours, by the `Date` of its answer, when it had one. */
  | {
      readonly kind: 'reached';
      readonly ahead?: { readonly leastMs: number; readonly mostMs: number };
    }
  /** Something answered that is not Graph, such as a proxy. */
  | { readonly kind: 'foreign'; readonly httpStatus: number }
  | { readonly kind: 'unreachable'; readonly code: string };

/** What a token says about its bearer. Unverified. */
export interface TokenFacts {
  /** Object id of the service principal, or of the person. */
  readonly objectId?: string;
  /** App roles, and of a person's token the delegated permissions, which have the same names. */
  readonly roles: readonly string[];
  /** True for a person signed in on a laptop; such a token says nothing about the app's identity. */
  readonly isPerson: boolean;
}

/** Looks at the way to Graph. */
export interface GraphProbe {
  /** Host and port of the Graph root. */
  readonly host: string;
  /** One request without a token, tried once. @throws the signal's reason. */
  reach(timeoutMs: number, signal: AbortSignal): Promise<GraphReach>;
  /** What the token says; `undefined` when it cannot be read. @throws {GraphError} kind `unauthorized`, `throttled`. */
  token(options: CallOptions): Promise<TokenFacts | undefined>;
}
