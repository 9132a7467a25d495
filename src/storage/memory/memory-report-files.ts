/** Report files in memory. Layer: storage adapter. */
import type { ReportFiles, ReportMetadata } from '../../domain/stored-files.ts';

interface Report {
  readonly pieces: readonly Uint8Array[];
  readonly metadata: ReportMetadata;
}

/** Bytes are copied in and out, as over the wire. */
export function createMemoryReportFiles(): ReportFiles {
  const files = new Map<string, Report>();

  return {
    async create({ name, content, metadata }) {
      if (files.has(name)) return false;
      const pieces: Uint8Array[] = [];
      for await (const piece of content) pieces.push(piece.slice());
      if (files.has(name)) return false;
      files.set(name, { pieces, metadata: { ...metadata() } });
      return true;
    },
    metadata: async (name) => files.get(name)?.metadata,
    async read(name) {
      const pieces = files.get(name)?.pieces;
      return pieces === undefined ? undefined : copies(pieces);
    },
    list: async (prefix) => [...files.keys()].filter((name) => name.startsWith(prefix)).sort(),
    async delete(name) {
      files.delete(name);
      return true;
    },
  };
}

async function* copies(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece.slice();
}
