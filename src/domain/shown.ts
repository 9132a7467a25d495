/** Values as a problem may quote them. Pure. Layer: domain. */
import { scrub } from './scrub.ts';

/** Characters of a value, or of a name, that are shown. Chosen: a GUID with a slip of the key fits. */
const SHOWN_LENGTH = 60;

/** Shortened, and quoted so that it cannot pass for anything else. What is inside an object or a list is nobody's business. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** A text in quotes: at most 60 characters, without secrets, and with nothing in it that is not seen. */
export function quoted(text: string): string {
  const clean = scrub(text);
  const short = clean.length > SHOWN_LENGTH ? `${clean.slice(0, SHOWN_LENGTH)}…` : clean;
  return inQuotes(short.toWellFormed());
}

/** The whole text in quotes; what is not seen, or moves the cursor, is written as its code. */
export function inQuotes(text: string): string {
  // JSON leaves U+007F to U+009F as they are, and U+009B begins a terminal's command.
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
