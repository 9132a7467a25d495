/** Tables in plain text. Pure. Layer: cli. */
import type { Style } from './style.ts';
import { padEnd, padStart, width, wrap } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Shares the room that the others leave, and breaks its text. */
  readonly grows?: boolean;
}

const GAP = '  ';
/** A growing column is never narrower, even if lines become too long. */
const LEAST_GROWN = 16;

/** Rows under a heading; cells of growing columns break so that lines fit into `columns`, if they can. */
export function table(
  titles: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
  columns: number,
): readonly string[] {
  const widths = widthsOf(titles, rows, columns);

  function line(cells: readonly string[]): string {
    const padded = titles.map(({ align }, i) => {
      const cell = cells[i] ?? '';
      return align === 'right' ? padStart(cell, widths[i] ?? 0) : padEnd(cell, widths[i] ?? 0);
    });
    return padded.join(GAP).trimEnd();
  }

  const body = rows.flatMap((row) => {
    const cells = titles.map(({ grows }, i) => (grows === true ? wrap(row[i] ?? '', widths[i] ?? 0) : [row[i] ?? '']));
    const height = Math.max(...cells.map((lines) => lines.length));
    return Array.from({ length: height }, (_, y) => line(cells.map((lines) => lines[y] ?? '')));
  });
  return [style.dim(line(titles.map((column) => column.title))), ...body];
}

/** Growing columns get what they need if there is room; else the narrow ones do, and the wide ones share the rest. */
function widthsOf(titles: readonly Column[], rows: readonly (readonly string[])[], columns: number): readonly number[] {
  const widths = titles.map(({ title }, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ''))));
  const growing = titles.flatMap(({ grows }, i) => (grows === true ? [i] : []));
  const fixed = widths.reduce((sum, w, i) => (growing.includes(i) ? sum : sum + w), GAP.length * (titles.length - 1));
  let room = columns - fixed;
  const narrowFirst = growing.toSorted((a, b) => (widths[a] ?? 0) - (widths[b] ?? 0));
  for (const [done, i] of narrowFirst.entries()) {
    const share = Math.max(LEAST_GROWN, Math.floor(room / (narrowFirst.length - done)));
    widths[i] = Math.min(widths[i] ?? 0, share);
    room -= widths[i] ?? 0;
  }
  return widths;
}
