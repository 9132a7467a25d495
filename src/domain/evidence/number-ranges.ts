/** Numbers that are missing, as ranges, however many they are. Pure. Layer: domain. */

export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export interface NumberRanges {
  /** Takes the number out, if it is in. */
  take(number: number): boolean;
  /** Takes the smallest out. */
  takeFirst(): number | undefined;
  /** What is left, ascending. */
  left(): readonly NumberRange[];
}

/** From `from` to `to`, both included, without `except`, which ascends; none when `to` is smaller. */
export function numberRanges(from: number, to: number, except: readonly number[] = []): NumberRanges {
  const ranges: NumberRange[] = [];
  let next = from;
  for (const number of [...except, to + 1]) {
    if (next < number) ranges.push({ from: next, to: number - 1 });
    next = number + 1;
  }

  function take(number: number): boolean {
    const at = ranges.findIndex((range) => range.from <= number && number <= range.to);
    const range = ranges[at];
    if (range === undefined) return false;
    const parts = [
      { from: range.from, to: number - 1 },
      { from: number + 1, to: range.to },
    ];
    ranges.splice(at, 1, ...parts.filter((part) => part.from <= part.to));
    return true;
  }

  return {
    take,
    takeFirst() {
      const first = ranges[0]?.from;
      if (first !== undefined) take(first);
      return first;
    },
    left: () => [...ranges],
  };
}
