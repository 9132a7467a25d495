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

type Piece = { readonly text: string } | { readonly value: unknown };

/** Without recursion. */
function deepText(root: unknown): string {
  const written: string[] = [];
  // What is to be written, last piece first.
  const left: Piece[] = [{ value: root }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if ('text' in next) written.push(next.text);
    else for (const piece of piecesOf(next.value).reverse()) left.push(piece);
  }
  return written.join('');
}

/** One level of a value. */
function piecesOf(value: unknown): Piece[] {
  if (typeof value !== 'object' || value === null) return [{ text: JSON.stringify(value) ?? 'null' }];
  const isList = Array.isArray(value);
  const pieces: Piece[] = [{ text: isList ? '[' : '{' }];
  for (const [name, item] of Object.entries(value)) {
    const comma = pieces.length === 1 ? '' : ',';
    pieces.push({ text: isList ? comma : `${comma}${JSON.stringify(name)}:` }, { value: item });
  }
  return [...pieces, { text: isList ? ']' : '}' }];
}
