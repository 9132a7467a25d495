/** Loads the compiled functions as the language worker does: every file of package.json's `main` glob. Layer: local. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import picomatch from 'picomatch';
import { recordRegistrations } from './core-module.ts';
import { LocalHostError } from './local-host-error.ts';
import type { FunctionApp, LogSink } from './rpc.ts';

/** The entry points, absolute and sorted. @throws {LocalHostError} kind `packageJson`. */
async function entryPoints(packageRoot: string): Promise<readonly string[]> {
  const file = path.join(packageRoot, 'package.json');
  const fail = (why: string, cause?: unknown) => new LocalHostError('packageJson', `${file}: ${why}`, cause);
  let main: unknown;
  try {
    main = (JSON.parse(await readFile(file, 'utf8')) as { main?: unknown } | null)?.main;
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
  if (typeof main !== 'string' || main === '') {
    throw fail(`main must be the glob of the compiled functions, got ${JSON.stringify(main) ?? 'nothing'}`);
  }
  const pattern = main.replace(/^\.\//, '');
  const { base, isGlob } = picomatch.scan(pattern);
  const folder = path.join(packageRoot, isGlob ? base : path.dirname(pattern));
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw fail(error.message, error);
  });
  const matches = picomatch(pattern);
  const files = names
    .map((name) => path.join(folder, name))
    .filter((file) => matches(path.relative(packageRoot, file).split(path.sep).join('/')));
  if (files.length === 0) {
    throw fail(`main ${JSON.stringify(main)} matches no file; run \`npm run build\` first`);
  }
  return files.sort();
}

/**
 * The functions and hooks of the package at `packageRoot`, each entry point imported once, in the order of their paths.
 * Node runs a module once per process, so the same package cannot be loaded a second time.
 * Unlike the language worker, which logs a warning and goes on with nothing, everything wrong here throws.
 * @throws {LocalHostError} kind `packageJson` when `main` is missing or matches nothing; kind `functions` when an entry point fails to
 * load, or none registers a function.
 */
export async function loadFunctionApp(packageRoot: string, onLog: LogSink): Promise<FunctionApp> {
  const files = await entryPoints(packageRoot);
  return recordRegistrations(async () => {
    for (const file of files) {
      try {
        await import(/* @vite-ignore */ pathToFileURL(file).href);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new LocalHostError('functions', `${path.relative(packageRoot, file)} failed to load: ${why}`, error);
      }
    }
  }, onLog);
}
