/** What must hold of the evidence of every run that ended, whatever went wrong on the way. */
import { expect } from 'vitest';
import { compareWithLedger } from '../../src/app/evidence/compare-with-ledger.ts';
import { evidenceName } from '../../src/app/evidence/evidence-head.ts';
import { evidenceLines, verifyEvidence } from '../../src/app/evidence/verify-evidence.ts';
import { deviceCells } from '../../src/domain/evidence/device-cells.ts';
import { EVIDENCE_COLUMNS, type EvidenceCells } from '../../src/domain/evidence/evidence-columns.ts';
import type { Run } from '../../src/domain/run.ts';
import type { ReportFiles, ReportMetadata } from '../../src/domain/stored-files.ts';
import type { World } from './world.ts';

/** Content of a report, as it comes. */
export async function* contentOf(files: ReportFiles, name: string): AsyncGenerator<Uint8Array> {
  const content = await files.read(name);
  if (content === undefined) throw new Error(`there is no report ${name}`);
  yield* content;
}

/** The device lines of a version of the run's evidence. */
export async function deviceLinesOf(world: World, { runId }: Run, version: number): Promise<readonly EvidenceCells[]> {
  const lines: EvidenceCells[] = [];
  for await (const { fact, cells } of evidenceLines(contentOf(world.reportFiles, evidenceName(runId, version)))) {
    if (fact.record === 'device') lines.push(cells);
  }
  return lines;
}

/** Every report, as text. */
export async function reportTexts(world: World): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const name of await world.reportFiles.list('')) {
    for await (const piece of contentOf(world.reportFiles, name)) texts.push(Buffer.from(piece).toString());
    texts.push(JSON.stringify(await world.reportFiles.metadata(name)));
  }
  return texts;
}

/** Fails unless every run that ended has evidence that is whole, agrees with the ledger, and says what its rows say. */
export async function expectEvidence(world: World): Promise<void> {
  const names = new Set<string>();
  for (const run of await world.runs()) {
    const { evidence } = run;
    if (run.finishedAtMs === undefined) continue;
    if (evidence === undefined) throw new Error(`run ${run.runId} ended without evidence`);
    let previousDigest: string | undefined;
    for (let version = 1; version <= evidence.version; version++) {
      const name = evidenceName(run.runId, version);
      // A name that was taken by something else is left out.
      if (isForeign(await world.reportFiles.metadata(name))) continue;
      names.add(name);
      previousDigest = await expectVersion(world, run, version, previousDigest);
    }
    expect(previousDigest).toBe(evidence.digest);
    const rows = await world.rotations(run.runId);
    const lines = await deviceLinesOf(world, run, evidence.version);
    // Nothing that is in the ledger and due in evidence is missing from its latest version.
    expect(lines.map(given)).toEqual(rows.map((row, i) => given(learntBy(lines[i], deviceCells(run, row)))));
  }
  // What a run that has not ended may have written before a crash is its next version, and no other.
  const all = await world.reportFiles.list('');
  for (const name of all) {
    // A report stands beside the evidence it was made of.
    if (name.endsWith('.html')) expect(all).toContain(name.replace(/report-(\d+)\.html$/, 'evidence-$1.csv'));
    else if (!names.has(name)) expect(name).toMatch(/\/evidence-\d+\.csv$/);
  }
}

function isForeign(metadata: ReportMetadata | undefined): boolean {
  return metadata !== undefined && metadata.digest === undefined;
}

/** Of two deliveries of a look one may end the run while the other still waits for an answer, and learn later what it left `unknown`. */
function learntBy(line: EvidenceCells | undefined, cells: EvidenceCells): EvidenceCells {
  return line?.encryptionStateCreation === 'unknown' ? { ...cells, encryptionStateCreation: 'unknown' } : cells;
}

const OWN: ReadonlySet<string> = new Set(['line', 'record', 'previous', 'hash']);

/** The cells that come from the row; absent ones empty. */
function given(cells: EvidenceCells): EvidenceCells {
  return Object.fromEntries(EVIDENCE_COLUMNS.filter((name) => !OWN.has(name)).map((name) => [name, cells[name] ?? '']));
}

async function expectVersion(world: World, run: Run, version: number, previous: string | undefined) {
  const name = evidenceName(run.runId, version);
  const found = await verifyEvidence(() => contentOf(world.reportFiles, name));
  expect(found).toMatchObject({ problems: [], differences: [] });
  expect(found.head).toMatchObject({ runId: run.runId, evidence: version, dryRun: run.mode === 'dryRun' });
  expect(found.head?.previousDigest).toBe(previous);
  expect(found.figures.devices).toBe(run.devices);
  expect(found.figures.states).toEqual(run.finalCounts);
  expect(found.figures.skipped).toEqual(run.skipped);
  expect(await compareWithLedger(world, found)).toMatchObject({ kind: 'agrees' });
  expect(await world.reportFiles.metadata(name)).toMatchObject({ digest: found.digest, lines: String(found.lines) });
  return found.digest;
}
