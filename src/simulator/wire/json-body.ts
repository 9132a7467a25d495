/** Request bodies: JSON objects checked against the properties a type has. Layer: simulator. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** True for what JSON calls an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object, or `undefined` when the text is none. */
export function parseObject(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** True when the body is said to be JSON. */
export function saysJson(headers: Readonly<Record<string, string>>): boolean {
  return /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
}

/** What is wrong with a value; `undefined` when nothing is. */
export type ValueCheck = (value: unknown) => string | undefined;

/** The first property that does not exist, or whose value is not of its type, in words. Properties that are left out are no problem. */
export function problemOfProperties(
  body: JsonObject,
  checks: Readonly<Record<string, ValueCheck>>,
): string | undefined {
  for (const [name, value] of Object.entries(body)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) return `The property '${name}' does not exist on this type.`;
    const problem = check(value);
    if (problem !== undefined) return `The property '${name}' ${problem}.`;
  }
  return undefined;
}

export const text: ValueCheck = (value) => (typeof value === 'string' ? undefined : 'must be a string');
export const nullable =
  (check: ValueCheck): ValueCheck =>
  (value) =>
    value === null ? undefined : check(value);
export const member =
  (members: readonly string[]): ValueCheck =>
  (value) =>
    typeof value === 'string' && members.includes(value) ? undefined : 'is not a member of its enumeration';
/** Names of a flags enum, comma-separated. */
export const members =
  (names: readonly string[]): ValueCheck =>
  (value) =>
    typeof value === 'string' && value.split(',').every((name) => names.includes(name.trim()))
      ? undefined
      : 'is not a combination of members of its enumeration';
/** Microsoft's own example leaves the `#` out of a nested object's type. Source: reference page "Create managedDeviceEncryptionState" (read 2026-11-22). */
export const typeName =
  (name: string): ValueCheck =>
  (value) =>
    value === `#${name}` || value === name ? undefined : `must be '#${name}'`;
