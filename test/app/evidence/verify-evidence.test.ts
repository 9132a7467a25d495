import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/app/evidence/sha256.ts';
import { isWhole, TooManyBrokenLinesError, verifyEvidence } from '../../../src/app/evidence/verify-evidence.ts';
import { sampleRotations } from '../../contracts/samples.ts';
import { evidenceOf, linesOf, verified } from '../../support/evidence-files.ts';

const FILE = await evidenceOf(sampleRotations(20));

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('verifying evidence', () => {
  it('gives up on a file with more broken lines than can be told of', async () => {
    const blank = Buffer.concat([FILE, Buffer.alloc(50, '\n')]);
    await expect(verifyEvidence(() => once(blank), { mostBroken: 49 })).rejects.toThrow(
      new TooManyBrokenLinesError(
        'more than 49 lines are broken, the last of them line 73: no evidence file has so many',
      ),
    );
    expect((await verifyEvidence(() => once(blank), { mostBroken: 50 })).problems).toHaveLength(50);
  });

  it('counts only broken lines towards that, so that a whole file may have any number', async () => {
    expect((await verifyEvidence(() => once(FILE), { mostBroken: 0 })).problems).toEqual([]);
  });

  it('reads a whole file once, and another once more, of which it tells only what it read last', async () => {
    const changed = Buffer.from(FILE.toString().replace(',device,', ',devise,'));
    const readings = async (...files: readonly Buffer[]) => {
      let opened = 0;
      const found = await verifyEvidence(() => once(files[opened++] ?? changed));
      return { opened, whole: isWhole(found), sha256: found.sha256 };
    };
    expect(await readings(FILE)).toEqual({ opened: 1, whole: true, sha256: sha256(FILE) });
    expect(await readings(changed, changed)).toEqual({ opened: 2, whole: false, sha256: sha256(changed) });
    expect(await readings(changed, FILE)).toEqual({ opened: 2, whole: true, sha256: sha256(FILE) });
  });

  it('reads what can be read only once no second time, and finds the same', async () => {
    const changed = Buffer.from(FILE.toString().replace(',device,', ',devise,'));
    for (const file of [FILE, changed]) {
      let opened = 0;
      const open = () => {
        opened += 1;
        return once(file);
      };
      expect(await verifyEvidence(open, { canReopen: false })).toEqual(await verifyEvidence(() => once(file)));
      expect(opened).toBe(1);
    }
  });

  it('counts a line of nine MiB once', async () => {
    const lines = linesOf(FILE);
    const long = Buffer.concat([Buffer.alloc(9 * 1024 * 1024, 'x'), Buffer.from('\r\n')]);
    const found = await verified([...lines.slice(0, 10), long, ...lines.slice(10)]);
    expect(found.lines).toBe(lines.length + 1);
    expect(found.problems).toEqual([{ kind: 'added', line: 11 }]);
  });
});
