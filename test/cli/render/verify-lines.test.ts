import { describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../../src/cli/commands/verify.ts';
import { verifyLines } from '../../../src/cli/render/verify-lines.ts';
import { sampleRotations } from '../../contracts/samples.ts';
import { evidenceOf, linesOf, verified } from '../../support/evidence-files.ts';
import { PLAIN } from '../samples.ts';

const FILE = await evidenceOf(sampleRotations(40), { mode: 'dryRun' });
const NOT_COMPARED = { kind: 'notCompared', because: 'no ledger is configured (TENANT_ID)' } as const;

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
    expect(said).toContain('line 11 was moved: it stands at line 8');
    expect(said).toContain('lines: the last line says 43, the lines make 41');
    expect(said).toContain('states.planned: the last line says 40, the lines make 38');
  });

  it('whose tail is cut off', async () => {
    const said = await linesFor(linesOf(FILE).slice(0, 9));
    expect(said).toContain('the end of the file is missing after line 9');
    expect(said).toContain('there is no last line to state them');
    expect(said).toContain('digest missing');
  });

  it('that a spreadsheet saved anew, without a screenful for each line', async () => {
    const said = await linesFor(linesOf(Buffer.from(FILE.toString().replaceAll('\r\n', '\n'))));
    expect(said).toContain('has an editor or a spreadsheet saved it anew?');
    expect(said).toContain('and 23 more; --json lists all');
  });

  it('with which the ledger or the tenant does not agree, and never a control character of it', async () => {
    const said = await linesFor(linesOf(FILE), {
      ledger: { kind: 'differs', differences: ['the digest was a, the file’s is b'] },
      graph: {
        proven: 3,
        agreed: 2,
        disagreements: [
          { line: 7, deviceName: 'A\u001b[31m', entraDeviceId: 'x', because: 'escrow holds no key \u0007' },
        ],
        actions: { done: 1, canceled: 2 },
      },
    });
    expect(said).toContain('ledger   DOES NOT HOLD: the digest was a');
    expect(said).toContain('graph    DOES NOT HOLD: 2 of 3 proofs still stand');
    expect(said).toContain('line 7, A\\u001b[31m: escrow holds no key');
    expect(said).toContain('Intune now says canceled of 2 actions it had called done');
    for (const control of ['\u001b', '\u0007']) expect(said).not.toContain(control);
  });

  it('when all agree', async () => {
    const graph = { proven: 1, agreed: 1, disagreements: [], actions: { done: 1 } };
    const said = await linesFor(linesOf(FILE), { ledger: { kind: 'agrees', with: 'run row' }, graph });
    expect(said).toContain("ledger   holds: the digest is the one in the run's row");
    expect(said).toContain('graph    holds: 1 of 1 proof still stands');
  });
});
