/** One cell of an evidence file: a value as it is written, and back. No spreadsheet takes it for a formula, and it never ends its line. Pure. Layer: domain. */

/** What most cells are: nothing in it needs care. */
const PLAIN = /^[0-9A-Za-z][0-9A-Za-z .:_/()#{}-]*$/;

/**
 * What spreadsheets calculate when a cell begins with it, full-width forms among it, and the apostrophe itself, so that one that we put
 * there can be told from one that was there. Source: OWASP, "CSV Injection" (read 2026-11-22).
 */
const FORMULA = /^[\s"]*[=+\-@'\uff1d\uff0b\uff0d\uff20]/;

/**
 * Characters that would end the line or hide in it; a semicolon behind which a formula would begin where semicolons part the cells; and a
 * backslash that would be taken for the beginning of such an escape.
 */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\ufeff]|;(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])|\\(?=u[0-9a-f]{4})/gu;
const ESCAPE = /\\u([0-9a-f]{4})/g;

/**
 * The value as a cell: control characters as `\u000a`, an apostrophe in front of what could be a formula, quoted per RFC 4180 where it must
 * be. What is no Unicode text is mended.
 */
export function writeCell(value: string): string {
  if (value === '' || PLAIN.test(value)) return value;
  const visible = value.toWellFormed().replace(HIDDEN, escapeOf);
  const harmless = FORMULA.test(visible) ? `'${visible}` : visible;
  return /[",]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The value of a cell, quotes already taken off. */
function readValue(cell: string): string {
  const written = cell.startsWith("'") ? cell.slice(1) : cell;
  return written.includes('\\u')
    ? written.replace(ESCAPE, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : written;
}

/** The values of a line without its end. A stray quote is taken as it stands. */
export function readCells(line: string): readonly string[] {
  if (!line.includes('"')) return line.split(',').map(readValue);
  const cells: string[] = [];
  for (let at = 0; at <= line.length; ) {
    if (line[at] !== '"') {
      const comma = line.indexOf(',', at);
      const end = comma < 0 ? line.length : comma;
      cells.push(readValue(line.slice(at, end)));
      at = end + 1;
      continue;
    }
    const end = closingQuote(line, at + 1);
    cells.push(readValue(line.slice(at + 1, end).replaceAll('""', '"')));
    const comma = line.indexOf(',', end);
    at = (comma < 0 ? line.length : comma) + 1;
  }
  return cells;
}

/** Where the quoted text that begins at `from` ends. */
function closingQuote(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 2)) {
    if (line[at + 1] !== '"') return at;
  }
  return line.length;
}
