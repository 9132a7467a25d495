/** Work files in a temporary folder, so that they do not count as memory of the process. Layer: bench. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { WorkFiles } from '../../src/domain/stored-files.ts';

/** Work files on disk. */
export interface DiskWorkFiles extends WorkFiles {
  /** Deletes the folder. */
  remove(): Promise<void>;
}

/** A new folder of its own. */
export async function createDiskWorkFiles(): Promise<DiskWorkFiles> {
  const root = await mkdtemp(path.join(tmpdir(), 'keyturn-bench-'));

  async function write(name: string, bytes: Uint8Array, flag: 'w' | 'wx'): Promise<boolean> {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    try {
      await writeFile(file, bytes, { flag });
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
  }

  async function list(prefix: string): Promise<readonly string[]> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
      .filter((name) => name.startsWith(prefix))
      .sort();
  }

  return {
    list,
    put: async (name, bytes) => void (await write(name, bytes, 'w')),
    create: (name, bytes) => write(name, bytes, 'wx'),
    async get(name) {
      try {
        return await readFile(path.join(root, name));
      } catch (error) {
        if (isCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    },
    async deleteAll(prefix) {
      for (const name of await list(prefix)) await rm(path.join(root, name));
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
