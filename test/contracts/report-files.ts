/** What every `ReportFiles` promises; run on memory and on Azurite. */
import { expect, it } from 'vitest';
import type { NewReport, ReportFiles } from '../../src/domain/stored-files.ts';

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

function report(name: string, changes: Partial<NewReport> = {}): NewReport {
  return { name, contentType: 'text/csv', content: pieces('content'), metadata: () => ({ digest: 'abc' }), ...changes };
}

async function textOf(files: ReportFiles, name: string): Promise<string | undefined> {
  const content = await files.read(name);
  if (content === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const piece of content) parts.push(piece);
  return Buffer.concat(parts).toString();
}

/** `fresh` gives files in which nobody has used the prefix. */
export function reportFilesContract(fresh: () => ReportFiles | Promise<ReportFiles>): void {
  let runs = 0;
  /** Reports are never replaced: every test has a folder of its own. */
  const folder = () => {
    runs += 1;
    return `run-${runs}`;
  };

  it('gives back what was written, with its metadata, and nothing for an unknown name', async () => {
    const [files, run] = [await fresh(), folder()];
    expect(await files.read(`${run}/a.csv`)).toBeUndefined();
    expect(await files.metadata(`${run}/a.csv`)).toBeUndefined();
    const content = pieces('one,', '', 'two\r\n', 'düri 🎉');
    const metadata = { digest: 'f00', lines: '3', latenotices: '0' };
    expect(await files.create(report(`${run}/a.csv`, { content, metadata: () => metadata }))).toBe(true);
    expect(await textOf(files, `${run}/a.csv`)).toBe('one,two\r\ndüri 🎉');
    expect(await files.metadata(`${run}/a.csv`)).toEqual(metadata);
  });

  it('asks for the metadata when the content has come to its end', async () => {
    const [files, run] = [await fresh(), folder()];
    let taken = 0;
    async function* counted() {
      for (; taken < 3; taken++) yield Buffer.from('x');
    }
    const metadata = () => ({ taken: String(taken) });
    await files.create(report(`${run}/a.csv`, { content: counted(), metadata }));
    expect(await files.metadata(`${run}/a.csv`)).toEqual({ taken: '3' });
  });

  it('keeps empty files, and files of many MiB in pieces of any size', async () => {
    const [files, run] = [await fresh(), folder()];
    await files.create(report(`${run}/empty`, { content: pieces() }));
    expect(await textOf(files, `${run}/empty`)).toBe('');
    const sizes = [1, 4 * 1024 * 1024, 3, 5_000_000, 700_000];
    async function* large() {
      for (const [i, size] of sizes.entries()) yield Buffer.alloc(size, 97 + i);
    }
    await files.create(report(`${run}/large`, { content: large() }));
    const expected = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, 97 + i)));
    expect(Buffer.from((await textOf(files, `${run}/large`)) ?? '').equals(expected)).toBe(true);
  });

  it('never replaces a file: the second writer is told, and content and metadata of the first stay', async () => {
    const [files, run] = [await fresh(), folder()];
    expect(await files.create(report(`${run}/a`, { content: pieces('first') }))).toBe(true);
    const second = report(`${run}/a`, { content: pieces('second'), metadata: () => ({ digest: 'other' }) });
    expect(await files.create(second)).toBe(false);
    expect(await textOf(files, `${run}/a`)).toBe('first');
    expect(await files.metadata(`${run}/a`)).toEqual({ digest: 'abc' });
  });

  it('has one winner among writers at the same time, whose content is whole', async () => {
    const [files, run] = [await fresh(), folder()];
    const writers = [1, 2, 3, 4];
    const won = await Promise.all(
      writers.map((n) => {
        const content = pieces(...Array.from({ length: 20 }, () => `${n}`.repeat(50_000 * n)));
        return files.create(report(`${run}/race`, { content, metadata: () => ({ n: String(n) }) }));
      }),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    const winner = won.indexOf(true) + 1;
    expect(await textOf(files, `${run}/race`)).toBe(`${winner}`.repeat(50_000 * winner * 20));
    expect(await files.metadata(`${run}/race`)).toEqual({ n: String(winner) });
  });

  it('leaves nothing when the content fails half-way, and lets it be written again', async () => {
    const [files, run] = [await fresh(), folder()];
    async function* failing() {
      yield Buffer.alloc(5 * 1024 * 1024, 'x');
      throw new RangeError('half-way');
    }
    await expect(files.create(report(`${run}/a`, { content: failing() }))).rejects.toThrow(new RangeError('half-way'));
    expect(await files.read(`${run}/a`)).toBeUndefined();
    expect(await files.metadata(`${run}/a`)).toBeUndefined();
    expect(await files.list(`${run}/`)).toEqual([]);
    expect(await files.create(report(`${run}/a`))).toBe(true);
    expect(await textOf(files, `${run}/a`)).toBe('content');
  });

  it('deletes the file of that name and no other, twice as well as once, also for two at a time', async () => {
    const [files, run] = [await fresh(), folder()];
    for (const name of ['a', 'a.csv', 'b']) await files.create(report(`${run}/${name}`));
    expect(await Promise.all([files.delete(`${run}/a`), files.delete(`${run}/a`)])).toEqual([true, true]);
    expect(await files.delete(`${run}/nothing`)).toBe(true);
    expect(await files.read(`${run}/a`)).toBeUndefined();
    expect(await files.list(`${run}/`)).toEqual([`${run}/a.csv`, `${run}/b`]);
    expect(await files.create(report(`${run}/a`, { content: pieces('again') }))).toBe(true);
    expect(await textOf(files, `${run}/a`)).toBe('again');
  });

  it('lists names by prefix, ascending', async () => {
    const [files, run] = [await fresh(), folder()];
    for (const name of ['evidence-2.csv', 'evidence-1.csv', 'report-1.html'])
      await files.create(report(`${run}/${name}`));
    expect(await files.list(`${run}/evidence-`)).toEqual([`${run}/evidence-1.csv`, `${run}/evidence-2.csv`]);
    expect(await files.list(`${run}/nothing`)).toEqual([]);
  });
}
