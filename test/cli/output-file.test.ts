import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Content, openOutputFiles } from '../../src/cli/output-file.ts';
import { UsageError } from '../../src/cli/usage-error.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-output-'));
});
afterEach(() => rm(directory, { recursive: true }));

const NEVER = new AbortController().signal;
const open = (files: Readonly<Record<string, string | undefined>>, stopping = NEVER) =>
  openOutputFiles({ directory, stopping }, files);
const put = async (file: string, content: Content, stopping = NEVER) =>
  (await open({ csv: file }, stopping)).csv?.write(content);
const read = (file: string) => readFile(path.join(directory, file), 'utf8');

describe('an output file', () => {
  it('is there once all is written, in place of what was there', async () => {
    for (const text of [['first'], ['sec', 'ond']]) await put('fleet.csv', text);
    expect(await read('fleet.csv')).toBe('second');
    expect(await readdir(directory)).toEqual(['fleet.csv']);
  });

  it('is not there when its content breaks off, and what was there stays', async () => {
    await put('fleet.csv', ['before']);
    const fault = Object.assign(new Error('broke off'), { syscall: 'read', code: 'ECONNRESET' });
    const broken = function* () {
      yield 'half';
      throw fault;
    };
    await expect(put('fleet.csv', broken())).rejects.toBe(fault);
    await expect(put('new.csv', broken())).rejects.toBe(fault);
    expect(await readdir(directory)).toEqual(['fleet.csv']);
    expect(await read('fleet.csv')).toBe('before');
  });

  it('that is interrupted leaves what was there', async () => {
    await put('fleet.csv', ['before']);
    const stopping = new AbortController();
    const reason = new Error('stopped');
    const endless = async function* () {
      for (let i = 0; ; i++) {
        if (i === 5) stopping.abort(reason);
        yield 'more';
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await expect(put('fleet.csv', endless(), stopping.signal)).rejects.toBe(reason);
    expect(await readdir(directory)).toEqual(['fleet.csv']);
    expect(await read('fleet.csv')).toBe('before');
  });

  it('takes nobody else’s file on its way, whatever that is called', async () => {
    const { html, csv } = await open({ html: 'x', csv: 'x.partial' });
    await csv?.write(['csv']);
    await html?.write(['html']);
    expect([await read('x'), await read('x.partial')]).toEqual(['html', 'csv']);
  });

  it('is read by nobody who could not read the one before', async () => {
    await writeFile(path.join(directory, 'fleet.csv'), 'before');
    await chmod(path.join(directory, 'fleet.csv'), 0o600);
    await put('fleet.csv', ['after']);
    expect((await stat(path.join(directory, 'fleet.csv'))).mode & 0o777).toBe(0o600);
  });

  it('is written where a link leads to, and the link stays', async () => {
    await writeFile(path.join(directory, 'real.csv'), 'before');
    await symlink('real.csv', path.join(directory, 'link.csv'));
    await put('link.csv', ['after']);
    expect(await read('real.csv')).toBe('after');
  });

  it('that is a pipe is written to as it is', async () => {
    await promisify(execFile)('mkfifo', [path.join(directory, 'pipe')]);
    const [text] = await Promise.all([read('pipe'), put('pipe', ['through', ' it'])]);
    expect(text).toBe('through it');
    expect(await readdir(directory)).toEqual(['pipe']);
  });

  it.each([
    ['nowhere/fleet.csv', 'ENOENT'],
    ['folder', 'EISDIR'],
  ])('at %s cannot be written, and says so before work begins', async (file, code) => {
    await mkdir(path.join(directory, 'folder'));
    await expect(open({ csv: file })).rejects.toThrow(new UsageError(`${file} cannot be written (${code}).`));
  });
});

describe('one file for two outputs', () => {
  it.each([
    ['x', 'x'],
    ['x', './x'],
    ['folder/../x', 'x'],
    ['folder/x', 'linked/x'],
    ['there', 'link-to-there'],
  ])('is refused, and nothing is written: %s and %s', async (html, csv) => {
    await mkdir(path.join(directory, 'folder'));
    await symlink('folder', path.join(directory, 'linked'));
    await writeFile(path.join(directory, 'there'), 'before');
    await symlink('there', path.join(directory, 'link-to-there'));
    const before = await readdir(directory, { recursive: true });
    await expect(open({ html, csv })).rejects.toThrow(new UsageError('--html and --csv name the same file.'));
    expect(await readdir(directory, { recursive: true })).toEqual(before);
    expect(await read('there')).toBe('before');
  });

  it('is no matter when there are two, or one', async () => {
    expect(Object.keys(await open({ html: 'x', csv: 'folder-x' }))).toEqual(['html', 'csv']);
    expect(Object.keys(await open({ html: undefined, csv: 'x' }))).toEqual(['csv']);
    expect(await open({ html: undefined, csv: undefined })).toEqual({});
    expect(await readdir(directory)).toEqual([]);
  });
});
