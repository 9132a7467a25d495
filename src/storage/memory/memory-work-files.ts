/** Work files in memory. Layer: storage adapter. */
import type { WorkFiles } from '../../domain/stored-files.ts';

/** Bytes are copied in and out, as over the wire. */
export function createMemoryWorkFiles(): WorkFiles {
  const files = new Map<string, Uint8Array>();
  const list = (prefix: string) => [...files.keys()].filter((name) => name.startsWith(prefix)).sort();

  return {
    async put(name, bytes) {
      files.set(name, bytes.slice());
    },
    async create(name, bytes) {
      if (files.has(name)) return false;
      files.set(name, bytes.slice());
      return true;
    },
    get: async (name) => files.get(name)?.slice(),
    list: async (prefix) => list(prefix),
    async deleteAll(prefix) {
      for (const name of list(prefix)) files.delete(name);
    },
  };
}
