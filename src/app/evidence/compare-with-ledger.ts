/** Compares an evidence file with what the ledger remembers of it, and with the run's other files. Reads only. Layer: app. */
import type { Ledger } from '../../domain/ledger.ts';
import type { RotationState } from '../../domain/rotation.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import type { ReportFiles } from '../../domain/stored-files.ts';
import { checkNeighbours } from './check-neighbours.ts';
import { evidenceName, headOf } from './evidence-head.ts';
import { isWhole, type Verification } from './verify-evidence.ts';

/**
 * `with`: where the digest was found that the file was compared with; `later evidence`: in the files after it, whose last has its own in the
 * run's row. `notes`: what could not be compared, or is worth knowing, in words.
 */
export type LedgerComparison =
  | {
      readonly kind: 'agrees';
      readonly with: 'run row' | 'later evidence' | 'blob metadata';
      readonly notes: readonly string[];
    }
  | { readonly kind: 'differs'; readonly differences: readonly string[]; readonly notes: readonly string[] }
  | { readonly kind: 'notCompared'; readonly because: string };

/** What comparing reads. */
export interface LedgerDeps {
  readonly ledger: Pick<Ledger, 'readRun'>;
  readonly reportFiles: Pick<ReportFiles, 'metadata' | 'read' | 'list'>;
}

/**
 * The run's row knows the latest version. An earlier one is told by the metadata that stands beside it, and by the files after it, each of which
 * names the digest of the one before, back from the row's. @throws {StorageError}
 */
export async function compareWithLedger(
  { ledger, reportFiles }: LedgerDeps,
  file: Verification,
): Promise<LedgerComparison> {
  const { head } = file;
  if (head === undefined) return { kind: 'notCompared', because: 'the file does not say which run it is of' };
  const run = (await ledger.readRun(head.runId))?.value;
  if (run === undefined) return differs(`the ledger knows no run ${head.runId}`);
  if (head.evidence > (run.evidence?.version ?? 0)) return { kind: 'notCompared', because: unknownToRow(run) };
  const isLatest = run.evidence?.version === head.evidence;
  const place = isLatest ? "the run's row" : "the blob's metadata";
  const kept = isLatest
    ? run.evidence
    : headOf(run, head.evidence, await reportFiles.metadata(evidenceName(run.runId, head.evidence)));
  if (kept === undefined) {
    const known = run.evidence === undefined ? 'none' : `evidence ${run.evidence.version} as the latest`;
    return differs(`the ledger knows no evidence ${head.evidence} of run ${run.runId}, but ${known}`);
  }
  const found = await checkNeighbours(reportFiles, run, { ...file, head });
  const differences = [
    ...headDifferences(kept, file, place),
    ...(isLatest ? countDifferences(run, file) : []),
    ...found.differences,
  ];
  const { notes } = found;
  if (differences.length > 0) return { kind: 'differs', differences, notes };
  // Whoever changed a line above need not have touched the last.
  if (!isWhole(file)) {
    const claim = `its last line still says the digest that ${found.isVouchedFor ? 'the evidence after it' : place} has; the file is another`;
    return { kind: 'differs', differences: [claim], notes };
  }
  return {
    kind: 'agrees',
    with: isLatest ? 'run row' : found.isVouchedFor ? 'later evidence' : 'blob metadata',
    notes,
  };
}

function unknownToRow({ evidence }: Run): string {
  const known = evidence === undefined ? 'no evidence' : `evidence ${evidence.version} as the latest`;
  return `the run's row still names ${known}: the file was just written, so try again in a minute, or Keyturn did not write it`;
}

function differs(difference: string): LedgerComparison {
  return { kind: 'differs', differences: [difference], notes: [] };
}

function headDifferences(kept: RunEvidence, { digest, lines }: Verification, place: string): readonly string[] {
  return [
    ...(kept.digest === digest
      ? []
      : [
          `${place} has digest ${kept.digest}, the file's is ${digest ?? 'missing'}: the file is not the one that was written`,
        ]),
    ...(kept.lines === lines ? [] : [`${place} says ${kept.lines} lines, the file has ${lines}`]),
  ];
}

/** The states the run ended with. */
function countDifferences({ finalCounts }: Run, { figures }: Verification): readonly string[] {
  if (finalCounts === undefined) return [];
  const states = new Set([...Object.keys(finalCounts), ...Object.keys(figures.states)]) as ReadonlySet<RotationState>;
  return [...states].flatMap((state) => {
    const [kept, counted] = [finalCounts[state] ?? 0, figures.states[state] ?? 0];
    return kept === counted ? [] : [`the run's row says it ended with ${kept} ${state}, the file has ${counted}`];
  });
}
