import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOutputFile } from '../../src/cli/output-file.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-output-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('an output file', () => {
  it('is there once all is written, in place of what was there', async () => {
    for (const text of [['first'], ['sec', 'ond']]) {
      const file = await openOutputFile({ directory }, 'fleet.csv');
      await file.write(text);
    }
    expect(await readFile(path.join(directory, 'fleet.csv'), 'utf8')).toBe('second');
    expect(await readdir(directory)).toEqual(['fleet.csv']);
  });

  it('is not there when its content breaks off, and what was there stays', async () => {
    await (await openOutputFile({ directory }, 'fleet.csv')).write(['before']);
    const broken = function* () {
      yield 'half';
      throw new Error('broke off');
    };
    await expect((await openOutputFile({ directory }, 'fleet.csv')).write(broken())).rejects.toThrow('broke off');
    expect(await readdir(directory)).toEqual(['fleet.csv']);
    expect(await readFile(path.join(directory, 'fleet.csv'), 'utf8')).toBe('before');
  });

  it.each([
    ['nowhere/fleet.csv', 'ENOENT'],
    ['folder', 'EISDIR'],
  ])('at %s cannot be written, and says so before work begins', async (file, code) => {
    await mkdir(path.join(directory, 'folder'));
    await expect(openOutputFile({ directory }, file)).rejects.toThrow(`${file} cannot be written (${code}).`);
  });
});
