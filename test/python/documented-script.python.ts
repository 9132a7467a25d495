import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleRotations } from '../contracts/samples.ts';
import { documentedScript, runDocumented } from '../support/documented-script.ts';
import { evidenceOf, linesOf, rehashedFrom, verified } from '../support/evidence-files.ts';

/** Names with umlauts and quotes: bytes, not characters, are hashed. */
const FILE = await evidenceOf(sampleRotations(20).map((row) => ({ ...row, deviceName: `Büro, "${row.order}"` })));
const LINES = linesOf(FILE);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-python-'));
  await writeFile(path.join(folder, 'check.py'), await documentedScript('python'));
});
afterAll(() => rm(folder, { recursive: true }));

const check = (file: Buffer) => runDocumented('python3', path.join(folder, 'check.py'), file);

/** The file with another fifth line. */
const withFifth = (change: (line: string) => string, encoding: BufferEncoding = 'utf8') =>
  LINES.with(4, Buffer.from(change(String(LINES[4])), encoding));

describe('the script for Python in docs/evidence.md', () => {
  it('comes to the same digest', async () => {
    const { digest, lines } = await verified(FILE);
    expect(await check(FILE)).toEqual({ code: 0, said: `${lines} lines, digest ${digest}\n` });
  });

  it.each<readonly [string, readonly Buffer[], readonly string[]]>([
    ['a changed line', withFifth((line) => line.replace('Büro', 'Buro')), ['line 5 was changed']],
    ['too few cells', withFifth(() => '5,device\r\n'), ['line 5 was changed', 'line 5 has other cells']],
    ['no cell at all', withFifth(() => '\r\n'), ['line 5 was changed', 'line 5 has other cells']],
    ['too many cells', withFifth((line) => line.replace(',device,', ',device,,')), ['line 5 has other cells']],
    [
      'a quote that is not closed',
      withFifth((line) => line.replace(',device,', ',"device,')),
      ['line 5 has other cells'],
    ],
    ['a line feed in it', withFifth((line) => line.replace(',device,', ',dev\nice,')), ['line 5 was changed']],
    ['bytes that are not UTF-8', withFifth((line) => line, 'latin1'), ['line 5 was changed', 'line 5 has other cells']],
    ['another heading', LINES.with(0, Buffer.from('a,b\r\n')), ['line 2 does not follow', 'line 2 has other cells']],
    [
      'a column of another name',
      LINES.with(0, Buffer.from(String(LINES[0]).replace('record', 'x'))),
      ['line 2 does not'],
    ],
    ['nothing but the heading', LINES.slice(0, 1), ['the last line says None lines, the file has 1']],
    ['its end cut off', LINES.slice(0, 9), ['the last line says None lines, the file has 9']],
    [
      'an end that is no JSON',
      LINES.with(-1, Buffer.from(String(LINES.at(-1)).replace('{""lines', '{lines'))),
      ['None lines'],
    ],
    [
      'figures that are none',
      rehashedFrom(LINES, LINES.length, '""figures"":{', '""figures"":7,""x"":{'),
      ['devices: the last line says None'],
    ],
    ['nothing', [], ['no line ends with CR LF']],
    ['no line end', [Buffer.from('line')], ['no line ends with CR LF']],
  ])('tells all it found, and ends with 1, of a file with %s', async (_what, lines, words) => {
    const { code, said } = await check(Buffer.concat([...lines]));
    for (const word of words) expect(said).toContain(word);
    expect(said).not.toContain('Traceback');
    expect(code).toBe(1);
  });
});
