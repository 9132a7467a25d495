/** A planning chunk on disk: a length, a JSON header, and compact records. Layer: app. */

/** Where listing goes on after this chunk, and how many records it holds. */
export interface ChunkHeader {
  readonly count: number;
  /** Absent when this was the last page. */
  readonly next?: string;
  /** When listing began. */
  readonly startedAtMs: number;
  /** How many devices the listing spoke of that are no longer there; absent: none. */
  readonly gone?: number;
}

export interface Chunk {
  readonly header: ChunkHeader;
  readonly body: Uint8Array;
}

export function encodeChunk(header: ChunkHeader, parts: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, ...parts]);
}

/** The body shares memory with `bytes`. */
export function decodeChunk(bytes: Uint8Array): Chunk {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodyAt = 4 + view.readUInt32LE(0);
  return { header: JSON.parse(view.toString('utf8', 4, bodyAt)) as ChunkHeader, body: view.subarray(bodyAt) };
}
