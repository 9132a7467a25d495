/** Bytes as lines, each with its end. Layer: app. */

const LF = 0x0a;
/** Chosen: far above any line of ours; bounds the memory that a file without line ends takes. */
const LONGEST_LINE = 4 * 1024 * 1024;

/** Lines as they stand, the line feed included; what is longer than any line of ours is cut. The last one may have no end. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = bytes.indexOf(LF, rest.length); at >= 0; at = bytes.indexOf(LF, from)) {
      yield bytes.subarray(from, at + 1);
      from = at + 1;
    }
    rest = bytes.slice(from);
    if (rest.length > LONGEST_LINE) {
      yield rest;
      rest = new Uint8Array();
    }
  }
  if (rest.length > 0) yield rest;
}
