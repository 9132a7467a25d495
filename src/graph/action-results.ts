/** Results of rotation actions: wire form to domain form. Layer: graph. */
import { z } from 'zod';
import type { ActionResult, ActionState } from '../domain/action-result.ts';
import type { ErrorContext } from './errors.ts';
import { instantAt, optionalText, parseWire } from './wire.ts';

/**
 * Source: v1.0 metadata, complex types `deviceActionResult` and `rotateBitLockerKeysDeviceActionResult` (read 2026-11-22).
 * Other actions share the list; their own fields, passwords among them, are not read.
 */
const resultSchema = z.object({
  '@odata.type': optionalText,
  actionName: optionalText,
  actionState: optionalText,
  startDateTime: optionalText,
  lastUpdatedDateTime: optionalText,
  errorCode: z.int().nullish(),
});
const deviceSchema = z.object({ deviceActionResults: z.array(z.unknown()).nullish() });

/** Source: v1.0 metadata, enum `actionState` (read 2026-11-22), by its lower-case spelling. */
const STATES: Readonly<Record<string, ActionState>> = {
  none: 'none',
  pending: 'pending',
  canceled: 'canceled',
  active: 'active',
  done: 'done',
  failed: 'failed',
  notsupported: 'notSupported',
};

type WireResult = z.infer<typeof resultSchema>;

/** The name the service writes is not documented; the type is. Either will do. */
function isRotation(result: WireResult): boolean {
  return (
    result.actionName?.toLowerCase() === 'rotatebitlockerkeys' ||
    result['@odata.type']?.endsWith('rotateBitLockerKeysDeviceActionResult') === true
  );
}

/**
 * The rotation actions of one device, newest first. A missing start is 0: too old to be taken for ours.
 * @throws {GraphError} kind `malformed`.
 */
export function parseActionResults(
  value: unknown,
  context: ErrorContext,
  at: readonly PropertyKey[] = [],
): readonly ActionResult[] {
  const results: ActionResult[] = [];
  for (const [i, entry] of (parseWire(deviceSchema, value, context, at).deviceActionResults ?? []).entries()) {
    const path = [...at, 'deviceActionResults', i];
    const row = parseWire(resultSchema, entry, context, path);
    if (!isRotation(row)) continue;
    const startedAtMs = instantAt(row.startDateTime, context, () => [...path, 'startDateTime']);
    const updatedAtMs = instantAt(row.lastUpdatedDateTime, context, () => [...path, 'lastUpdatedDateTime']);
    results.push({
      state: STATES[row.actionState?.toLowerCase() ?? ''] ?? 'unknown',
      startedAtMs,
      lastUpdatedAtMs: Math.max(startedAtMs, updatedAtMs),
      ...(row.errorCode === null || row.errorCode === undefined ? {} : { errorCode: row.errorCode }),
    });
  }
  return results.sort((a, b) => b.startedAtMs - a.startedAtMs || b.lastUpdatedAtMs - a.lastUpdatedAtMs);
}
