/** Files that a command writes because it was asked to: each there whole or not at all. Layer: cli. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CliContext } from './context.ts';
import { UsageError } from './usage-error.ts';

/** What a file is made of. */
export type Content = Iterable<string> | AsyncIterable<string | Uint8Array>;

/** A place for a file, known to be writable. */
export interface OutputFile {
  /** As it was given. */
  readonly name: string;
  /**
   * Replaces what was there, once all is written; until then, and when it is interrupted, that stays.
   * @throws {UsageError} when the disk refuses. @throws what the content throws. @throws the reason for stopping.
   */
  write(content: Content): Promise<void>;
}

/**
 * Tries the places before long work begins. @param files by the option that names each, relative to where the command was called.
 * @throws {UsageError} for a place that cannot be written to, and for two options that mean the same one.
 */
export async function openOutputFiles<Option extends string>(
  { directory, stopping }: Pick<CliContext, 'directory' | 'stopping'>,
  files: Readonly<Record<Option, string | undefined>>,
): Promise<Readonly<Partial<Record<Option, OutputFile>>>> {
  const places = new Map<string, Option>();
  for (const [option, name] of Object.entries(files) as [Option, string | undefined][]) {
    if (name === undefined) continue;
    const target = await placeOf(path.resolve(directory, name));
    const other = places.get(target);
    if (other !== undefined) throw new UsageError(`--${other} and --${option} name the same file.`);
    places.set(target, option);
  }
  const opened: Partial<Record<Option, OutputFile>> = {};
  for (const [target, option] of places) {
    opened[option] = await openOutputFile(files[option] ?? target, target, stopping);
  }
  return opened;
}

/** Where links lead to. What is not there has no links. */
async function placeOf(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    const folder = path.dirname(file);
    return path.join(await realpath(folder).catch(() => folder), path.basename(file));
  }
}

async function openOutputFile(name: string, target: string, stopping: AbortSignal): Promise<OutputFile> {
  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
      throw new UsageError(`${name} cannot be written (${String(error.code)}).`);
    }
  }

  async function writeTo(file: string, mode: number, content: Content): Promise<void> {
    let fault: { readonly error: unknown } | undefined;
    /** What the content throws says nothing of the disk. */
    async function* watched(): AsyncGenerator<string | Uint8Array> {
      try {
        yield* content;
      } catch (error) {
        fault = { error };
        throw error;
      }
    }
    try {
      await guarded(() => pipeline(Readable.from(watched()), createWriteStream(file, { mode }), { signal: stopping }));
    } catch (error) {
      stopping.throwIfAborted();
      throw fault === undefined ? error : fault.error;
    }
  }

  const found = await stat(target).catch(() => undefined);
  const mode = (found?.mode ?? NEW_FILE_MODE) & ANYBODY;
  if (found?.isDirectory() === true) throw new UsageError(`${name} cannot be written (EISDIR).`);
  // A pipe or a device holds nothing that could be kept.
  if (found !== undefined && !found.isFile()) return { name, write: (content) => writeTo(target, mode, content) };
  await guarded(async () => rmdir(await freshFolder(target)));
  return {
    name,
    async write(content) {
      const folder = await guarded(() => freshFolder(target));
      try {
        const partial = path.join(folder, path.basename(target));
        await writeTo(partial, mode, content);
        await guarded(() => rename(partial, target));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** What a process's mask leaves of it. Source: `fs.open`, Node.js documentation (read 2026-11-22). */
const NEW_FILE_MODE = 0o666;
/** The permissions in a mode: who could not read the file that was there, cannot read the new one. */
const ANYBODY = 0o777;

/** Beside the file, so that moving it into place is one step; a name of its own, so that it is nobody's. */
function freshFolder(target: string): Promise<string> {
  return mkdtemp(path.join(path.dirname(target), '.keyturn-'));
}
