import { describe, expect, it } from 'vitest';
import { compareWithLedger } from '../../../src/app/evidence/compare-with-ledger.ts';
import { evidenceName, headMetadata } from '../../../src/app/evidence/evidence-head.ts';
import type { Verification } from '../../../src/app/evidence/verify-evidence.ts';
import type { Run, RunEvidence } from '../../../src/domain/run.ts';
import type { ReportMetadata } from '../../../src/domain/stored-files.ts';
import { createVirtualClock } from '../../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../../src/storage/memory/memory-ledger.ts';
import { createMemoryReportFiles } from '../../../src/storage/memory/memory-report-files.ts';
import { sampleRotations, sampleRun } from '../../contracts/samples.ts';
import { evidenceOf, linesOf, RUN, rehashedFrom, TENANT, verified } from '../../support/evidence-files.ts';

const ROWS = sampleRotations(3);
const CONTENT = await evidenceOf(ROWS);
const FILE = await verified(CONTENT);
const HEAD: RunEvidence = { version: 1, lines: FILE.lines, digest: FILE.digest ?? '', lateNotices: 0 };
const ENDED: Run = sampleRun({
  tenantId: TENANT,
  runId: RUN,
  state: 'completed',
  evidence: HEAD,
  finalCounts: { planned: 3 },
});

type Blob = readonly [name: string, content: Buffer, metadata: ReportMetadata];
const blobOf = (run: Run, head: RunEvidence, content: Buffer): Blob => [
  evidenceName(RUN, head.version),
  content,
  headMetadata(run, head),
];
const FOREIGN = (version: number): Blob => [evidenceName(RUN, version), Buffer.from('not ours'), {}];

async function compare(run: Run | undefined, file: Verification = FILE, blobs: readonly Blob[] = []) {
  const ledger = createMemoryLedger({ clock: createVirtualClock(0) });
  const reportFiles = createMemoryReportFiles();
  if (run !== undefined) await ledger.createRun(run);
  for (const [name, bytes, metadata] of blobs) {
    const content = (async function* () {
      yield bytes;
    })();
    await reportFiles.create({ name, contentType: 'text/csv', content, metadata: () => metadata });
  }
  return compareWithLedger({ ledger, reportFiles }, file);
}

/** A run with several files, of which each names the one before; `numbers` may skip. */
async function filesOf(...numbers: readonly number[]) {
  const files: { readonly blob: Blob; readonly file: Verification; readonly head: RunEvidence }[] = [];
  const { evidence: _evidence, ...unwritten } = ENDED;
  let run: Run = unwritten;
  for (const version of numbers) {
    const content = await evidenceOf(ROWS, { ...run }, version);
    const file = await verified(content);
    const head: RunEvidence = { version, lines: file.lines, digest: file.digest ?? '', lateNotices: 0 };
    files.push({ blob: blobOf(run, head, content), file, head });
    run = { ...run, evidence: head };
  }
  return { run, files };
}

describe('an evidence file', () => {
  it('agrees with the row of its run', async () => {
    expect(await compare(ENDED)).toEqual({ kind: 'agrees', with: 'run row', notes: [] });
  });

  it('that was changed above its last line is another, though that line still says the digest in the row', async () => {
    const lines = linesOf(CONTENT);
    const changed = await verified(lines.with(4, Buffer.from(String(lines[4]).replace('LAPTOP-', 'LAPTOP '))));
    expect(changed.digest).toBe(FILE.digest);
    expect(await compare(ENDED, changed)).toEqual({
      kind: 'differs',
      differences: ["its last line still says the digest that the run's row has; the file is another"],
      notes: [],
    });
  });

  it('that the row does not know yet, or that somebody put there, is not compared, whatever its metadata say', async () => {
    const { evidence: _evidence, ...unended } = ENDED;
    expect(await compare(unended, FILE, [blobOf(unended, HEAD, CONTENT)])).toEqual({
      kind: 'notCompared',
      because: expect.stringContaining("the run's row still names no evidence"),
    });
    const { run, files } = await filesOf(1, 2);
    const [one, two] = files;
    const { evidence: _two, ...before } = run;
    if (one === undefined || two === undefined) throw new Error('no files');
    expect(await compare({ ...before, evidence: one.head }, two.file, [one.blob, two.blob])).toEqual({
      kind: 'notCompared',
      because: expect.stringContaining("the run's row still names evidence 1 as the latest"),
    });
  });

  it.each<[string, Run | undefined, RegExp]>([
    ['another digest', { ...ENDED, evidence: { ...HEAD, digest: 'another' } }, /run's row has digest another/],
    ['another number of lines', { ...ENDED, evidence: { ...HEAD, lines: 5 } }, /says 5 lines, the file has 6/],
    ['other counts', { ...ENDED, finalCounts: { planned: 2, proven: 1 } }, /ended with 1 proven, the file has 0/],
    [
      'no such version',
      { ...ENDED, evidence: { ...HEAD, version: 3 } },
      /knows no evidence 1 .* evidence 3 as the latest/,
    ],
    ['no such run', undefined, /knows no run evidence-run/],
  ])('differs from a ledger with %s', async (_what, run, words) => {
    const found = await compare(run);
    expect(found).toMatchObject({ kind: 'differs' });
    expect(JSON.stringify(found)).toMatch(words);
  });

  it('that does not say which run it is of is not compared', async () => {
    const { head: _head, ...nameless } = FILE;
    expect(await compare(ENDED, nameless)).toMatchObject({ kind: 'notCompared' });
  });
});

describe('of several files of a run', () => {
  it.each([
    ['one after the other', [1, 2, 3], []],
    ['with numbers left out', [2, 5, 6], [1, 3, 4]],
  ])('each agrees, %s', async (_what, numbers, foreign) => {
    const { run, files } = await filesOf(...numbers);
    const blobs = [...files.map(({ blob }) => blob), ...foreign.map(FOREIGN)];
    for (const [i, { file }] of files.entries()) {
      const where = i === files.length - 1 ? 'run row' : 'later evidence';
      expect(await compare(run, file, blobs)).toEqual({ kind: 'agrees', with: where, notes: [] });
    }
  });

  /** The first of the files as someone would have it, with a head that says so. */
  async function forged(version: number, previous: Run) {
    const content = await evidenceOf(ROWS, { ...previous, reason: 'made up' }, version);
    const file = await verified(content);
    const head: RunEvidence = { version, lines: file.lines, digest: file.digest ?? '', lateNotices: 0 };
    return { file, blob: blobOf(previous, head, content) };
  }

  it.each([
    ['the next one', [1, 2]],
    ['one that is further on', [1, 2, 3]],
    ['one behind a number left out', [2, 4, 5]],
  ])('an earlier one that was exchanged, with its metadata, differs from what %s names', async (_what, numbers) => {
    const { run, files } = await filesOf(...numbers);
    const { evidence: _evidence, ...first } = run;
    const { file, blob } = await forged(numbers[0] ?? 1, first);
    const others = files.slice(1).map((one) => one.blob);
    const foreign = [1, 3].filter((number) => !numbers.includes(number)).map(FOREIGN);
    const found = await compare(run, file, [blob, ...others, ...foreign]);
    expect(found).toMatchObject({ kind: 'differs' });
    expect(JSON.stringify(found)).toContain('it is not the one that was written');
    // And the one after it names another file than the one that stands there.
    const next = await compare(run, files[1]?.file, [blob, ...others, ...foreign]);
    expect(next).toMatchObject({
      kind: 'differs',
      differences: [expect.stringContaining('one of the two was exchanged')],
    });
  });

  it('an earlier one differs when the one after it, which should vouch for it, was exchanged', async () => {
    const { run, files } = await filesOf(1, 2, 3);
    const [one, two, three] = files.map(({ blob }) => blob) as [Blob, Blob, Blob];
    const changed: Blob = [three[0], Buffer.from(three[1].toString().replace('LAPTOP-1', 'LAPTOP-9')), three[2]];
    const found = await compare(run, files[0]?.file, [one, two, changed]);
    expect(found).toMatchObject({
      kind: 'differs',
      differences: [`${evidenceName(RUN, 3)} in the container reports is not what was written`],
    });
  });

  it('those that were deleted are said to be missing, and are no disagreement', async () => {
    const { run, files } = await filesOf(1, 2, 3);
    const [one, , three] = files;
    const noted = (words: string) => ({ kind: 'agrees', notes: [expect.stringContaining(words)] });
    expect(await compare(run, three?.file, three === undefined ? [] : [three.blob])).toMatchObject(
      noted('the file before it could not be compared'),
    );
    const blobs = files.map(({ blob }) => blob);
    expect(await compare(run, one?.file, blobs.toSpliced(1, 1))).toMatchObject(noted('no longer has them all'));
    expect(await compare(run, one?.file, blobs.toSpliced(2, 1))).toMatchObject(
      noted('what it names could not be compared'),
    );
  });

  it('one that names none before it, though there is one, differs', async () => {
    const { run, files } = await filesOf(1, 2);
    const { evidence: _evidence, ...first } = run;
    const lines = linesOf(await evidenceOf(ROWS, first, 2));
    const content = Buffer.concat([...rehashedFrom(lines, 2, '""leftOut"":[1],', '')]);
    const file = await verified(content);
    expect(file.problems).toEqual([]);
    const blobs = files.slice(0, 1).map((one) => one.blob);
    expect(JSON.stringify(await compare(run, file, blobs))).toContain('it names no file before it, and');
  });

  it('one that has the number of a blob of the run that was left out says so, and agrees', async () => {
    const { evidence: _evidence, ...first } = ENDED;
    const planted = blobOf(first, HEAD, CONTENT);
    const { run, files } = await filesOf(2, 3);
    const blobs = [planted, ...files.map(({ blob }) => blob)];
    expect(files[0]?.file.head?.leftOut).toEqual([1]);
    for (const { file } of files) expect(await compare(run, file, blobs)).toMatchObject({ kind: 'agrees', notes: [] });
    expect(await compare(run, FILE, blobs)).toMatchObject({ kind: 'differs' });
  });
});
