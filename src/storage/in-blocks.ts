/** Pieces of any size as blocks of one size. Pure. Layer: storage adapter. */

/** Blocks of `size` bytes, the last one shorter; none for nothing. A block holds its bytes until the next one is asked for, and no longer. */
export async function* inBlocks(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const taken = Math.min(size - filled, piece.length - at);
      block.set(piece.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < size) continue;
      yield block;
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
