/** The lines of an escrow journal: what was about to be sent, and what came of it. There is no field for a password. Pure. Layer: app. */
import {
  ESCROW_OPERATIONS,
  type EscrowOperation,
  type EscrowVolume,
  parseEscrowInstant,
  parseEscrowVolume,
} from '../../domain/escrow.ts';
import {
  type EntraDeviceId,
  isGuid,
  parseEntraDeviceId,
  parseRecoveryKeyId,
  parseTenantId,
  type RecoveryKeyId,
  type TenantId,
} from '../../domain/ids.ts';

/** The first line: whose journal it is. */
export interface JournalHeader {
  readonly tenantId: TenantId;
  readonly operation: EscrowOperation;
  readonly startedAtMs: number;
}

/** How sending a row ended: all but the first two are a certain no. */
export const ROW_OUTCOMES = ['escrowed', 'uncertain', 'refused', 'notSupported', 'notSent'] as const;
export type RowOutcome = (typeof ROW_OUTCOMES)[number];

interface EntryOfRow {
  /** Of the CSV, from 1; the header is one too. */
  readonly line: number;
  readonly entraDeviceId: EntraDeviceId;
  readonly volumeType: EscrowVolume;
  /** Our clock. */
  readonly atMs: number;
}

/** Written before the request leaves. */
export interface IntentEntry extends EntryOfRow {
  readonly event: 'intent';
  readonly userId?: string;
  /** As the CSV gave it. */
  readonly keyId?: RecoveryKeyId;
}

/** Written when it is known what came of it. */
export interface OutcomeEntry extends EntryOfRow {
  readonly event: 'outcome';
  readonly outcome: RowOutcome;
  /** The tenant's id for the key. */
  readonly keyId?: RecoveryKeyId;
  readonly createdAtMs?: number;
  readonly httpStatus?: number;
  readonly requestId?: string;
  readonly clientRequestId?: string;
  /** Not answered to us, but seen in escrow afterwards. */
  readonly seen?: true;
}

export type JournalEntry = IntentEntry | OutcomeEntry;

/** Says what the file is, to people and to us. */
const KIND = 'keyturn escrow journal';
const VERSION = 1;

const iso = (atMs: number): string => new Date(atMs).toISOString();

/** Ends with a line break, as all lines do: one without was never written to its end. */
export function encodeHeader({ tenantId, operation, startedAtMs }: JournalHeader): string {
  return `${JSON.stringify({ file: KIND, version: VERSION, tenantId, operation, startedAt: iso(startedAtMs) })}\n`;
}

export function encodeEntry(entry: JournalEntry): string {
  const { event, line, entraDeviceId: deviceId, volumeType, atMs } = entry;
  const common = { event, line, at: iso(atMs), deviceId, volumeType };
  if (entry.event === 'intent') {
    const { userId, keyId } = entry;
    return `${JSON.stringify({ ...common, userId, keyId })}\n`;
  }
  const { outcome, keyId, createdAtMs, httpStatus: status, requestId, clientRequestId, seen } = entry;
  const createdDateTime = createdAtMs === undefined ? undefined : iso(createdAtMs);
  return `${JSON.stringify({ ...common, outcome, status, keyId, createdDateTime, seen, requestId, clientRequestId })}\n`;
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The header, or `undefined` when the line is none. */
export function decodeHeader(text: string): JournalHeader | undefined {
  const { file, version, tenantId, operation: name, startedAt } = fieldsOf(text) ?? {};
  const operation = ESCROW_OPERATIONS.find((one) => one === name);
  const startedAtMs = typeof startedAt === 'string' ? parseEscrowInstant(startedAt) : undefined;
  if (file !== KIND || version !== VERSION || !isGuid(tenantId)) return undefined;
  if (operation === undefined || startedAtMs === undefined) return undefined;
  return { tenantId: parseTenantId(tenantId), operation, startedAtMs };
}

/** The entry, as far as a later run needs it, or `undefined` when the line is none. */
export function decodeEntry(text: string): JournalEntry | undefined {
  const { event, line, at, deviceId, volumeType: volume, outcome: ending, keyId: id } = fieldsOf(text) ?? {};
  const entraDeviceId = parseEntraDeviceId(deviceId);
  const volumeType = typeof volume === 'string' ? parseEscrowVolume(volume) : undefined;
  const atMs = typeof at === 'string' ? parseEscrowInstant(at) : undefined;
  const isLine = typeof line === 'number' && Number.isSafeInteger(line) && line > 0;
  if (!isLine || entraDeviceId === undefined || volumeType === undefined || atMs === undefined) return undefined;
  const keyId = isGuid(id) ? { keyId: parseRecoveryKeyId(id) } : {};
  const row = { line, entraDeviceId, volumeType, atMs, ...keyId };
  if (event === 'intent') return { event, ...row };
  const outcome = ROW_OUTCOMES.find((one) => one === ending);
  return event === 'outcome' && outcome !== undefined ? { event, outcome, ...row } : undefined;
}
