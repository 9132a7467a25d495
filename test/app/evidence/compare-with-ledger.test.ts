import { describe, expect, it } from 'vitest';
import { compareWithLedger } from '../../../src/app/evidence/compare-with-ledger.ts';
import { evidenceName, headMetadata } from '../../../src/app/evidence/evidence-head.ts';
import type { Verification } from '../../../src/app/evidence/verify-evidence.ts';
import type { Run, RunEvidence } from '../../../src/domain/run.ts';
import { createVirtualClock } from '../../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../../src/storage/memory/memory-ledger.ts';
import { createMemoryReportFiles } from '../../../src/storage/memory/memory-report-files.ts';
import { sampleRotations, sampleRun } from '../../contracts/samples.ts';
import { evidenceOf, RUN, TENANT, verified } from '../../support/evidence-files.ts';

const FILE = await verified(await evidenceOf(sampleRotations(3)));
const HEAD: RunEvidence = { version: 1, lines: FILE.lines, digest: FILE.digest ?? '', lateNotices: 0 };
const ENDED: Run = sampleRun({
  tenantId: TENANT,
  runId: RUN,
  state: 'completed',
  evidence: HEAD,
  finalCounts: { planned: 3 },
});

/** `blobs`: heads that stand in the metadata of files. */
async function compare(run: Run | undefined, file: Verification = FILE, blobs: readonly RunEvidence[] = []) {
  const ledger = createMemoryLedger({ clock: createVirtualClock(0) });
  const reportFiles = createMemoryReportFiles();
  if (run !== undefined) await ledger.createRun(run);
  for (const head of blobs) {
    const content = (async function* () {
      yield Buffer.from('x');
    })();
    const metadata = () => headMetadata(ENDED, head);
    await reportFiles.create({ name: evidenceName(RUN, head.version), contentType: 'text/csv', content, metadata });
  }
  return compareWithLedger({ ledger, reportFiles }, file);
}

describe('an evidence file', () => {
  it('agrees with the row of its run', async () => {
    expect(await compare(ENDED)).toEqual({ kind: 'agrees', with: 'run row' });
  });

  it('that is not the latest agrees with the metadata that stands beside it', async () => {
    const later: Run = { ...ENDED, evidence: { ...HEAD, version: 2, digest: 'later' } };
    expect(await compare(later, FILE, [HEAD])).toEqual({ kind: 'agrees', with: 'blob metadata' });
  });

  it('of a run that wrote it and died before its row did agrees with the metadata', async () => {
    const { evidence: _evidence, ...unended } = ENDED;
    expect(await compare(unended, FILE, [HEAD])).toEqual({ kind: 'agrees', with: 'blob metadata' });
  });

  it.each<[string, Run | undefined, RegExp]>([
    ['another digest', { ...ENDED, evidence: { ...HEAD, digest: 'another' } }, /digest was another/],
    ['another number of lines', { ...ENDED, evidence: { ...HEAD, lines: 5 } }, /it had 5 lines, the file has 6/],
    ['other counts', { ...ENDED, finalCounts: { planned: 2, proven: 1 } }, /ended with 1 proven, the file has 0/],
    ['no such version', { ...ENDED, evidence: { ...HEAD, version: 3 } }, /knows no evidence 1 .* versions up to 3/],
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
