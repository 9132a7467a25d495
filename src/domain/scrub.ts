/** The net below the allow-list: removes from a text what looks like a secret. Pure. Layer: domain. */

/** Eight groups of six digits, up to three characters between them, and any blanks: texts are kept with their blanks made one. */
const EIGHT_GROUPS = '\\d{6}(?:\\s*(?:[^\\d\\s]\\s*){0,3}\\d{6}){7}';

const KEYED = ['AccountKey', 'SharedAccessSignature', 'SharedAccessKey', 'sig', 'client_secret', 'access_token'];

/** What looks like a secret, as a regular expression for Unicode mode. */
export const SECRET_PATTERN = [
  EIGHT_GROUPS,
  // A JSON web token, whole or cut short.
  'eyJ[\\w-]{6,}(?:\\.[\\w-]*){0,4}',
  `\\b${inAnyCase('Bearer')}\\s+[^\\s"',;]+`,
  // Storage keys and signatures in connection strings and URLs.
  `\\b(?:${[...KEYED, 'refresh_token'].map(inAnyCase).join('|')})=[^\\s"',;&]+`,
].join('|');

/** A pattern of JSON Schema has no flags. */
function inAnyCase(word: string): string {
  return word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}

const SECRET = new RegExp(SECRET_PATTERN, 'u');
const SECRETS = new RegExp(SECRET_PATTERN, 'gu');
const GROUPS = new RegExp(EIGHT_GROUPS, 'u');

/** What stands where a secret was. */
export const REDACTED = '[redacted]';

/**
 * `text` with recovery passwords, tokens and storage keys replaced by `[redacted]`. A last line of defence: what may be logged is
 * decided by the allow-list (`LOG_FIELDS`, `errorFields`), not here.
 */
export function scrub(text: string): string {
  return text.replace(SECRETS, REDACTED);
}

/** True when `scrub` would change it. */
export function hasSecret(text: string): boolean {
  return SECRET.test(text);
}

/** True for the digits of a recovery password, however they are separated. */
export function hasEightGroups(text: string): boolean {
  return GROUPS.test(text);
}
