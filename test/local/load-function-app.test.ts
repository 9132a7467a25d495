import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadFunctionApp } from '../../src/local/load-function-app.ts';
import { createLog } from './support/local-app.ts';

/** Packages live below this one, so that they find `@azure/functions`. */
const BELOW = path.join(import.meta.dirname, '../../node_modules/.cache');
const packages: string[] = [];

async function packageOf(files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(BELOW, { recursive: true });
  const root = await mkdtemp(path.join(BELOW, 'keyturn-app-'));
  packages.push(root);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  return root;
}
const manifest = (main: unknown) => JSON.stringify({ type: 'module', main });
const timer = (name: string) =>
  `import { app } from '@azure/functions';\napp.timer('${name}', { schedule: '0 0 2 * * *', handler: () => {} });\n`;
const load = (root: string) => loadFunctionApp(root, createLog().onLog);

afterEach(async () => {
  for (const root of packages.splice(0)) await rm(root, { recursive: true });
});

describe('loading a function app', () => {
  it('imports every file of the main glob, by path, and nothing else', async () => {
    const root = await packageOf({
      'package.json': manifest('./dist/functions/*.js'),
      'dist/functions/b.js': timer('second'),
      'dist/functions/a.js': timer('first'),
      'dist/functions/deeper/c.js': timer('not an entry point'),
      'dist/functions/b.js.map': '{}',
      'dist/other.js': timer('not an entry point either'),
    });
    const app = await load(root);
    expect(app.functions.map(({ metadata }) => metadata.name)).toEqual(['first', 'second']);
    expect(app.model.name).toBe('@azure/functions');
  });

  it.each([['index.js'], ['{index,other}.js'], ['**/index.js']])('understands main %s', async (main) => {
    const root = await packageOf({ 'package.json': manifest(main), 'index.js': timer('only') });
    expect((await load(root)).functions).toHaveLength(1);
  });

  it.each([
    ['dist/functions/*.js', 'matches no file'],
    ['dist/*.mjs', 'matches no file'],
    ['index.js', 'matches no file'],
    [undefined, 'main must be the glob of the compiled functions, got nothing'],
    [['a.js'], 'main must be the glob of the compiled functions, got ["a.js"]'],
    ['', 'main must be the glob of the compiled functions, got ""'],
  ])('refuses main %j, which registers nothing without an error in Azure', async (main, reason) => {
    const root = await packageOf({ 'package.json': manifest(main), 'dist/readme.txt': '' });
    await expect(load(root)).rejects.toMatchObject({ kind: 'packageJson', message: expect.stringContaining(reason) });
  });

  it('names a package.json that is missing or not JSON', async () => {
    await expect(load(await packageOf({}))).rejects.toMatchObject({ kind: 'packageJson' });
    await expect(load(await packageOf({ 'package.json': '{' }))).rejects.toMatchObject({ kind: 'packageJson' });
  });

  it('names the entry point that fails to load, and why', async () => {
    const root = await packageOf({ 'package.json': manifest('*.js'), 'bad.js': "throw new Error('no settings');" });
    await expect(load(root)).rejects.toMatchObject({
      kind: 'functions',
      message: 'bad.js failed to load: no settings',
    });
  });

  it('refuses an app that registers no function', async () => {
    const root = await packageOf({ 'package.json': manifest('*.js'), 'idle.js': 'export const idle = true;' });
    await expect(load(root)).rejects.toMatchObject({
      kind: 'functions',
      message: expect.stringContaining('no function was registered'),
    });
  });
});
