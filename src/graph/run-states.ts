/** Run states of scripts, with the device each is about: wire form to domain form. Layer: graph. */
import { z } from 'zod';
import { scrub } from '../domain/scrub.ts';
import { isPathSegment, type ScriptKind } from '../domain/targets.ts';
import type { ScriptRunState } from '../domain/tenant.ts';
import { parseDevice } from './devices.ts';
import { type ErrorContext, malformed } from './errors.ts';
import { optionalText, parseWire, pathText } from './wire.ts';

/**
 * Source: beta metadata, entities `deviceHealthScriptDeviceState`, `deviceComplianceScriptDeviceState` and
 * `deviceManagementScriptDeviceState` (read 2026-11-22). The schema is not loose: what a script printed on a device is never read.
 */
const stateSchema = z.object({
  id: z.string(),
  detectionState: optionalText,
  runState: optionalText,
  managedDevice: z.unknown().optional(),
});

/**
 * Which property says that the script found a problem. A management script detects nothing: that it failed is its only way to say so.
 * Source: beta reference, resources `device…ScriptDeviceState`: `detectionState` or `runState`, both of the enum `runState` (read 2026-11-22).
 */
const VERDICT: Readonly<Record<ScriptKind, 'detectionState' | 'runState'>> = {
  deviceHealthScript: 'detectionState',
  deviceComplianceScript: 'detectionState',
  deviceManagementScript: 'runState',
};

/** The enum's member for it. `scriptError` is not: then the script itself is broken and has found nothing. */
const FAILING = 'fail';

/**
 * Reads one run state of a script of that kind. An id that could not be put in a URL again, or looks like a secret, is malformed: it is
 * kept, and asked about.
 * The parser @throws {GraphError} kind `malformed`: no id, a wrong type, a malformed device.
 */
export function runStateParser(kind: ScriptKind) {
  const verdict = VERDICT[kind];
  return (value: unknown, context: ErrorContext, at: readonly PropertyKey[] = []): ScriptRunState => {
    const row = parseWire(stateSchema, value, context, at);
    if (!isPathSegment(row.id) || scrub(row.id) !== row.id) {
      throw malformed(context, pathText([...at, 'id']), 'an id of one path segment');
    }
    const device = row.managedDevice ?? undefined;
    return {
      runStateId: row.id,
      isFailing: row[verdict]?.toLowerCase() === FAILING,
      ...(device === undefined ? {} : { device: parseDevice(device, context, [...at, 'managedDevice']) }),
    };
  };
}
