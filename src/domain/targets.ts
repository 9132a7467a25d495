/** What one rotation request is aimed at, and the URL form it takes. Layer: domain. */
import type { EntraDeviceId, ManagedDeviceId } from './ids.ts';
import { inQuotes } from './shown.ts';
import type { DeviceNaming } from './tenant.ts';

/** Scripts whose run states name devices. */
export const SCRIPT_KINDS = ['deviceHealthScript', 'deviceManagementScript', 'deviceComplianceScript'] as const;
export type ScriptKind = (typeof SCRIPT_KINDS)[number];

/** One script, by id. */
export type ScriptTarget =
  | { readonly deviceHealthScriptId: string }
  | { readonly deviceManagementScriptId: string }
  | { readonly deviceComplianceScriptId: string };

/**
 * Devices named by someone who wants them rotated now; the shapes are the on-demand message's contract. A name, serial number or user must
 * match one device. `failing`: every device whose run state says that the script detected a problem.
 */
export type RotationTarget =
  | { readonly managedDeviceId: ManagedDeviceId }
  | { readonly entraDeviceId: EntraDeviceId }
  | { readonly deviceName: string }
  | { readonly serialNumber: string }
  | { readonly userPrincipalName: string }
  | { readonly comanagedDeviceId: ManagedDeviceId }
  | (ScriptTarget & { readonly deviceRunStateId: string })
  | {
      readonly deviceManagementScriptId: string;
      readonly deviceRunStateId: string;
      readonly userId: string;
      readonly managedDeviceId: ManagedDeviceId;
    }
  | {
      readonly deviceManagementScriptId: string;
      readonly deviceRunStateId: string;
      readonly detectedAppId: string;
      readonly managedDeviceId: ManagedDeviceId;
    }
  | (ScriptTarget & { readonly failing: true });

/** The seven URL forms of the rotation action. Source: `reference/rotatebitlockerkeys.md`, "HTTP Request" (read 2026-11-22). */
export type RotationRoute =
  | { readonly via: 'managedDevice'; readonly managedDeviceId: string }
  | { readonly via: 'comanagedDevice'; readonly managedDeviceId: string }
  | { readonly via: ScriptKind; readonly scriptId: string; readonly deviceRunStateId: string }
  | {
      readonly via: 'scriptUser';
      readonly scriptId: string;
      readonly deviceRunStateId: string;
      readonly userId: string;
      readonly managedDeviceId: string;
    }
  | {
      readonly via: 'scriptDetectedApp';
      readonly scriptId: string;
      readonly deviceRunStateId: string;
      readonly detectedAppId: string;
      readonly managedDeviceId: string;
    };

/** Slashes and dots walk the path; `%` could be decoded twice; `?` and `#` end it; control characters end worse things. */
const UNSAFE = /[/\\?#%\p{Cc}]|^\.{1,2}$|^$/u;

/** True when the id stays one segment of a URL's path, whoever decodes it. */
export function isPathSegment(id: string): boolean {
  return !UNSAFE.test(id) && id.isWellFormed();
}

/** A target by how it is resolved to devices. */
export type TargetAim =
  | { readonly at: 'managedDevice'; readonly managedDeviceId: ManagedDeviceId }
  | { readonly at: 'entraDevice'; readonly entraDeviceId: EntraDeviceId }
  | { readonly at: 'comanagedDevice'; readonly managedDeviceId: ManagedDeviceId }
  | { readonly at: 'named'; readonly by: DeviceNaming; readonly value: string }
  | {
      readonly at: 'runState';
      readonly script: ScriptKind;
      readonly scriptId: string;
      readonly deviceRunStateId: string;
    }
  /** The target says both the device and the URL form it is asked by. */
  | { readonly at: 'routed'; readonly managedDeviceId: ManagedDeviceId; readonly route: RotationRoute }
  | { readonly at: 'failing'; readonly script: ScriptKind; readonly scriptId: string };

/** How the target is resolved. */
export function aimOf(target: RotationTarget): TargetAim {
  if ('deviceName' in target) return { at: 'named', by: 'deviceName', value: target.deviceName };
  if ('serialNumber' in target) return { at: 'named', by: 'serialNumber', value: target.serialNumber };
  if ('userPrincipalName' in target) return { at: 'named', by: 'userPrincipalName', value: target.userPrincipalName };
  if ('entraDeviceId' in target) return { at: 'entraDevice', entraDeviceId: target.entraDeviceId };
  if ('comanagedDeviceId' in target) return { at: 'comanagedDevice', managedDeviceId: target.comanagedDeviceId };
  if ('userId' in target || 'detectedAppId' in target) return routedAim(target);
  if ('managedDeviceId' in target) return { at: 'managedDevice', managedDeviceId: target.managedDeviceId };
  if ('failing' in target) return { at: 'failing', ...scriptOf(target) };
  return { at: 'runState', ...scriptOf(target), deviceRunStateId: target.deviceRunStateId };
}

function routedAim(target: Extract<RotationTarget, { userId: string } | { detectedAppId: string }>): TargetAim {
  const { deviceManagementScriptId: scriptId, deviceRunStateId, managedDeviceId } = target;
  const route: RotationRoute =
    'userId' in target
      ? { via: 'scriptUser', scriptId, deviceRunStateId, userId: target.userId, managedDeviceId }
      : { via: 'scriptDetectedApp', scriptId, deviceRunStateId, detectedAppId: target.detectedAppId, managedDeviceId };
  return { at: 'routed', managedDeviceId, route };
}

function scriptOf(target: ScriptTarget): { readonly script: ScriptKind; readonly scriptId: string } {
  if ('deviceHealthScriptId' in target) return { script: 'deviceHealthScript', scriptId: target.deviceHealthScriptId };
  if ('deviceManagementScriptId' in target)
    return { script: 'deviceManagementScript', scriptId: target.deviceManagementScriptId };
  return { script: 'deviceComplianceScript', scriptId: target.deviceComplianceScriptId };
}

/** Values of filters; every other one becomes a segment of a URL's path. */
const FILTER_VALUES: ReadonlySet<string> = new Set(['deviceName', 'serialNumber', 'userPrincipalName']);

/** False for a target that no URL can be made of: an id that is not one path segment, or a name that is empty or no Unicode text. */
export function isAskable(target: RotationTarget): boolean {
  return fieldsOf(target).every(([name, value]) =>
    FILTER_VALUES.has(name) ? value !== '' && value.isWellFormed() : isPathSegment(value),
  );
}

/** The order in which a target's properties are told. */
const FIELDS = [
  'entraDeviceId',
  'deviceName',
  'serialNumber',
  'userPrincipalName',
  'comanagedDeviceId',
  'deviceHealthScriptId',
  'deviceManagementScriptId',
  'deviceComplianceScriptId',
  'deviceRunStateId',
  'userId',
  'detectedAppId',
  'managedDeviceId',
] as const;

function fieldsOf(target: RotationTarget): readonly (readonly [name: string, value: string])[] {
  const values: Readonly<Partial<Record<string, unknown>>> = target;
  return FIELDS.flatMap((name) => {
    const value = values[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
}

/** The same text for the same target, whatever the order of its properties. */
export function targetKey(target: RotationTarget): string {
  return JSON.stringify([...fieldsOf(target), 'failing' in target]);
}

/** Characters of a value that are told. Chosen: every id Graph uses is shorter. */
const TOLD_LENGTH = 256;

/** The target in words: `deviceName LAPTOP-1`, `deviceHealthScriptId X, deviceRunStateId Y`. Values that are not printable text are quoted. */
export function describeTarget(target: RotationTarget): string {
  return fieldsOf(target)
    .map(([name, value]) => `${name} ${told(value)}`)
    .join(', ');
}

function told(value: string): string {
  const short = value.length <= TOLD_LENGTH ? value : `${value.slice(0, TOLD_LENGTH)}…`;
  return /^$|\p{C}/u.test(short) ? inQuotes(short) : short;
}
