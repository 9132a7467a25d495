/** Widths of text on a terminal. Pure. Layer: cli. */
import { stripVTControlCharacters } from 'node:util';

/** Characters a terminal shows, colours aside. */
export function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** Foreign text with a replacement for what could move the cursor, hide, or turn other text around. */
export function visible(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** Exactly `columns` wide, unless the text is wider. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - width(text))) + text;
}

/** At most `columns` wide; what is cut loses its colours, so that none runs on. No character is cut in halves. */
export function clip(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  const plain = stripVTControlCharacters(text);
  return columns < 2 ? begin(plain, Math.max(0, columns)) : `${begin(plain, columns - 1)}…`;
}

function begin(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}

/** Chosen: Windows allows a computer's name 15 characters; what Intune and people make up beyond that is told apart by then. */
const NAME_COLUMNS = 40;

/** A device's or a person's name as a cell of a table: what would hide is seen, and one long name does not widen all lines. */
export function nameCell(name: string): string {
  return clip(visible(name), NAME_COLUMNS);
}

/** Breaks at blanks into lines of at most `columns`; a longer word stands alone. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
