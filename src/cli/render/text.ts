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

/** At most `columns` wide; what is cut loses its colours, so that none runs on. */
export function clip(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  const plain = stripVTControlCharacters(text);
  return columns < 2 ? plain.slice(0, Math.max(0, columns)) : `${plain.slice(0, columns - 1)}…`;
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
