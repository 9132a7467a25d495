/** Writes JSON, however deep: what `JSON.parse` reads, `JSON.stringify` may have no stack for. Pure. Layer: domain. */

/** The same as `JSON.stringify(value)`, at any depth. `value` is a JSON value; `undefined` is the empty text. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return deepText(value);
  }
}

/** A list or object that is being written. */
interface Level {
  /** Of an object: the names of its `items`. */
  readonly names: readonly string[] | undefined;
  readonly items: readonly unknown[];
  /** Index of the next item. */
  next: number;
}

/** Without recursion. */
function deepText(root: unknown): string {
  const written: string[] = [];
  const levels: Level[] = [];
  const begin = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) written.push(JSON.stringify(value) ?? 'null');
    else if (Array.isArray(value)) {
      written.push('[');
      levels.push({ names: undefined, items: value, next: 0 });
    } else {
      written.push('{');
      levels.push({ names: Object.keys(value), items: Object.values(value), next: 0 });
    }
  };
  begin(root);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { names, items, next } = level;
    if (next === items.length) {
      written.push(names === undefined ? ']' : '}');
      levels.pop();
      continue;
    }
    if (next > 0) written.push(',');
    if (names !== undefined) written.push(JSON.stringify(names[next]), ':');
    level.next += 1;
    begin(items[next]);
  }
  return written.join('');
}
