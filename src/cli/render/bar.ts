/** Bars drawn with block characters. Pure. Layer: cli. */

const FULL = '█';
const EMPTY = '░';

/** `columns` wide; full only when `share` is 1 or more, empty only when it is 0. */
export function bar(share: number, columns: number): string {
  return stackedBar([{ share }], columns);
}

/** Part of a stacked bar. */
export interface BarPart {
  /** Of the whole, 0 to 1. */
  readonly share: number;
  readonly paint?: (text: string) => string;
}

/** Parts one after the other, the rest empty; `columns` wide whatever the shares, and a part that is not nothing is seen if there is room. */
export function stackedBar(parts: readonly BarPart[], columns: number): string {
  let left = columns;
  let text = '';
  const total = parts.reduce((sum, part) => sum + part.share, 0);
  for (const { share, paint } of parts) {
    if (share <= 0) continue;
    // What is not full never looks full.
    const most = total >= 1 ? left : left - 1;
    const cells = Math.min(most, Math.max(1, Math.round(share * columns)));
    left -= cells;
    const blocks = FULL.repeat(cells);
    text += paint === undefined ? blocks : paint(blocks);
  }
  // Rounding down may leave a gap at the end of a bar that is in fact full.
  if (total >= 1 - 1e-9 && left > 0) {
    const last = parts.filter((part) => part.share > 0).at(-1)?.paint;
    const blocks = FULL.repeat(left);
    return text + (last === undefined ? blocks : last(blocks));
  }
  return text + EMPTY.repeat(left);
}
