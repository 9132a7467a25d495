/** A queue message as it is told apart by, and kept. Layer: app. */
import { duplicateNames } from '../domain/duplicate-names.ts';
import { jsonText } from '../domain/json-text.ts';
import { readJsonMessage, textOfBase64 } from '../domain/message-body.ts';
import { hasEightGroups, hasSecret, scrub } from '../domain/scrub.ts';

export interface ReadMessage {
  /** Whole, as it came, base64 undone; what looks like a secret is redacted, since it is kept. */
  readonly text: string;
  /** The same for a JSON value, its text, and base64 of it, so that every delivery has one, whichever way it came. Not to be kept. */
  readonly key: string;
  /** The JSON value; `undefined` when there is none. */
  readonly body: unknown;
  /** Properties that the text gives twice, a problem for each. A parsed value cannot tell. */
  readonly duplicates: readonly string[];
}

/** `message`: its text, or the JSON value that the host has made of it already. Never throws, however deep it is. */
export function readMessage(message: unknown): ReadMessage {
  if (typeof message !== 'string') {
    const key = jsonText(message);
    return { text: withoutSecrets(key), key, body: message, duplicates: [] };
  }
  const json = readJsonMessage(message);
  if (json === undefined) return { text: keptText(message), key: message, body: undefined, duplicates: [] };
  const { text, body } = json;
  const duplicates = duplicateNames(text);
  // A text in quotes reaches us without them when the host has parsed it.
  const value = typeof body === 'string' ? body : jsonText(body);
  return { text: withoutSecrets(text), key: duplicates.length > 0 ? text : value, body, duplicates };
}

/** Base64 of JSON that was cut short looks like a token itself, and is kept unless a secret is behind it. */
function keptText(message: string): string {
  const decoded = textOfBase64(message);
  if (decoded === undefined) return withoutSecrets(message);
  if (hasSecret(decoded)) return scrub(decoded);
  return hasEightGroups(message) ? scrub(message) : message;
}

/** A secret may be written with the escapes of JSON too. */
function withoutSecrets(text: string): string {
  const clean = scrub(text);
  const read = clean
    .replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/\\[bfnrt]/g, ' ');
  return hasSecret(read) ? scrub(read) : clean;
}
