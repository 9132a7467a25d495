/** A file that a command writes because it was asked to: there whole or not at all. Layer: cli. */
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CliContext } from './context.ts';
import { UsageError } from './usage-error.ts';

/** A place for a file, known to be writable. */
export interface OutputFile {
  /** As it was given. */
  readonly name: string;
  /** Replaces what was there, once all is written. @throws {UsageError} when the disk refuses. */
  write(content: Iterable<string> | AsyncIterable<string>): Promise<void>;
}

/**
 * Tries the place before long work begins. @param file relative to where the command was called.
 * @throws {UsageError} for a place that cannot be written to.
 */
export async function openOutputFile({ directory }: Pick<CliContext, 'directory'>, file: string): Promise<OutputFile> {
  const target = path.resolve(directory, file);
  const partial = `${target}.partial`;

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
      throw new UsageError(`${file} cannot be written (${String(error.code)}).`);
    }
  }

  if (await isFolder(target)) throw new UsageError(`${file} cannot be written (EISDIR).`);
  await guarded(async () => {
    await (await open(partial, 'w')).close();
    await rm(partial);
  });
  return {
    name: file,
    write: (content) =>
      guarded(async () => {
        try {
          await pipeline(Readable.from(content), createWriteStream(partial));
          await rename(partial, target);
        } catch (error) {
          await rm(partial, { force: true });
          throw error;
        }
      }),
  };
}

async function isFolder(target: string): Promise<boolean> {
  // What is not there, or cannot be looked at, shows when it is opened.
  const found = await stat(target).catch(() => undefined);
  return found?.isDirectory() === true;
}
