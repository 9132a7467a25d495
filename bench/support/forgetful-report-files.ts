/** Report files that take their content and keep nothing of it, so that they take no memory of the measured process. Layer: bench. */
import type { ReportFiles, ReportMetadata } from '../../src/domain/stored-files.ts';

/** Remembers names and metadata. */
export function createForgetfulReportFiles(): ReportFiles {
  const written = new Map<string, ReportMetadata>();
  return {
    async create({ name, content, metadata }) {
      if (written.has(name)) return false;
      for await (const _piece of content);
      written.set(name, metadata());
      return true;
    },
    metadata: async (name) => written.get(name),
    read: async () => undefined,
    list: async (prefix) => [...written.keys()].filter((name) => name.startsWith(prefix)).sort(),
    async delete(name) {
      written.delete(name);
      return true;
    },
  };
}
