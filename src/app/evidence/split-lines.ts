/** Bytes as lines, each with its end. Layer: app. */

const LF = 0x0a;
/** Chosen: far above any line of ours; bounds the memory that a file without line ends takes. */
const LONGEST_LINE = 4 * 1024 * 1024;

/**
 * Lines as they stand, the line feed included. The last one may have no end. Of what is longer than any line of ours, the beginning stands for
 * the whole, without an end. Only a line that goes over the end of a chunk is put together anew; the others are parts of their chunk.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array): void => {
    const kept = part.subarray(0, LONGEST_LINE - length);
    if (kept.length === 0) return;
    parts.push(kept);
    length += kept.length;
  };
  const taken = (): Uint8Array => {
    const [only] = parts;
    const line = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, length);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      keep(chunk.subarray(from, at + 1));
      yield taken();
      from = at + 1;
    }
    keep(chunk.subarray(from));
  }
  if (length > 0) yield taken();
}
