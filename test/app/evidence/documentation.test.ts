import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVIDENCE_COLUMNS } from '../../../src/domain/evidence/evidence-columns.ts';
import { countFigures } from '../../../src/domain/evidence/evidence-figures.ts';
import { sampleRotations } from '../../contracts/samples.ts';
import { documentedScript, runDocumented } from '../../support/documented-script.ts';
import { evidenceOf, linesOf, verified } from '../../support/evidence-files.ts';

const text = await readFile(new URL('../../../docs/evidence.md', import.meta.url), 'utf8');
/** Names with umlauts and quotes: bytes, not characters, are hashed. */
const FILE = await evidenceOf(sampleRotations(20).map((row) => ({ ...row, deviceName: `Büro, "${row.order}"` })));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-evidence-'));
  await writeFile(path.join(folder, 'check.mjs'), await documentedScript('js'));
});
afterAll(() => rm(folder, { recursive: true }));

const check = (file: Buffer) => runDocumented(process.execPath, path.join(folder, 'check.mjs'), file);

const LINES = linesOf(FILE);
/** Codes in the first column of the table below a heading. */
function firstColumn(heading: string): readonly string[] {
  const table = text.slice(text.indexOf(heading)).split('\n\n')[0] ?? '';
  return table
    .split('\n')
    .slice(2)
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
}

describe('docs/evidence.md', () => {
  it('has a script for Node that comes to the same digest', async () => {
    const { digest, lines } = await verified(FILE);
    expect(await check(FILE)).toEqual({ code: 0, said: `${lines} lines, digest ${digest}\n` });
  });

  it.each([
    [
      'changed',
      (lines: readonly Buffer[]) => lines.with(4, Buffer.from((lines[4] as Buffer).toString().replace('Büro', 'Buro'))),
      'line 5 was changed',
    ],
    ['removed', (lines: readonly Buffer[]) => lines.toSpliced(4, 1), 'line 5 does not follow'],
    ['cut off', (lines: readonly Buffer[]) => lines.slice(0, 9), 'the end is missing'],
  ])('has a script for Node that finds a line that was %s', async (_what, tamper, words) => {
    const { code, said } = await check(Buffer.concat([...tamper(linesOf(FILE))]));
    expect(said).toContain(words);
    expect(code).toBe(1);
  });

  it.each([
    ['nothing', []],
    ['a line without an end', [Buffer.from('line')]],
    ['the heading alone', LINES.slice(0, 1)],
  ])('has a script for Node that says in words what is wrong with %s', async (_what, lines) => {
    const { code, said } = await check(Buffer.concat([...lines]));
    expect(said).toMatch(/Error: (the last line has no end|the end is missing)/);
    expect(code).toBe(1);
  });

  it('says of every column what it holds, and of none that there is not', () => {
    const named = firstColumn('| column');
    expect(named).toEqual([...EVIDENCE_COLUMNS]);
  });

  it('says of every figure what it counts', () => {
    expect([...firstColumn('| figure')].sort()).toEqual(Object.keys(countFigures().figures()).sort());
  });
});
