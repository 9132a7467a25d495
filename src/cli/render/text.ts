/** Numbers, spans of time and widths, for people. Pure. Layer: cli. */
import { stripVTControlCharacters } from 'node:util';

/** `1,234`. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 device`, `1,234 devices`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** `87 %`; never rounded up to a whole that is not there, nor down to nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return 'under 1 %';
  return `${Math.floor(share * 100 + 1e-9)} %`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** The two largest units: `3 d 4 h`, `1 min 20 s`, `0.4 s`. */
export function span(ms: number): string {
  if (ms < 10_000) return `${Math.max(0, Math.round(ms / 100) / 10)} s`;
  const parts: string[] = [];
  let leftMs = Math.round(ms / 1_000) * 1_000;
  for (const [name, unitMs] of UNITS) {
    const count = Math.floor(leftMs / unitMs);
    leftMs -= count * unitMs;
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** `2026-11-22 20:15` UTC. */
export function moment(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}

/** Characters a terminal shows, colours aside. */
export function width(text: string): number {
  return stripVTControlCharacters(text).length;
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
