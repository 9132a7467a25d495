/** What the two escrow operations take and answer, and the port that performs them. Apart from `Tenant`, on purpose. Layer: domain. */
import { hasCalendarDay } from './calendar-day.ts';
import type { EntraDeviceId, RecoveryKeyId } from './ids.ts';
import type { CallOptions } from './ports.ts';
import type { RecoveryPassword } from './recovery-password.ts';

/** `add` creates a recovery key for a user's device; `update` changes one. */
export const ESCROW_OPERATIONS = ['add', 'update'] as const;
export type EscrowOperation = (typeof ESCROW_OPERATIONS)[number];

/** Volumes a key can be filed for. Source: `reference/create-bitlockerrecoverykey.md`, `volumeType` (read 2026-11-22). */
export const ESCROW_VOLUMES = ['operatingSystemVolume', 'fixedDataVolume', 'removableDataVolume'] as const;
export type EscrowVolume = (typeof ESCROW_VOLUMES)[number];

/** The volume of that name in any letter case, or `undefined`. */
export function parseEscrowVolume(text: string): EscrowVolume | undefined {
  return ESCROW_VOLUMES.find((volume) => volume.toLowerCase() === text.trim().toLowerCase());
}

/** ISO 8601 with a time zone: without one, the instant would depend on the machine that reads it. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,7})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/** An instant in ms since the epoch, or `undefined` when the text is not one; 30 February is none. */
export function parseEscrowInstant(text: string): number | undefined {
  const atMs = INSTANT.test(text) && hasCalendarDay(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}

/** Chosen: BitLocker came with Windows Vista, at the end of that year; before it there were no keys. */
const FIRST_KEY_AT_MS = Date.UTC(2006, 0, 1);
/** Chosen: how far the clock of whoever wrote the file may be ahead of ours. */
const CLOCKS_APART_MS = 300_000;

/** True for an instant at which a recovery key can have been created: from 2006 until now. `nowMs`: our clock. */
export function isEscrowCreation(atMs: number, nowMs: number): boolean {
  return atMs >= FIRST_KEY_AT_MS && atMs <= nowMs + CLOCKS_APART_MS;
}

/** A recovery key as it goes into escrow. */
export interface EscrowKey {
  readonly entraDeviceId: EntraDeviceId;
  readonly volumeType: EscrowVolume;
  readonly password: RecoveryPassword;
  /** The `id` of the key, when the caller knows it. */
  readonly keyId?: RecoveryKeyId;
  /** Its `createdDateTime`, ms, when the caller knows it. */
  readonly createdAtMs?: number;
}

interface AnswerIds {
  readonly requestId?: string;
  readonly clientRequestId: string;
}

/** What came of one escrow request. Faults that concern every request (no token, Graph unreachable by name) are thrown instead. */
export type EscrowOutcome =
  /** 201 to an add, 200 to an update. Of the answer only the key's id and creation date are kept; it echoes the key. */
  | ({ readonly kind: 'escrowed'; readonly keyId?: RecoveryKeyId; readonly createdAtMs?: number } & AnswerIds)
  /** 400, 403 (after a bounded retry), 404 and every other 4xx that is not 401, 408 or 429: nothing was changed. */
  | ({ readonly kind: 'refused'; readonly httpStatus: number } & AnswerIds)
  /** 405, 501, or a 400 that says so: the tenant does not perform the operation at all. */
  | ({ readonly kind: 'notSupported'; readonly httpStatus: number } & AnswerIds)
  /** A 5xx, 408, timeout, reset or an answer that is none of the documented ones: it may have been performed. */
  | ({ readonly kind: 'uncertain'; readonly httpStatus?: number } & AnswerIds)
  /** Certainly not performed: never sent, or only ever answered with 429. `retryAfterMs`: how long the quota asks to wait. */
  | { readonly kind: 'notSent'; readonly retryAfterMs: number };

/**
 * The two escrow operations, each at most once: after anything but a 429, a first 401, a 403 or a connection that was never made, a request
 * is not sent again. @throws {GraphError} kind `unauthorized`; `unavailable` when Graph cannot even be connected to.
 */
export interface Escrow {
  /** `POST /users/{userId}/informationProtection/bitlocker/recoveryKeys` (v1.0). @throws {TypeError} unless `userId` is one path segment. */
  add(userId: string, key: EscrowKey, options: CallOptions): Promise<EscrowOutcome>;
  /** `PATCH /bitlocker/recoveryKeys` (beta). */
  update(key: EscrowKey, options: CallOptions): Promise<EscrowOutcome>;
}
