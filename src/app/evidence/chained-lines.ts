/** Reads an evidence file that has to be whole, in constant memory. Layer: app. */
import type { EvidenceRecord } from '../../domain/evidence/evidence-columns.ts';
import type { ReadLine } from '../../domain/evidence/read-line.ts';
import { evidenceLines } from './verify-evidence.ts';

/** A line is not what was written, or none of ours is in its place. `verifyEvidence` says what happened to it. */
export class BrokenChainError extends Error {
  override readonly name = 'BrokenChainError';
}

/**
 * Every line, in its place and below the one it was written below; the `hash` of the last is the file's digest.
 * @throws {BrokenChainError} at the first that is not, and after one that is no end.
 */
export async function* chainedLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadLine> {
  let above: ReadLine['fact'] | undefined;
  for await (const line of evidenceLines(chunks)) {
    const { fact } = line;
    if (fact.flaws.length > 0 || fact.number !== fact.at || !follows(fact, above)) {
      throw new BrokenChainError(`line ${fact.at} is not what was written`);
    }
    above = fact;
    yield line;
  }
  if (above?.record !== END) throw new BrokenChainError('the end is missing');
}

const [RUN, DEVICE, END] = ['run', 'device', 'end'] as const satisfies readonly EvidenceRecord[];

function follows({ previous, record }: ReadLine['fact'], above: ReadLine['fact'] | undefined): boolean {
  if (above === undefined) return true;
  const isNext = above.at === 1 ? record === RUN : above.record !== END && (record === DEVICE || record === END);
  return isNext && previous === above.hash;
}
