/** Compares an evidence file with what the ledger remembers of it. Reads only. Layer: app. */
import type { Ledger, ReportFiles } from '../../domain/ports.ts';
import type { RotationState } from '../../domain/rotation.ts';
import type { Run, RunEvidence } from '../../domain/run.ts';
import { evidenceName, headOf } from './evidence-head.ts';
import type { Verification } from './verify-evidence.ts';

/** `with`: where the digest was found that the file was compared with. */
export type LedgerComparison =
  | { readonly kind: 'agrees'; readonly with: 'run row' | 'blob metadata' }
  | { readonly kind: 'differs'; readonly differences: readonly string[] }
  | { readonly kind: 'notCompared'; readonly because: string };

/** The run's row knows the latest version; the metadata of an earlier one tells of it. @throws {StorageError} */
export async function compareWithLedger(
  {
    ledger,
    reportFiles,
  }: { readonly ledger: Pick<Ledger, 'readRun'>; readonly reportFiles: Pick<ReportFiles, 'metadata'> },
  file: Verification,
): Promise<LedgerComparison> {
  const { head } = file;
  if (head === undefined) return { kind: 'notCompared', because: 'the file does not say which run it is of' };
  const run = (await ledger.readRun(head.runId))?.value;
  if (run === undefined) return differs(`the ledger knows no run ${head.runId}`);
  const isLatest = run.evidence?.version === head.evidence;
  const kept = isLatest
    ? run.evidence
    : headOf(run, await reportFiles.metadata(evidenceName(run.runId, head.evidence)));
  if (kept === undefined) {
    const known = run.evidence === undefined ? 'none' : `versions up to ${run.evidence.version}`;
    return differs(`the ledger knows no evidence ${head.evidence} of run ${run.runId}, but ${known}`);
  }
  const differences = [...headDifferences(kept, file), ...(isLatest ? countDifferences(run, file) : [])];
  if (differences.length > 0) return { kind: 'differs', differences };
  return { kind: 'agrees', with: isLatest ? 'run row' : 'blob metadata' };
}

function differs(difference: string): LedgerComparison {
  return { kind: 'differs', differences: [difference] };
}

function headDifferences(kept: RunEvidence, { digest, lines }: Verification): readonly string[] {
  return [
    ...(kept.digest === digest ? [] : [`the digest was ${kept.digest}, the file's is ${digest ?? 'missing'}`]),
    ...(kept.lines === lines ? [] : [`it had ${kept.lines} lines, the file has ${lines}`]),
  ];
}

/** The states the run ended with. */
function countDifferences({ finalCounts }: Run, { figures }: Verification): readonly string[] {
  if (finalCounts === undefined) return [];
  const states = new Set([...Object.keys(finalCounts), ...Object.keys(figures.states)]) as ReadonlySet<RotationState>;
  return [...states].flatMap((state) => {
    const [kept, counted] = [finalCounts[state] ?? 0, figures.states[state] ?? 0];
    return kept === counted ? [] : [`the run ended with ${kept} ${state}, the file has ${counted}`];
  });
}
