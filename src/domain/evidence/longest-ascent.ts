/** The longest part of a sequence that is in order: whatever is not in it has been moved. Pure. Layer: domain. */

/** Items with strictly rising numbers, in the order they stand in; as many as there can be. */
export function longestAscent<T extends { readonly number: number }>(items: readonly T[]): readonly T[] {
  /** By length, the index of the smallest last item of an ascent that long. */
  const tails: number[] = [];
  const before = new Int32Array(items.length).fill(-1);
  for (const [i, { number }] of items.entries()) {
    const length = lengthBelow(items, tails, number);
    // Of equal ones the first stays.
    if (items[tails[length] ?? -1]?.number === number) continue;
    before[i] = tails[length - 1] ?? -1;
    tails[length] = i;
  }
  const ascent: T[] = [];
  for (let i = tails.at(-1) ?? -1; i >= 0; i = before[i] as number) ascent.push(items[i] as T);
  return ascent.reverse();
}

/** How long the longest ascent is that ends below `number`. */
function lengthBelow(items: readonly { readonly number: number }[], tails: readonly number[], number: number): number {
  let low = 0;
  let high = tails.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[tails[middle] as number] as { readonly number: number }).number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
