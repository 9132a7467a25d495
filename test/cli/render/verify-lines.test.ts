import { describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../../src/cli/commands/verify.ts';
import { sampleRotations } from '../../contracts/samples.ts';
import { evidenceOf, linesOf, verified } from '../../support/evidence-files.ts';
import { verifyLines } from '../../support/verify-lines.ts';
import { PLAIN } from '../samples.ts';

const FILE = await evidenceOf(sampleRotations(40), { mode: 'dryRun' });
const NOT_COMPARED = { kind: 'notCompared', because: 'no ledger is configured (TENANT_ID)' } as const;

const CHECKED = { kind: 'checked', quota: 'shared', disagreements: [], unchecked: [] } as const;

async function linesFor(lines: readonly Buffer[], more: Partial<VerifyResult> = {}): Promise<string> {
  const verification = await verified(lines);
  return verifyLines({ file: 'evidence-1.csv', verification, ledger: NOT_COMPARED, ...more }, PLAIN).join('\n');
}

describe('what is said of an evidence file', () => {
  it('that is whole', async () => {
    const said = await linesFor(linesOf(FILE));
    expect(said).toContain(
      'evidence-1.csv is evidence 1 of run evidence-run, tenant 7e570000-0000-4000-8000-000000000001.',
    );
    expect(said).toContain('A dry run: nothing was sent.');
    expect(said).toMatch(/43 lines, digest [0-9a-f]{64}/);
    expect(said).toContain('chain    holds: every line is as it was written');
    expect(said).toContain('figures  holds: counted again: 40 devices, 40 planned');
    expect(said).toContain('ledger   not compared: no ledger is configured (TENANT_ID)');
    expect(said).toContain('graph    not asked');
  });

  it('that was tampered with, line by line', async () => {
    const lines = linesOf(FILE);
    const said = await linesFor([
      ...lines.slice(0, 4),
      ...lines.slice(6, 9),
      lines[10] as Buffer,
      lines[9] as Buffer,
      ...lines.slice(11),
    ]);
    expect(said).toContain('chain    DOES NOT HOLD: 2 problems');
    expect(said).toContain('lines 5 to 6 were removed');
    expect(said).toContain('line 11 was moved: it now stands at line 8');
    expect(said).toContain('lines in the file: the last line says 43, counted again there are 41');
    expect(said).toContain('devices that ended as planned: the last line says 40, counted again there are 38');
  });

  it('that was changed above its last line shows its digest as what that line says, and for nothing to keep', async () => {
    const lines = linesOf(FILE);
    const fifth = Buffer.from(String(lines[4]).replace('LAPTOP-', 'LAPTOP '));
    const said = await linesFor(lines.with(4, fifth));
    expect(said).toContain('chain    DOES NOT HOLD');
    expect(said).toMatch(/43 lines, its last line says digest [0-9a-f]{64}/);
  });

  it('whose tail is cut off', async () => {
    const said = await linesFor(linesOf(FILE).slice(0, 9));
    expect(said).toContain('the end of the file is missing: nothing follows line 9');
    expect(said).toContain('there is no last line to state them');
    expect(said).toContain('digest missing');
  });

  it.each([
    [
      'line ends',
      '\r\n',
      '\n',
      'all 43 lines were changed: LF at the end instead of CR LF, as programs leave that convert',
    ],
    ['commas', ',', ';', 'lines 2 to 43 were changed: no line of evidence any more'],
    ['nothing but the mark in front', 'line,', '\ufeffline,', 'line 1 was changed: a byte order mark was put in front'],
  ])('that a program saved anew with other %s, in a line or two', async (_what, from, to, words) => {
    const said = await linesFor(linesOf(Buffer.from(FILE.toString().replaceAll(from, to))));
    expect(said).toContain(words);
    expect(said.includes('has an editor or a spreadsheet saved it anew?')).toBe(from !== 'line,');
    expect(said.split('\n').length).toBeLessThan(12);
  });

  it('with many problems, without a screenful for each line', async () => {
    const every = linesOf(FILE).map((line, i) => (i % 2 === 0 ? line : Buffer.concat([Buffer.from('x'), line])));
    expect(await linesFor(every)).toContain('and 1 more; --json lists all');
  });

  it.each([
    ['states.proven', 3, 1, 'devices that ended as proven: the last line says 3, counted again there is 1'],
    ['failed.-5', undefined, 2, 'devices failed with error code -5: the last line says nothing of them, counted'],
    ['failed.deviceGone', 0, 2, 'devices failed without an error code (deviceGone): the last line says 0'],
    ['refused.404', Number.NaN, 2, 'devices refused with HTTP status 404: the last line says no number'],
    ['skipped.excluded', 1, 0, 'devices skipped as excluded: the last line says 1, counted again there are 0'],
    ['late.proven', 1, 0, 'devices given up on that were found proven later: the last line says 1'],
    ['accepted', 1_000, 0, 'devices whose request Graph took: the last line says 1,000'],
    ['made\u001bup.x', 1, 0, 'a figure called made\ufffdup.x: the last line says 1'],
  ])(
    'of the figure %s, which figure it is, what the file says and what was counted',
    async (name, stated, counted, words) => {
      const verification = await verified(FILE);
      const differences = [
        { name, ...(stated === undefined ? {} : { stated }), counted },
        { name: 'lines', stated: 1, counted },
      ];
      const told = { file: 'x', verification: { ...verification, differences }, ledger: NOT_COMPARED };
      expect(verifyLines(told, PLAIN).join('\n')).toContain(words);
    },
  );

  it('with which the ledger or the tenant does not agree, and never a control character of it', async () => {
    const said = await linesFor(linesOf(FILE), {
      ledger: {
        kind: 'differs',
        differences: ['the row has digest a', 'and 9 lines'],
        notes: ['something is missing'],
      },
      graph: {
        kind: 'checked',
        quota: 'shared',
        proven: 3,
        agreed: 2,
        disagreements: [
          { line: 7, deviceName: 'A\u001b[31m', entraDeviceId: 'x', because: 'escrow holds no key \u0007' },
        ],
        unchecked: [],
        actions: { done: 1, pending: 2 },
      },
    });
    expect(said).toContain('ledger   DOES NOT HOLD: the row has digest a\n  and 9 lines\n  something is missing');
    expect(said).toContain('graph    DOES NOT HOLD: 2 of 3 proofs still stand');
    expect(said).toContain('line 7, A\ufffd[31m: escrow holds no key');
    expect(said).toContain('Intune now says pending of 2 actions that it had called done');
    for (const control of ['\u001b', '\u0007']) expect(said).not.toContain(control);
  });

  it('when all agree', async () => {
    const graph = { ...CHECKED, proven: 1, agreed: 1, actions: { done: 1 } };
    const said = await linesFor(linesOf(FILE), { ledger: { kind: 'agrees', with: 'run row', notes: [] }, graph });
    expect(said).toContain("ledger   holds: the digest is the one in the run's row");
    expect(said).toContain('graph    holds: 1 of 1 proof still stands');
    expect(said).not.toContain('quota');
  });

  it('when the tenant was asked within a quota that nobody shares', async () => {
    const graph = { ...CHECKED, quota: 'own', proven: 1, agreed: 1, actions: { done: 1 } } as const;
    expect(await linesFor(linesOf(FILE), { graph })).toContain(
      'graph    holds: 1 of 1 proof still stands\n  asked within a quota shared with nobody: no storage is configured',
    );
  });

  it('when the tenant could not be asked, and why, in one line', async () => {
    const graph = { kind: 'notChecked', because: 'the settings do not allow it (A\u001bB)\nor so' } as const;
    const said = await linesFor(linesOf(FILE), { graph });
    expect(said).toContain('chain    holds: every line is as it was written');
    expect(said.split('\n').at(-1)).toBe('graph    NOT CHECKED: the settings do not allow it (A\ufffdB)\ufffdor so');
  });

  it('with proofs that nobody can check any more', async () => {
    const gone = { line: 7, deviceName: 'LT-7', entraDeviceId: 'x', because: 'the tenant no longer has the device' };
    const graph = { ...CHECKED, proven: 3, agreed: 2, unchecked: [gone], actions: { done: 2 } };
    const said = await linesFor(linesOf(FILE), { graph });
    expect(said).toContain('graph    NOT ALL CHECKED: 2 of 3 proofs still stand');
    expect(said).toContain('1 proof cannot be checked any more, or not now:\n  line 7, LT-7: the tenant no longer has');
  });
});
