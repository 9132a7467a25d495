/** Bodies of the internal queue messages: ids and a counter, never device records. Layer: domain. */
import { parseRunId, parseSliceId, parseTenantId, type RunId, type SliceId, type TenantId } from './ids.ts';
import { shown } from './shown.ts';

/** Queue `rotation-runs`: carry the run on from this checkpoint. */
export interface ContinuationMessage {
  readonly tenantId: TenantId;
  readonly runId: RunId;
  readonly checkpoint: number;
}

/** Queue `encryption-states`: look at this slice. */
export interface SliceMessage {
  readonly tenantId: TenantId;
  readonly runId: RunId;
  readonly sliceId: SliceId;
  readonly look: number;
}

/** A message nobody can act on: not JSON, or not one of ours. Thrown so that the host redelivers it and at last quarantines it. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

function asRecord(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new MessageError('message must be a JSON object');
  return body as Record<string, unknown>;
}

function counter(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new MessageError(`${name} must be a whole number from 0, got ${shown(value)}`);
  }
  return value;
}

function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TypeError) throw new MessageError(error.message, { cause: error });
    throw error;
  }
}

/** @throws {MessageError} naming the field, the rule and the value. */
export function parseContinuationMessage(body: unknown): ContinuationMessage {
  const m = asRecord(body);
  return checked(() => ({
    tenantId: parseTenantId(m.tenantId),
    runId: parseRunId(m.runId),
    checkpoint: counter('checkpoint', m.checkpoint),
  }));
}

/** @throws {MessageError} naming the field, the rule and the value. */
export function parseSliceMessage(body: unknown): SliceMessage {
  const m = asRecord(body);
  return checked(() => ({
    tenantId: parseTenantId(m.tenantId),
    runId: parseRunId(m.runId),
    sliceId: parseSliceId(m.sliceId),
    look: counter('look', m.look),
  }));
}
