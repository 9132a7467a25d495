/**
 * Compiles, lints, format-checks and evaluates every Bicep file, and compares what comes out with what is committed.
 * Run by `npm run infra:check`; with `--write` it commits to disk what it would complain of. Layer: deployment.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import pLimit from 'p-limit';
import { FEATURES, roleGrants } from '../src/graph/app-roles.ts';
import { BicepMissingError, findBicep, thisMachine } from './bicep-cli.ts';

const INFRA = import.meta.dirname;

/** Who the snapshots are evaluated for: nobody. */
const SNAPSHOT_FOR = [
  ['--tenant-id', '00000000-0000-0000-0000-000000000001'],
  ['--subscription-id', '00000000-0000-0000-0000-000000000002'],
  ['--resource-group', 'keyturn'],
  ['--location', 'westeurope'],
].flat();

/** The Microsoft Graph extension comes from a registry; `graph-types` describes the two types of it that are used. */
const GRAPH_EXTENSION = /"br:mcr\.microsoft\.com\/bicep\/extensions\/microsoftgraph\/[^"]+"/;

/** `publish-extension` calls itself experimental; its result stays in the copy. */
const EXPECTED_WARNING = /^WARNING: The 'publish-extension' CLI command group is an experimental feature/;

/** Files of `folder` and below, relative to it. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

/** The environment without what parameter files read from it: the same answer for everybody. */
function neutralEnvironment(folder: string, parameterFiles: readonly string[]): NodeJS.ProcessEnv {
  const read = parameterFiles.flatMap((file) => [
    ...readFileSync(path.join(folder, file), 'utf8').matchAll(/readEnvironmentVariable\('(\w+)'/g),
  ]);
  const names = new Set(read.map(([, name]) => name));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.has(name)));
}

/** Resources in the order of their ids, outputs by name: the CLI writes them as they come out of a hash table. */
function inOrder(snapshot: string): string {
  const { predictedResources, outputs, ...rest } = JSON.parse(snapshot) as {
    readonly predictedResources: readonly { readonly id?: string }[];
    readonly outputs?: Readonly<Record<string, unknown>>;
  };
  const sorted = {
    predictedResources: predictedResources.toSorted((a, b) => compare(a.id ?? '', b.id ?? '')),
    ...rest,
    outputs: Object.fromEntries(Object.entries(outputs ?? {}).toSorted(([a], [b]) => compare(a, b))),
  };
  return `${JSON.stringify(sorted, null, 2)}\n`;
}

/** By code unit: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What came of working in a copy: every problem, and the files as they should be, by name. */
interface Outcome {
  readonly problems: readonly string[];
  readonly fresh: ReadonlyMap<string, string>;
}

/** Works in a copy, so that nothing in the checkout changes. */
async function checkCopy(bicep: string, folder: string): Promise<Outcome> {
  const sources = filesBelow(folder).filter((file) => /\.bicep(param)?$/.test(file));
  const parameterFiles = sources.filter((file) => file.endsWith('.bicepparam'));
  const env = neutralEnvironment(folder, parameterFiles);
  const atOnce = pLimit(availableParallelism());
  const problems: string[] = [];
  const fresh = new Map<string, string>();

  /** Whatever it says besides its result is a problem: a warning is one too. */
  function run(what: string, ...args: readonly string[]): Promise<void> {
    return atOnce(
      () =>
        new Promise((resolve) => {
          execFile(bicep, args, { cwd: folder, env }, (error, stdout, stderr) => {
            const said = `${stdout}${stderr}`
              .split('\n')
              .filter((line) => line.trim() !== '' && !EXPECTED_WARNING.test(line))
              .map((line) => line.replaceAll(`${folder}${path.sep}`, 'infra/'));
            if (error !== null || said.length > 0) problems.push([`${what}:`, ...said].join('\n  '));
            resolve();
          });
        }),
    );
  }
  const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');

  const config = read('bicepconfig.json');
  if (!GRAPH_EXTENSION.test(config)) problems.push('bicepconfig.json no longer names the Microsoft Graph extension');
  const cache = JSON.stringify(path.join(folder, 'cache'));
  const local = config
    .replace(GRAPH_EXTENSION, '"./microsoft-graph.tgz"')
    .replace('{', `{ "cacheRootDirectory": ${cache},`);
  writeFileSync(path.join(folder, 'bicepconfig.json'), local);
  const roles = `${JSON.stringify(roleGrants(FEATURES), null, 2)}\n`;
  writeFileSync(path.join(folder, 'app-roles.json'), roles);
  fresh.set('app-roles.json', roles);

  await Promise.all([
    run('stand-in types', 'publish-extension', 'graph-types/index.json', '--target', 'microsoft-graph.tgz'),
    run('format', 'format', '--pattern', '**/*.bicep'),
    run('format', 'format', '--pattern', '**/*.bicepparam'),
  ]);
  for (const file of sources) fresh.set(file, read(file));
  // Once, before several processes look for it.
  await run('stand-in types', 'restore', 'graph-roles.bicep');
  await Promise.all([
    run('lint', 'lint', '--pattern', '**/*.bicep'),
    run('lint', 'lint', '--pattern', '**/*.bicepparam'),
    run('build', 'build', 'main.bicep', '--outfile', 'main.json'),
    ...parameterFiles.map((file) =>
      run(`snapshot of ${file}`, 'snapshot', file, '--mode', 'overwrite', ...SNAPSHOT_FOR),
    ),
  ]);
  if (problems.length > 0) return { problems, fresh };
  fresh.set('main.json', read('main.json'));
  for (const file of parameterFiles.map((name) => name.replace(/\.bicepparam$/, '.snapshot.json')))
    fresh.set(file, inOrder(read(file)));
  return { problems, fresh };
}

/** Files that differ from what is committed, or are missing. */
function staleFiles(fresh: ReadonlyMap<string, string>): readonly string[] {
  const committed = new Set(filesBelow(INFRA));
  return [...fresh].flatMap(([file, text]) =>
    committed.has(file) && readFileSync(path.join(INFRA, file), 'utf8') === text ? [] : [file],
  );
}

async function check(write: boolean): Promise<boolean> {
  const bicep = findBicep(thisMachine());
  const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-infra-'));
  try {
    cpSync(INFRA, folder, { recursive: true });
    const { problems, fresh } = await checkCopy(bicep, folder);
    for (const problem of problems) process.stderr.write(`${problem}\n`);
    if (problems.length > 0) return false;
    const stale = staleFiles(fresh);
    for (const file of stale) {
      if (write) writeFileSync(path.join(INFRA, file), fresh.get(file) ?? '');
      process.stderr.write(`infra/${file} ${write ? 'written' : 'is stale: run npm run infra:check -- --write'}\n`);
    }
    process.stdout.write(`infra: ${fresh.size} files compared, ${write ? 0 : stale.length} stale\n`);
    return write || stale.length === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  process.exitCode = (await check(process.argv.includes('--write'))) ? 0 : 1;
} catch (error) {
  if (!(error instanceof BicepMissingError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
