/** Bytes as lines, each with its end. Layer: app. */

const LF = 0x0a;
/** Chosen: far above any line of ours; bounds the memory that a file without line ends takes. */
const LONGEST_LINE = 4 * 1024 * 1024;

/**
 * Lines as they stand, the line feed included. The last one may have no end. Of what is longer than any line of ours, the beginning stands for
 * the whole, without an end. Only a line that goes over the end of a chunk is put together anew; the others are parts of their chunk.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      const line = chunk.subarray(from, at + 1);
      yield rest.length === 0 ? line.subarray(0, LONGEST_LINE) : joined(rest, line);
      rest = new Uint8Array();
      from = at + 1;
    }
    rest = joined(rest, chunk.subarray(from));
  }
  if (rest.length > 0) yield rest;
}

/** A copy, cut where it gets too long. */
function joined(rest: Uint8Array, more: Uint8Array): Uint8Array {
  const room = LONGEST_LINE - rest.length;
  return room === 0 ? rest : Buffer.concat([rest, more.subarray(0, room)]);
}
