/** The on-demand message as a table: every property with its rule, and the forms a target may take. The parser and the JSON Schema are made of it. Pure. Layer: domain. */
import { hasCalendarDay } from './calendar-day.ts';
import { isGuid, parseEntraDeviceId } from './ids.ts';
import { hasSecret, SECRET_PATTERN } from './scrub.ts';
import { isPathSegment } from './targets.ts';

/** A JSON Schema, as far as ours goes. */
export type Schema = Readonly<Record<string, unknown>>;

/** What a property's value must be. */
export interface FieldRule {
  /** Completes "… must be". */
  readonly mustBe: string;
  readonly accepts: (value: unknown) => boolean;
  /** Accepts the same values. */
  readonly schema: Schema;
  /** The accepted value as it is kept. Default: as it came. */
  readonly keep?: (value: string) => string;
}

const GUID_PATTERN = '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}';
const lowerCase = (value: string): string => value.toLowerCase();

/** Lone surrogates survive neither storage nor a URL; control characters forge lines. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
const UNPRINTABLE_BUT_LAYOUT = /(?![\t\n\r])[\p{Cc}\p{Cs}]/u;

/** Characters as JSON Schema counts them. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _character of text) length += 1;
  return length;
}

/** What looks like a recovery password, a token or a storage key is kept nowhere. */
const NO_SECRET = { not: { $ref: '#/$defs/secret' } } as const;
/** The definition that the rules of texts refer to. */
export const SECRET_SCHEMA: Schema = {
  description: 'What looks like a recovery password, a token or a storage key: refused in every text.',
  pattern: SECRET_PATTERN,
};

function guid(what: string): FieldRule {
  return {
    mustBe: `${what}, a GUID`,
    accepts: isGuid,
    schema: { type: 'string', pattern: `^${GUID_PATTERN}$` },
    keep: lowerCase,
  };
}

/** Without control characters. */
function text(what: string, least: number, most: number): FieldRule {
  return {
    mustBe: `${what}, ${least} to ${most} characters, none of them a control character`,
    accepts: (value) =>
      typeof value === 'string' &&
      !UNPRINTABLE.test(value) &&
      lengthOf(value) >= least &&
      lengthOf(value) <= most &&
      !hasSecret(value),
    schema: { type: 'string', minLength: least, maxLength: most, pattern: '^[^\\p{Cc}\\p{Cs}]*$', ...NO_SECRET },
  };
}

/** For people: may have lines, which are kept as spaces. */
function prose(what: string, most: number): FieldRule {
  return {
    mustBe: `${what}, up to ${most} characters, without control characters but line breaks and tabs`,
    accepts: (value) =>
      typeof value === 'string' && !UNPRINTABLE_BUT_LAYOUT.test(value) && lengthOf(value) <= most && !hasSecret(value),
    schema: { type: 'string', maxLength: most, pattern: '^(?:[\\t\\n\\r]|[^\\p{Cc}\\p{Cs}])*$', ...NO_SECRET },
    keep: (value) => value.replace(/\s+/g, ' ').trim(),
  };
}

/** Chosen: far above the GUIDs and `userId_deviceId` forms that Graph uses. */
const LONGEST_ID = 256;

function pathSegment(what: string): FieldRule {
  return {
    mustBe: `${what}, 1 to ${LONGEST_ID} characters without / \\ ? # % or control characters, and not . or ..`,
    accepts: (value) =>
      typeof value === 'string' && isPathSegment(value) && lengthOf(value) <= LONGEST_ID && !hasSecret(value),
    schema: {
      type: 'string',
      maxLength: LONGEST_ID,
      pattern: '^(?!\\.{1,2}$)[^\\/\\\\?#%\\p{Cc}\\p{Cs}]+$',
      ...NO_SECRET,
    },
  };
}

/** The years end at 2099, so that a slip of the key does not wait for centuries. Chosen. */
const INSTANT =
  /^(20\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && INSTANT.test(value) && hasCalendarDay(value);
}

const MANAGED_DEVICE_ID = guid('an Intune managed device id');

/** Every property a target may have; the same name means the same thing in every form. */
export const TARGET_FIELDS = {
  managedDeviceId: MANAGED_DEVICE_ID,
  entraDeviceId: {
    mustBe: 'an Entra device id, a GUID that is not all zeros',
    accepts: (value) => parseEntraDeviceId(value) !== undefined,
    schema: { type: 'string', pattern: `^(?!0{8}-0{4}-0{4}-0{4}-0{12}$)${GUID_PATTERN}$` },
    keep: lowerCase,
  },
  deviceName: text('a device name', 1, 256),
  serialNumber: text('a serial number', 1, 256),
  userPrincipalName: text('a user principal name', 1, 256),
  comanagedDeviceId: { ...MANAGED_DEVICE_ID, mustBe: 'the managed device id of a co-managed device, a GUID' },
  deviceHealthScriptId: pathSegment('the id of a device health script'),
  deviceManagementScriptId: pathSegment('the id of a device management script'),
  deviceComplianceScriptId: pathSegment('the id of a device compliance script'),
  deviceRunStateId: pathSegment('the id of a device run state'),
  userId: pathSegment('the id of a user'),
  detectedAppId: pathSegment('the id of a detected app'),
  failing: { mustBe: 'true', accepts: (value) => value === true, schema: { const: true } },
} as const satisfies Readonly<Record<string, FieldRule>>;
export type TargetField = keyof typeof TARGET_FIELDS;

/** The forms of a target: each is exactly these properties. Source: design, "On-demand message (contract)". */
export const TARGET_FORMS: readonly (readonly TargetField[])[] = [
  ['managedDeviceId'],
  ['entraDeviceId'],
  ['deviceName'],
  ['serialNumber'],
  ['userPrincipalName'],
  ['comanagedDeviceId'],
  ['deviceHealthScriptId', 'deviceRunStateId'],
  ['deviceComplianceScriptId', 'deviceRunStateId'],
  ['deviceManagementScriptId', 'deviceRunStateId'],
  ['deviceManagementScriptId', 'deviceRunStateId', 'userId', 'managedDeviceId'],
  ['deviceManagementScriptId', 'deviceRunStateId', 'detectedAppId', 'managedDeviceId'],
  ['deviceHealthScriptId', 'failing'],
  ['deviceComplianceScriptId', 'failing'],
  ['deviceManagementScriptId', 'failing'],
];

/** Every property of the message besides `targets`; all may be left out. */
export const REQUEST_FIELDS = {
  requestId: { ...guid(''), mustBe: 'a GUID' },
  tenantId: guid('an Entra tenant id'),
  reason: prose('a text', 1_000),
  requestedBy: prose('a text', 256),
  notBefore: {
    mustBe: 'an instant of the years 2000 to 2099 with seconds and Z or an offset, such as 2026-12-01T08:00:00Z',
    accepts: isInstant,
    schema: { type: 'string', format: 'date-time', pattern: INSTANT.source },
  },
} as const satisfies Readonly<Record<string, FieldRule>>;
export type RequestField = keyof typeof REQUEST_FIELDS;

/** Chosen: more than fit in one message, and few enough that one run's plan stays small. */
export const MOST_TARGETS = 5_000;
