import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/app/evidence/sha256.ts';
import { type ChangeFlaw, checkChain, createOrderCheck } from '../../../src/domain/evidence/check-chain.ts';
import { type LineFact, type LineRecord, readEvidenceLine } from '../../../src/domain/evidence/read-line.ts';
import { sampleRotations } from '../../contracts/samples.ts';
import { evidenceOf, linesOf, rehashed, rehashedFrom, verified } from '../../support/evidence-files.ts';

/** Line 1 is the heading, 2 the run, 3 to 12 the devices 0 to 9, 13 the end. */
const LINES = linesOf(await evidenceOf(sampleRotations(10)));
const line = (number: number): Buffer => LINES[number - 1] as Buffer;
const without = (...numbers: number[]) => LINES.filter((_line, i) => !numbers.includes(i + 1));
const inPlaceOf = (number: number, ...others: Buffer[]) => LINES.toSpliced(number - 1, 1, ...others);
const edited = (number: number, from: string, to: string) =>
  inPlaceOf(number, Buffer.from(line(number).toString().replace(from, to)));

const changed = (number: number, how: ChangeFlaw, at = number) => ({ kind: 'changed', line: number, at, how });

const problemsOf = async (file: Buffer | readonly Buffer[]) => (await verified(file)).problems;

describe('the chain', () => {
  it('has no problem as it was written', async () => {
    expect(LINES).toHaveLength(13);
    expect(await verified(LINES)).toMatchObject({ lines: 13, problems: [], differences: [], head: { evidence: 1 } });
  });

  it.each([
    ['a device line edited', edited(5, 'LAPTOP-2', 'LAPTOP-3'), [changed(5, 'content')]],
    ['the heading edited', edited(1, 'deviceName', 'name'), [changed(1, 'heading')]],
    ['the run edited', edited(2, 'dryRun', 'wetRun'), [changed(2, 'content')]],
    ['the end edited', edited(13, 'devices', 'device'), [changed(13, 'content')]],
    ['what kind of line the end is', edited(13, ',end,', ',ent,'), [changed(13, 'content')]],
    ['what kind of line the end is, by a quote', edited(13, ',end,', ',"end,'), [changed(13, 'cells')]],
    ['the end, by a comma', edited(13, '13,', '13,,'), [changed(13, 'cells')]],
    ['the end, by a comma that is gone', edited(13, '13,end', '13end'), [changed(13, 'cells')]],
    [
      'the end, by a letter in another encoding',
      inPlaceOf(13, Buffer.from(line(13).toString().replace(',end,', ',änd,'), 'latin1')),
      [changed(13, 'encoding')],
    ],
    [
      'the end cut off, and the line above it damaged',
      inPlaceOf(12, Buffer.from('12,devi\r\n')).slice(0, 12),
      [changed(12, 'cells'), { kind: 'cut', line: 12 }],
    ],
    ['a comma put in', edited(5, 'LAPTOP-2', 'LAPTOP,2'), [changed(5, 'cells')]],
    [
      'a letter in another encoding',
      inPlaceOf(5, Buffer.from(line(5).toString().replace('LAPTOP-2', 'LÄPTOP-2'), 'latin1')),
      [changed(5, 'encoding')],
    ],
    ['a line number edited', edited(5, '5,device', '50,device'), [changed(5, 'content')]],
    ['a byte order mark put in front', [Buffer.from('\ufeff'), ...LINES], [changed(1, 'byteOrderMark')]],
    ['one line removed', without(5), [{ kind: 'removed', line: 5, to: 5 }]],
    [
      'lines removed',
      without(5, 6, 7, 10),
      [
        { kind: 'removed', line: 5, to: 7 },
        { kind: 'removed', line: 10, to: 10 },
      ],
    ],
    ['the run removed', without(2), [{ kind: 'removed', line: 2, to: 2 }]],
    ['the end cut off', without(13), [{ kind: 'cut', line: 12 }]],
    ['the tail cut off', LINES.slice(0, 6), [{ kind: 'cut', line: 6 }]],
    ['all but the heading cut off', LINES.slice(0, 1), [{ kind: 'cut', line: 1 }]],
    ['nothing left', [], [{ kind: 'cut', line: 0 }]],
    ['one line doubled', LINES.toSpliced(7, 0, line(5)), [{ kind: 'added', line: 8 }]],
    ['the end doubled', [...LINES, line(13)], [{ kind: 'added', line: 14 }]],
    ['something after the end', [...LINES, Buffer.from('PS: all is well')], [{ kind: 'added', line: 14 }]],
    ['an empty line after the end', [...LINES, Buffer.from('\r\n')], [{ kind: 'added', line: 14 }]],
    ['a foreign line put in', LINES.toSpliced(6, 0, Buffer.from('6,device,x\r\n')), [{ kind: 'added', line: 7 }]],
    [
      'one line moved down',
      [...without(5).slice(0, 8), line(5), ...without(5).slice(8)],
      [{ kind: 'moved', line: 5, at: 9 }],
    ],
    [
      'one line moved up',
      [...LINES.slice(0, 3), line(10), ...LINES.slice(3, 9), ...LINES.slice(10)],
      [{ kind: 'moved', line: 10, at: 4 }],
    ],
    ['the end moved up', [...LINES.slice(0, 6), line(13), ...LINES.slice(6, 12)], [{ kind: 'moved', line: 13, at: 7 }]],
    ['two lines swapped', inPlaceOf(5, line(6)).toSpliced(5, 1, line(5)), [{ kind: 'moved', line: 6, at: 5 }]],
    [
      'a line changed and hashed anew',
      inPlaceOf(5, rehashed(line(5), 'LAPTOP-2', 'LAPTOP-X')),
      [changed(5, 'rehashed')],
    ],
    [
      'the run changed and hashed anew',
      inPlaceOf(2, rehashed(line(2), 'schedule', 'onDemand')),
      [changed(2, 'rehashed')],
    ],
    [
      'a forged line beside the genuine one',
      inPlaceOf(5, rehashed(line(5), 'LAPTOP-2', 'X'), line(5)),
      [{ kind: 'added', line: 5 }],
    ],
    [
      'a forged line behind the genuine one',
      inPlaceOf(5, line(5), rehashed(line(5), 'LAPTOP-2', 'X')),
      [{ kind: 'added', line: 6 }],
    ],
    [
      'a line given another number, hashed anew',
      inPlaceOf(5, rehashed(line(5), '5,device', '900,device')),
      [
        { kind: 'removed', line: 5, to: 5 },
        { kind: 'added', line: 5 },
      ],
    ],
    ['a line feed lost', edited(5, '\r\n', '\r'), [changed(5, 'cells'), { kind: 'removed', line: 6, to: 6 }]],
    ['a carriage return lost', edited(5, '\r\n', '\n'), [changed(5, 'lineEndLf')]],
    ['the last line feed lost', edited(13, '\r\n', '\r'), [changed(13, 'lineEndCr')]],
    ['the last line end cut off', edited(13, '\r\n', ''), [changed(13, 'lineEndMissing')]],
    ['the last line cut in two', [...LINES.slice(0, 12), line(13).subarray(0, 60)], [changed(13, 'cells')]],
    [
      'a line removed, and one below it edited',
      edited(9, 'LAPTOP-6', 'LAPTOP-X').toSpliced(3, 1),
      [{ kind: 'removed', line: 4, to: 4 }, changed(9, 'content', 8)],
    ],
  ] as const)('tells: %s', async (_what, file, problems) => {
    const found = await problemsOf(file);
    expect(found).toHaveLength(problems.length);
    expect(found).toEqual(expect.arrayContaining([...problems]));
  });

  it('takes no damaged device for the end, whatever it is called', async () => {
    const named = sampleRotations(3).map((row) => ({ ...row, deviceName: '{"lines":6,"figures":{}}' }));
    const lines = linesOf(await evidenceOf(named));
    const damaged = Buffer.from((lines[4] as Buffer).toString().replace(',device,', ',device,,'));
    const found = await verified([...lines.slice(0, 4), damaged]);
    expect(found.problems).toEqual([changed(5, 'cells'), { kind: 'cut', line: 5 }]);
    expect(found.hasEnd).toBe(false);
  });

  it('names no digest when the last line has other cells: which of them is the hash is open', async () => {
    for (const [from, to] of [
      ['13,', '13,,'],
      [',end,', ','],
    ] as const) {
      const found = await verified(edited(13, from, to));
      expect(found.hasEnd).toBe(true);
      expect(found).not.toHaveProperty('digest');
    }
  });

  it('tells converted line ends from changed lines, and still finds a line that is missing, or a mark in front', async () => {
    const unix = (lines: readonly Buffer[]) =>
      Buffer.from(
        Buffer.concat([...lines])
          .toString()
          .replaceAll('\r\n', '\n'),
      );
    expect(await problemsOf(unix(LINES))).toEqual(LINES.map((_line, i) => changed(i + 1, 'lineEndLf')));
    const shorter = await problemsOf(unix(without(5)));
    expect(shorter.filter(({ kind }) => kind === 'removed')).toEqual([{ kind: 'removed', line: 5, to: 5 }]);
    expect(shorter.filter(({ kind }) => kind === 'changed')).toHaveLength(12);
    const marked = await problemsOf(Buffer.concat([Buffer.from('\ufeff'), unix(LINES)]));
    expect(marked).toHaveLength(14);
    expect(marked).toContainEqual(changed(1, 'byteOrderMark'));
    const mac = Buffer.from(
      Buffer.concat([...LINES])
        .toString()
        .replaceAll('\r\n', '\r'),
    );
    expect(await problemsOf(mac)).toEqual([changed(1, 'lineEndCr'), { kind: 'cut', line: 1 }]);
  });

  it('cannot tell a file that was hashed anew to its end: that shows in the digest alone', async () => {
    const forged = await verified(rehashedFrom(LINES, 5, 'LAPTOP-2', 'LAPTOP-X'));
    expect(forged).toMatchObject({ problems: [], differences: [] });
    expect(forged.digest).not.toBe((await verified(LINES)).digest);
  });

  it('finds what was hashed anew to its end but is no file of ours: no run, no end, a number left out', async () => {
    for (const [at, from, to] of [
      [2, ',run,', ',device,'],
      [7, ',device,', ',end,'],
      [6, '6,', '7,'],
    ] as const) {
      expect(await problemsOf(rehashedFrom(LINES, at, from, to))).not.toEqual([]);
    }
  });

  it('finds a change of any single byte of a small file, to any other', async () => {
    const file = await evidenceOf(sampleRotations(2));
    let seed = 1;
    for (let at = 0; at < file.length; at++) {
      seed = (seed * 48_271) % 2_147_483_647;
      for (const flipped of [1 << (seed % 8), 1 + (seed % 255)]) {
        const tampered = Buffer.from(file);
        tampered[at] = (tampered[at] as number) ^ flipped;
        const { problems } = await verified(tampered);
        const number = file.subarray(0, at).toString('latin1').split('\n').length;
        if (!problems.some(({ kind, line: named }) => kind === 'changed' && named === number))
          throw new Error(
            `byte ${at} changed by ${flipped} in line ${number}, and told as ${JSON.stringify(problems)}`,
          );
      }
    }
  });

  it('finds any byte left out, and any byte put in', async () => {
    const file = await evidenceOf(sampleRotations(1));
    for (let at = 0; at <= file.length; at++) {
      const [before, after] = [file.subarray(0, at), file.subarray(at)];
      for (const tampered of [
        Buffer.concat([before, after.subarray(1)]),
        Buffer.concat([before, Buffer.from('0'), after]),
      ]) {
        if (tampered.length === file.length && tampered.equals(file)) continue;
        const { problems } = await verified(tampered);
        if (problems.length === 0) throw new Error(`a byte at ${at} went or came, and nobody noticed`);
      }
    }
  });

  it('finds any lines dropped, doubled, swapped or cut off', async () => {
    const number = fc.integer({ min: 0, max: LINES.length - 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('drop', 'double', 'swap', 'cut', 'shuffle'),
        number,
        number,
        async (how, a, b) => {
          const lines = [...LINES];
          if (how === 'drop') lines.splice(a, 1);
          if (how === 'double') lines.splice(b, 0, line(a + 1));
          if (how === 'swap') [lines[a], lines[b]] = [line(b + 1), line(a + 1)];
          if (how === 'cut') lines.splice(a);
          if (how === 'shuffle') lines.splice(a, 3, ...lines.slice(a, a + 3).reverse());
          fc.pre(!Buffer.concat(lines).equals(Buffer.concat([...LINES])));
          expect(await problemsOf(lines)).not.toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is in order, told line by line, exactly when nothing is wrong with it', () => {
    const facts = LINES.map((bytes, i) => readEvidenceLine(bytes, i + 1, sha256).fact);
    const hashes = facts.map(({ hash }) => hash);
    const says = fc.record(
      {
        number: fc.oneof(fc.nat(15), fc.constant(undefined)),
        record: fc.constantFrom<LineRecord[]>('run', 'device', 'end', 'other'),
        hash: fc.constantFrom(...hashes),
        previous: fc.constantFrom('', ...hashes),
      },
      { requiredKeys: [] },
    );
    const looks = fc.constantFrom<Partial<LineFact>[]>(
      {},
      { isIntact: true, flaws: ['lineEndLf'] },
      { isIntact: false, flaws: ['content'] },
    );
    const edit = fc.tuple(fc.integer({ min: 1, max: 12 }), says, looks);
    const move = fc.tuple(fc.nat(12), fc.nat(12));
    const length = fc.oneof({ weight: 1, arbitrary: fc.nat(13) }, { weight: 9, arbitrary: fc.constant(13) });
    let whole = 0;
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 2 }), length, fc.option(move, { freq: 2 }), (edits, kept, moved) => {
        const lines: LineFact[] = facts.map((fact, i) =>
          Object.assign({}, fact, ...edits.filter(([at]) => at === i).flatMap(([, said, seen]) => [said, seen])),
        );
        if (moved !== null) lines.splice(moved[1], 0, ...lines.splice(moved[0], 1));
        const found = lines.slice(0, kept).map((fact, i) => ({ ...fact, at: i + 1 }));
        const order = createOrderCheck();
        for (const fact of found) order.add(fact);
        if (order.isWhole()) whole += 1;
        expect(order.isWhole()).toBe(checkChain(found).length === 0);
      }),
      { numRuns: 5_000 },
    );
    // Neither side of the law is empty.
    expect(whole).toBeGreaterThan(100);
    expect(whole).toBeLessThan(4_900);
  });

  it('finds a random change in a large file, and names its line', async () => {
    const large = await evidenceOf(sampleRotations(2_000));
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: large.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, flipped) => {
        const tampered = Buffer.from(large);
        tampered[at] = (tampered[at] as number) ^ flipped;
        const changedLine = large.subarray(0, at).toString('latin1').split('\n').length;
        const { problems } = await verified(tampered);
        expect(problems).toContainEqual(expect.objectContaining({ kind: 'changed', line: changedLine }));
      }),
      { numRuns: 20 },
    );
  });

  it('stays fast and small in what it says when everything is out of order', async () => {
    const lines = linesOf(await evidenceOf(sampleRotations(3_000)));
    const [heading, ...rest] = lines;
    const reversed = [heading as Buffer, ...rest.reverse()];
    expect((await problemsOf(reversed)).filter(({ kind }) => kind === 'moved')).toHaveLength(rest.length - 1);
  });
});
