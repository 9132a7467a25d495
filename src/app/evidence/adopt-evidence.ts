/** Tells evidence that another writer left from whatever else may have its name. Reads only. Layer: app. */
import { isDeepStrictEqual } from 'node:util';
import { EVIDENCE_COLUMNS, type EvidenceCells, type EvidenceColumn } from '../../domain/evidence/evidence-columns.ts';
import { compareFigures, countFigures } from '../../domain/evidence/evidence-figures.ts';
import type { EndDetails, RunDetails } from '../../domain/evidence/run-details.ts';
import type { Ledger } from '../../domain/ledger.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import type { ReportFiles } from '../../domain/stored-files.ts';
import { BrokenChainError, chainedLines } from './chained-lines.ts';
import { evidenceName, headOf } from './evidence-head.ts';
import { deviceLines } from './evidence-lines.ts';

export interface AdoptDeps {
  readonly ledger: Pick<Ledger, 'rotationPages'>;
  readonly reportFiles: Pick<ReportFiles, 'metadata' | 'read'>;
}

/**
 * The head of the blob that stands under the name of the run's evidence of that number, when it says of every device what the ledger says:
 * a writer that died before the run's row was written left it. `undefined` for anything else: who may write blobs need not be Keyturn, so
 * neither a name nor metadata are believed. `expected`: what we would write of the run.
 * @throws {StorageError} @throws the signal's reason.
 */
export async function adoptEvidence(
  deps: AdoptDeps,
  run: Run,
  expected: RunDetails,
  signal: AbortSignal,
): Promise<RunEvidence | undefined> {
  const name = evidenceName(run.runId, expected.evidence);
  const head = headOf(run, expected.evidence, await deps.reportFiles.metadata(name));
  const content = head === undefined ? undefined : await deps.reportFiles.read(name);
  if (head === undefined || content === undefined) return undefined;
  try {
    const read = await compare(content, deps.ledger, run, expected, signal);
    if (read === undefined || read.digest !== head.digest || read.lines !== head.lines) return undefined;
    // What was settled late since it was written belongs in a version of its own.
    const lateNotices = (read.isCurrent ? run : run.evidence)?.lateNotices ?? 0;
    return { ...head, lateNotices };
  } catch (error) {
    if (error instanceof BrokenChainError) return undefined;
    throw error;
  }
}

interface Compared {
  readonly lines: number;
  readonly digest: string;
  /** It has every late outcome that the ledger has. */
  readonly isCurrent: boolean;
}

/** `undefined`: it does not say what we would. */
async function compare(
  content: AsyncIterable<Uint8Array>,
  ledger: AdoptDeps['ledger'],
  run: Run,
  expected: RunDetails,
  signal: AbortSignal,
): Promise<Compared | undefined> {
  const rows = devicesOf(ledger, run);
  const figures = countFigures();
  let isCurrent = true;
  try {
    for await (const { fact, cells } of chainedLines(content)) {
      signal.throwIfAborted();
      if (fact.record === 'run' && !isSameRun(cells.details ?? '', expected)) return undefined;
      if (fact.record === 'device') {
        const { value, done } = await rows.next();
        const sameness = done === true ? 'other' : compareCells(cells, value);
        if (sameness === 'other') return undefined;
        if (sameness === 'older') isCurrent = false;
        figures.add(cells);
      }
      if (fact.record === 'end') {
        const { lines, figures: stated } = JSON.parse(cells.details ?? '') as EndDetails;
        const isWhole = (await rows.next()).done === true && lines === fact.at;
        if (!isWhole || compareFigures(stated, figures.figures()).length > 0) return undefined;
        return { lines, digest: fact.hash, isCurrent };
      }
    }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    await rows.return(undefined);
  }
  return undefined;
}

async function* devicesOf(ledger: AdoptDeps['ledger'], run: Run): AsyncGenerator<EvidenceCells, undefined> {
  for await (const page of deviceLines(ledger, run)) yield* page;
  return undefined;
}

/** When it was written, and by which version of Keyturn, may differ. */
function isSameRun(details: string, expected: RunDetails): boolean {
  const found = JSON.parse(details) as RunDetails;
  const { writtenAt, version } = found;
  const same = JSON.parse(JSON.stringify({ ...expected, writtenAt, version })) as RunDetails;
  return typeof writtenAt === 'string' && typeof version === 'string' && isDeepStrictEqual(found, same);
}

const LATE: ReadonlySet<EvidenceColumn> = new Set(EVIDENCE_COLUMNS.filter((name) => name.startsWith('late')));
const OF_THE_CHAIN: ReadonlySet<EvidenceColumn> = new Set(['line', 'record', 'details', 'previous', 'hash']);

/** `older`: the same but for an outcome that came late, of which the file does not know yet. */
function compareCells(found: EvidenceCells, expected: EvidenceCells): 'same' | 'older' | 'other' {
  const differing = EVIDENCE_COLUMNS.filter(
    (name) => !OF_THE_CHAIN.has(name) && (found[name] ?? '') !== (expected[name] ?? '').toWellFormed(),
  );
  if (differing.length === 0) return 'same';
  return differing.every((name) => LATE.has(name) && (found[name] ?? '') === '') ? 'older' : 'other';
}
