/** HTML that cannot be broken out of: whatever is put into a template is escaped, here and nowhere else. Layer: app. */

/** Markup that is safe to put into a page as it is. Made by `html` only. */
export interface Html {
  readonly markup: string;
}

type Insert = string | number | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Control characters, and what turns the direction of text around: shown instead of obeyed. */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;

/** Text for an element's content or a quoted attribute. */
export function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}

/** The markup, with every insert escaped that is not markup itself. Attributes are to be quoted. */
export function html(parts: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  let markup = parts[0] ?? '';
  for (const [i, insert] of inserts.entries()) markup += markupOf(insert) + (parts[i + 1] ?? '');
  return { markup };
}

/** Nothing. */
export const NOTHING: Html = { markup: '' };

/** Our own style sheet or script: no text from anywhere else. @throws {TypeError} when it would end its element. */
export function verbatim(source: string): Html {
  if (/<\/|<!--/.test(source)) throw new TypeError('a style sheet or script must not hold the end of its element');
  return { markup: source };
}

function markupOf(insert: Insert): string {
  if (typeof insert === 'string') return escapeText(insert);
  if (typeof insert === 'number') return String(insert);
  return 'markup' in insert ? insert.markup : insert.map(({ markup }) => markup).join('');
}
