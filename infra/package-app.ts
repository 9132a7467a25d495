/** Writes `out/keyturn.zip`: what Azure Functions runs, and nothing else. Run by `npm run package`. Layer: deployment. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Zippable, zipSync } from 'fflate';

/** Compiled code that runs only on a laptop: the command line, the local host, the simulated tenant. */
const NOT_DEPLOYED = /^dist\/(bench\/|src\/(cli|local|simulator)\/|src\/composition-machine\.)/;
/** Files that Node never loads: types, maps, documentation, builds for other runtimes. */
const NOT_LOADED =
  /(\.map|\.d\.[cm]?ts|\.[cm]?ts|\.md|\.flow|\.tsbuildinfo)$|\/(browser|react-native|workerd|docs?|test|tests|man)\//i;
/** Every entry has this date, so that the same files make the same archive. The earliest year a zip entry can carry. */
const ENTRY_DATE = new Date(Date.UTC(1980, 0, 2));

/** One package of the lock file; `dev` marks what only development needs. */
interface LockedPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

function filesBelow(root: string, folder: string): readonly string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(root, name) : entry.isFile() ? [name] : [];
  });
}

/** The files of a package, without packages nested in it: those have entries of their own in the lock file. */
function filesOfPackage(root: string, folder: string): readonly string[] {
  return filesBelow(root, folder).filter((name) => !name.slice(folder.length + 1).includes('node_modules/'));
}

/** Production dependencies as installed. @throws {Error} when one is missing: `npm ci` was not run. */
function productionPackages(root: string): readonly string[] {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  return Object.entries(lock.packages).flatMap(([folder, { dev, devOptional, optional }]) => {
    if (folder === '' || dev === true || devOptional === true) return [];
    if (isFolder(path.join(root, folder))) return [folder];
    if (optional === true) return [];
    throw new Error(`${folder} is not installed: run npm ci first`);
  });
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** False for maps, and for what an earlier build left behind: the compiler deletes nothing. */
function hasSource(root: string, compiled: string): boolean {
  const source = compiled.replace(/^dist\//, '').replace(/\.js$/, '.ts');
  return compiled.endsWith('.js') && statSync(path.join(root, source), { throwIfNoEntry: false }) !== undefined;
}

/** Names of the files that make the app, relative to the checkout, sorted. */
export function appFiles(root: string): readonly string[] {
  const compiled = filesBelow(root, 'dist').filter((name) => !NOT_DEPLOYED.test(name) && hasSource(root, name));
  const packages = productionPackages(root).flatMap((folder) =>
    filesOfPackage(root, folder).filter((name) => !NOT_LOADED.test(name)),
  );
  return ['host.json', 'package.json', 'LICENSE', ...compiled, ...packages].sort();
}

/** Writes the archive and says how large it is, in bytes. */
export function packageApp(
  root: string,
  target: string,
): { readonly files: readonly string[]; readonly bytes: number } {
  const files = appFiles(root);
  const entries: Zippable = {};
  for (const name of files) entries[name] = [readFileSync(path.join(root, name)), { mtime: ENTRY_DATE }];
  const archive = zipSync(entries, { level: 9 });
  rmSync(target, { force: true });
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, archive);
  return { files, bytes: archive.length };
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const target = path.join(root, 'out', 'keyturn.zip');
  const { files, bytes } = packageApp(root, target);
  process.stdout.write(`out/keyturn.zip: ${files.length} files, ${(bytes / 2 ** 20).toFixed(1)} MiB\n`);
}
