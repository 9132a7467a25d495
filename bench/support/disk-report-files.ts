/** Report files in a temporary folder, so that they do not count as memory of the process. Layer: bench. */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ReportFiles, ReportMetadata } from '../../src/domain/stored-files.ts';

/** Report files on disk. */
export interface DiskReportFiles extends ReportFiles {
  /** Where the file is. */
  pathOf(name: string): string;
  /** Deletes the folder. */
  remove(): Promise<void>;
}

/** A new folder of its own. One writer at a time. */
export async function createDiskReportFiles(): Promise<DiskReportFiles> {
  const root = await mkdtemp(path.join(tmpdir(), 'keyturn-bench-'));
  const written = new Map<string, ReportMetadata>();
  const pathOf = (name: string): string => path.join(root, name);

  async function writeAll(file: FileHandle, content: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of content) await file.write(piece);
    } finally {
      await file.close();
    }
  }

  return {
    pathOf,
    async create({ name, content, metadata }) {
      if (written.has(name)) return false;
      await mkdir(path.dirname(pathOf(name)), { recursive: true });
      await writeAll(await open(pathOf(name), 'w'), content);
      written.set(name, metadata());
      return true;
    },
    metadata: async (name) => written.get(name),
    read: async (name) => (written.has(name) ? createReadStream(pathOf(name)) : undefined),
    async list(prefix) {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
        .filter((name) => name.startsWith(prefix))
        .sort();
    },
    async delete(name) {
      written.delete(name);
      await rm(pathOf(name), { force: true });
      return true;
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
