/** What every `WorkFiles` promises; run on memory and on Azurite. */
import { expect, it } from 'vitest';
import type { WorkFiles } from '../../src/domain/stored-files.ts';

const bytes = (...values: number[]) => new Uint8Array(values);

/** `fresh` gives empty work files. */
export function workFilesContract(fresh: () => WorkFiles | Promise<WorkFiles>): void {
  it('gives back what was put, last writer wins, and nothing for an unknown name', async () => {
    const files = await fresh();
    expect(await files.get('a/1')).toBeUndefined();
    await files.put('a/1', bytes(1, 2, 3));
    await files.put('a/1', bytes(0, 255));
    expect(await files.get('a/1')).toEqual(bytes(0, 255));
  });

  it('keeps empty files, parts of larger buffers, and files of several MiB', async () => {
    const files = await fresh();
    await files.put('empty', bytes());
    expect(await files.get('empty')).toEqual(bytes());
    await files.put('part', bytes(1, 2, 3, 4).subarray(1, 3));
    expect(await files.get('part')).toEqual(bytes(2, 3));
    const large = new Uint8Array(5 * 1024 * 1024).map((_, i) => i % 251);
    await files.put('large', large);
    expect(Buffer.compare((await files.get('large')) ?? bytes(), large)).toBe(0);
  });

  it('creates a file once: the second creator is told, and the first content stays', async () => {
    const files = await fresh();
    expect(await files.create('plan', bytes(1))).toBe(true);
    expect(await files.create('plan', bytes(2))).toBe(false);
    expect(await files.create('plan', bytes(1))).toBe(false);
    expect(await files.get('plan')).toEqual(bytes(1));
  });

  it('has one winner among creators at the same time', async () => {
    const files = await fresh();
    const won = await Promise.all([1, 2, 3, 4].map((n) => files.create('race', bytes(n))));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await files.get('race')).toEqual(bytes(won.indexOf(true) + 1));
  });

  it('lists names by prefix, ascending, and deletes by prefix', async () => {
    const files = await fresh();
    for (const name of ['run-1/b', 'run-1/a/2', 'run-10/a', 'run-1/a/1', 'other']) await files.put(name, bytes(1));
    expect(await files.list('run-1/')).toEqual(['run-1/a/1', 'run-1/a/2', 'run-1/b']);
    expect(await files.list('nothing')).toEqual([]);
    await files.deleteAll('run-1/');
    await files.deleteAll('run-1/');
    expect(await files.list('')).toEqual(['other', 'run-10/a']);
  });
}
