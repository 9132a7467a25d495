/** Branded identifiers. Two GUIDs that mean different things are different types. Layer: domain. */
import { shown } from './shown.ts';

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** Entra tenant id, a lower-case GUID. */
export type TenantId = Branded<string, 'TenantId'>;
/** Intune managed device id, a lower-case GUID. */
export type ManagedDeviceId = Branded<string, 'ManagedDeviceId'>;
/** Entra device id (`azureADDeviceId`), a lower-case GUID; what recovery keys are filed under. */
export type EntraDeviceId = Branded<string, 'EntraDeviceId'>;
/** Recovery key id, a lower-case GUID. Metadata, not secret. */
export type RecoveryKeyId = Branded<string, 'RecoveryKeyId'>;
/** Identifies a run: the request id of an on-demand run, else made when the run starts. `[0-9A-Za-z-]{1,64}`. */
export type RunId = Branded<string, 'RunId'>;
/** Identifies a slice within its run: the order of its first rotation and its attempt, `0000120-0`. */
export type SliceId = Branded<string, 'SliceId'>;

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ZERO_GUID = '00000000-0000-0000-0000-000000000000';

/** True for the canonical 8-4-4-4-12 form in any letter case. */
export function isGuid(value: unknown): value is string {
  return typeof value === 'string' && GUID.test(value.toLowerCase());
}

function parseGuid(what: string, value: unknown): string {
  if (!isGuid(value)) throw new TypeError(`${what} must be a GUID, got ${shown(value)}`);
  return value.toLowerCase();
}

/** @throws {TypeError} when `value` is not a GUID. */
export function parseTenantId(value: unknown): TenantId {
  return parseGuid('tenant id', value) as TenantId;
}

/** @throws {TypeError} when `value` is not a GUID. */
export function parseManagedDeviceId(value: unknown): ManagedDeviceId {
  return parseGuid('managed device id', value) as ManagedDeviceId;
}

/** The Entra device id, or `undefined` when there is none: absent, not a GUID, or the all-zero GUID Intune writes for "none". */
export function parseEntraDeviceId(value: unknown): EntraDeviceId | undefined {
  if (!isGuid(value)) return undefined;
  const id = value.toLowerCase();
  return id === ZERO_GUID ? undefined : (id as EntraDeviceId);
}

/** @throws {TypeError} when `value` is not a GUID. */
export function parseRecoveryKeyId(value: unknown): RecoveryKeyId {
  return parseGuid('recovery key id', value) as RecoveryKeyId;
}

/** @throws {TypeError} when `value` is not 1 to 64 letters, digits and hyphens. */
export function parseRunId(value: unknown): RunId {
  if (typeof value !== 'string' || !/^[0-9A-Za-z-]{1,64}$/.test(value)) {
    throw new TypeError(`run id must be 1 to 64 letters, digits and hyphens, got ${shown(value)}`);
  }
  return value as RunId;
}

/** @throws {TypeError} when `value` is not seven digits, a hyphen and an attempt number. */
export function parseSliceId(value: unknown): SliceId {
  if (typeof value !== 'string' || !/^\d{7}-\d{1,4}$/.test(value)) {
    throw new TypeError(`slice id must look like 0000120-0, got ${shown(value)}`);
  }
  return value as SliceId;
}
