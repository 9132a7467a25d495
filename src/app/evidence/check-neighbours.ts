/** Whether an evidence file is the one that the run's other files name, and names the one before it. Reads only. Layer: app. */
import { type EvidenceHead, readEvidenceHead } from '../../domain/evidence/evidence-head.ts';
import type { Run } from '../../domain/run.ts';
import type { ReportFiles } from '../../domain/stored-files.ts';
import { BrokenChainError, chainedLines } from './chained-lines.ts';
import { evidenceName, headOf } from './evidence-head.ts';
import type { Verification } from './verify-evidence.ts';

/** In words, for people. */
export interface NeighbourFindings {
  /** The files after it, back from the run's row, name its digest. */
  readonly isVouchedFor: boolean;
  readonly differences: readonly string[];
  /** What could not be compared. */
  readonly notes: readonly string[];
}

type Files = Pick<ReportFiles, 'metadata' | 'read' | 'list'>;
type Known = Pick<Verification, 'digest'> & { readonly head: EvidenceHead };

/**
 * Numbers may skip where a name was taken by something else: the file before is the one with the greatest smaller number that is the run's own.
 * Where a number is missing altogether, a file was deleted, and what it could tell is said to be unknown. @throws {StorageError}
 */
export async function checkNeighbours(files: Files, run: Run, file: Known): Promise<NeighbourFindings> {
  const before = await checkBefore(files, run, file.head);
  const after = await checkAfter(files, run, file);
  return {
    isVouchedFor: after === 'agrees',
    differences: [...before.differences, ...(typeof after === 'string' ? [] : after.differences)],
    notes: [...before.notes, ...(typeof after === 'string' ? [] : after.notes)],
  };
}

type Told = Pick<NeighbourFindings, 'differences' | 'notes'>;
const NOTHING: Told = { differences: [], notes: [] };
const difference = (text: string): Told => ({ differences: [text], notes: [] });
const note = (text: string): Told => ({ differences: [], notes: [text] });

/** Of the numbers in between: the run's own files, greatest first, by their metadata; and whether some number has no blob at all. */
async function filesBetween(files: Files, run: Run, above: number, below: number) {
  const prefix = evidenceName(run.runId, 1).slice(0, -'1.csv'.length);
  const numbers = (await files.list(prefix))
    .map((name) => Number(name.slice(prefix.length, -'.csv'.length)))
    .filter((number) => Number.isSafeInteger(number) && number > above && number < below)
    .sort((a, b) => b - a);
  const own: { readonly number: number; readonly digest: string }[] = [];
  for (const number of numbers) {
    const head = headOf(run, number, await files.metadata(evidenceName(run.runId, number)));
    if (head !== undefined) own.push({ number, digest: head.digest });
  }
  return { own, isComplete: numbers.length === below - above - 1 };
}

async function checkBefore(files: Files, run: Run, { evidence, previousDigest, leftOut }: EvidenceHead): Promise<Told> {
  const { own: all, isComplete } = await filesBetween(files, run, 0, evidence);
  const own = all.filter(({ number }) => !leftOut.includes(number));
  if (own.some(({ digest }) => digest === previousDigest)) return NOTHING;
  const [latest] = own;
  if (latest === undefined && previousDigest === undefined) return NOTHING;
  if (!isComplete) return note('the file before it could not be compared: the container reports no longer has it');
  if (latest === undefined) return difference(`it names a file before it, of digest ${previousDigest}; there is none`);
  const name = evidenceName(run.runId, latest.number);
  const named = previousDigest === undefined ? 'no file before it' : `digest ${previousDigest} as the file before it`;
  return difference(`it names ${named}, and ${name} has digest ${latest.digest}: one of the two was exchanged`);
}

/** From the digest in the run's row back to the file: every file on the way has to be what the one after it names. */
async function checkAfter(files: Files, run: Run, { head, digest }: Known): Promise<'agrees' | Told> {
  const { evidence: latest } = run;
  if (latest === undefined || latest.version <= head.evidence) return NOTHING;
  const { own, isComplete } = await filesBetween(files, run, head.evidence, latest.version);
  let above: { readonly number: number; readonly digest: string } = { number: latest.version, digest: latest.digest };
  for (;;) {
    const name = evidenceName(run.runId, above.number);
    const stored = await readStored(files, name);
    if (stored === undefined)
      return note(`${name} is not in the container reports: what it names could not be compared`);
    if (stored.digest !== above.digest) return difference(`${name} in the container reports is not what was written`);
    const next = own.find((one) => one.number < above.number && one.digest === stored.previousDigest);
    if (next !== undefined) {
      above = next;
      continue;
    }
    if (stored.previousDigest === digest) return 'agrees';
    if (!isComplete) {
      return note(
        `the files between it and ${name} could not be compared: the container reports no longer has them all`,
      );
    }
    return difference(
      `${name} names ${stored.previousDigest ?? 'none'} as the digest of the file before it, this file's is ${digest ?? 'missing'}: it is not the one that was written`,
    );
  }
}

/** `digest`: absent when its chain does not hold. */
async function readStored(
  files: Files,
  name: string,
): Promise<{ digest?: string; previousDigest?: string } | undefined> {
  const content = await files.read(name);
  if (content === undefined) return undefined;
  let digest: string | undefined;
  let head: EvidenceHead | undefined;
  try {
    for await (const { fact, cells } of chainedLines(content)) {
      digest = fact.hash;
      if (fact.record === 'run') head = readEvidenceHead(cells.details ?? '');
    }
  } catch (error) {
    if (error instanceof BrokenChainError) return {};
    throw error;
  }
  return {
    ...(digest === undefined ? {} : { digest }),
    ...(head?.previousDigest === undefined ? {} : { previousDigest: head.previousDigest }),
  };
}
