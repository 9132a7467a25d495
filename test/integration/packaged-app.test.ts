import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageApp } from '../../infra/package-app.ts';
import { QUEUES } from '../../src/storage/names.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const MEBIBYTE = 2 ** 20;
/** The limit the project sets itself; a small package starts faster. */
const MOST_BYTES = 40 * MEBIBYTE;

let folder: string;
let names: readonly string[];
let zipBytes: number;
let unzippedBytes = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-package-'));
  const zip = path.join(folder, 'keyturn.zip');
  const { bytes, files } = packageApp(ROOT, zip);
  zipBytes = (await stat(zip)).size;
  expect(bytes).toBe(zipBytes);
  const entries = unzipSync(await readFile(zip));
  names = Object.keys(entries);
  expect(names).toEqual(files);
  for (const [name, content] of Object.entries(entries)) {
    const target = path.join(folder, 'app', name);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
    unzippedBytes += content.length;
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Loads the unzipped app in a process of its own, as the language worker does, and says what was registered and which files were loaded. */
async function load(): Promise<{ readonly functions: readonly string[]; readonly loaded: readonly string[] }> {
  const loader = path.join(ROOT, 'dist/src/local/load-function-app.js');
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    const { loadFunctionApp } = await import(${JSON.stringify(loader)});
    loaded.length = 0;
    const app = await loadFunctionApp(${JSON.stringify(path.join(folder, 'app'))}, () => {});
    process.stdout.write(JSON.stringify({ functions: app.functions.map(({ metadata }) => metadata.name), loaded }));
  `;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: folder,
    maxBuffer: 64 * MEBIBYTE,
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { functions: string[]; loaded: string[] };
}

describe('the packaged app', () => {
  it('loads from an empty folder with only its own node_modules, and registers every function', async () => {
    const { functions, loaded } = await load();
    const queues = Object.values(QUEUES);
    expect([...functions].sort()).toEqual(
      [
        'continue-rotation',
        'record-encryption-state',
        'rotate-on-demand',
        'scheduled-rotation',
        ...queues.map((queue) => `quarantine-${queue}`),
      ].sort(),
    );
    const elsewhere = loaded.filter((url) => url.startsWith('file:') && !url.includes(`${folder}/app/`));
    expect(elsewhere).toEqual([]);
  });

  it(`is smaller than ${MOST_BYTES / MEBIBYTE} MiB, zipped and unzipped`, () => {
    expect(zipBytes).toBeLessThan(MOST_BYTES);
    expect(unzippedBytes).toBeLessThan(MOST_BYTES);
  });

  it('holds what runs, and nothing that only a laptop needs', () => {
    expect(names).toContain('host.json');
    expect(names).toContain('package.json');
    const strangers = names.filter((name) =>
      /simulator|azurite|vitest|typescript\/|biome|fast-check|local\.settings|\/cli\/|\.env|^test\/|^docs\/|^infra\/|\.map$/i.test(
        name,
      ),
    );
    expect(strangers.filter((name) => !name.startsWith('node_modules/') || /azurite|vitest/.test(name))).toEqual([]);
    expect(names.filter((name) => !/^(dist\/(functions|src)|node_modules)\//.test(name)).sort()).toEqual([
      'LICENSE',
      'host.json',
      'package.json',
    ]);
  });
});
