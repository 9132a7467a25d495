/** What a script found on a device (beta), as JSON: the three kinds of script say it in properties of their own. Layer: simulator. */
import type { ScriptKind } from '../../domain/targets.ts';
import { CANARY_PLANTED_IN_DATA } from '../canary-secrets.ts';
import type { RunState } from '../devices/scripts.ts';

/** What a property is written from. */
export interface RunStateView {
  readonly id: string;
  readonly state: RunState;
  /** When the script ran. */
  readonly ranAtMs: number;
  readonly lastSyncAtMs: number;
  readonly plantSecrets: boolean;
}

type Writer = (view: RunStateView) => string;
const HOUR_MS = 3_600_000;
const instant = (atMs: number): string => `"${new Date(atMs).toISOString()}"`;
const nothing: Writer = () => 'null';
// Scripts print what they like, passwords included.
const output: Writer = ({ state, plantSecrets }) =>
  JSON.stringify(
    plantSecrets ? `protector found: ${CANARY_PLANTED_IN_DATA}` : state === 'fail' ? 'problem found' : 'ok',
  );
const error: Writer = ({ state }) => (state === 'scriptError' ? '"The script could not be run."' : '""');
const outcome: Writer = ({ state }) => `"${state}"`;

const SHARED: Readonly<Record<string, Writer>> = {
  id: ({ id }) => JSON.stringify(id),
  lastStateUpdateDateTime: ({ ranAtMs }) => instant(ranAtMs),
};
const SCHEDULED: Readonly<Record<string, Writer>> = {
  ...SHARED,
  detectionState: outcome,
  expectedStateUpdateDateTime: ({ ranAtMs }) => instant(ranAtMs + 24 * HOUR_MS),
  lastSyncDateTime: ({ lastSyncAtMs }) => instant(lastSyncAtMs),
};

/**
 * Source: Graph beta reference, resource types `deviceHealthScriptDeviceState`, `deviceManagementScriptDeviceState` and
 * `deviceComplianceScriptDeviceState` (read 2026-11-22).
 */
const WRITERS: Readonly<Record<ScriptKind, Readonly<Record<string, Writer>>>> = {
  deviceHealthScript: {
    ...SCHEDULED,
    preRemediationDetectionScriptOutput: output,
    preRemediationDetectionScriptError: error,
    remediationScriptError: nothing,
    postRemediationDetectionScriptOutput: nothing,
    postRemediationDetectionScriptError: nothing,
    remediationState: ({ state }) => (state === 'fail' ? '"remediationFailed"' : '"skipped"'),
    assignmentFilterIds: () => '[]',
  },
  deviceManagementScript: {
    ...SHARED,
    runState: outcome,
    resultMessage: output,
    errorCode: ({ state }) => (state === 'fail' ? '1' : '0'),
    errorDescription: error,
  },
  deviceComplianceScript: { ...SCHEDULED, scriptOutput: output, scriptError: error },
};

/** Writes one run state; `managedDevice` is the JSON of the expanded device, or `null`. */
export type RunStateWriter = (view: RunStateView, managedDevice?: string) => string;

/** A writer for the selected properties, all by default; or the name of one that does not exist. */
export function runStateWriter(
  kind: ScriptKind,
  select: readonly string[] | undefined,
): RunStateWriter | { readonly unknown: string } {
  const known = WRITERS[kind];
  const writers: (readonly [string, Writer])[] = [];
  for (const name of select ?? Object.keys(known)) {
    const write = Object.hasOwn(known, name) ? known[name] : undefined;
    if (write === undefined) return { unknown: name };
    writers.push([name, write]);
  }
  return (view, managedDevice) => {
    const parts = writers.map(([name, write]) => `"${name}":${write(view)}`);
    if (managedDevice !== undefined) parts.push(`"managedDevice":${managedDevice}`);
    return `{${parts.join(',')}}`;
  };
}
