/** Reads an evidence file and says, from nothing but the file, whether it is what was written. Layer: app. */
import { createHash } from 'node:crypto';
import { type ChainProblem, checkChain, createOrderCheck } from '../../domain/evidence/check-chain.ts';
import {
  compareFigures,
  countFigures,
  type EvidenceFigures,
  type FigureDifference,
} from '../../domain/evidence/evidence-figures.ts';
import { type EvidenceHead, readEvidenceHead } from '../../domain/evidence/evidence-head.ts';
import { isDigest, type LineFact, type ReadLine, readEvidenceLine } from '../../domain/evidence/read-line.ts';
import { number } from '../../domain/plain-figures.ts';
import { sha256 } from './sha256.ts';
import { splitLines } from './split-lines.ts';

/** What a file says, and what is wrong with it. */
export interface Verification {
  /** As found, the heading included. */
  readonly lines: number;
  /** There is a line that ends an evidence file, changed or not. */
  readonly hasEnd: boolean;
  /** The hash of its last line; absent when it is none that ends a file. To be compared with one that was kept elsewhere. */
  readonly digest?: string;
  /** SHA-256 of all its bytes, as they were read. */
  readonly sha256: string;
  /** What the file says of its run; absent when it says nothing that can be read. */
  readonly head?: EvidenceHead;
  readonly problems: readonly ChainProblem[];
  /** Counted from the lines as they stand. */
  readonly figures: EvidenceFigures;
  /** Where the last line states a figure, or the number of lines, other than it is. None when there is no such line: that is a problem. */
  readonly differences: readonly FigureDifference[];
}

/** The file is none of ours, and more is wrong with it than can be told. */
export class TooManyBrokenLinesError extends Error {
  override readonly name = 'TooManyBrokenLinesError';
}

/**
 * Chosen: twice as many as the largest run has that Keyturn is made for, a million devices, so that of any such file every line can be told
 * that some program changed; and what is remembered of them stays near a gigabyte.
 */
const MOST_BROKEN_LINES = 2_000_000;

/** Every line as it stands, read. */
export async function* evidenceLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadLine> {
  let at = 0;
  for await (const bytes of splitLines(chunks)) {
    at += 1;
    yield readEvidenceLine(bytes, at, sha256);
  }
}

/** The same bytes; `onEnd` is told their SHA-256 once all were taken. */
export async function* hashedChunks(
  chunks: AsyncIterable<Uint8Array>,
  onEnd: (sha256: string) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  onEnd(hash.digest('hex'));
}

/** True when nothing is wrong with it. */
export function isWhole({ problems, differences, head }: Verification): boolean {
  return problems.length === 0 && differences.length === 0 && head !== undefined;
}

export interface VerifyLimits {
  /** Of broken lines; more end it. Default: two million. */
  readonly mostBroken?: number;
  /** Default: true. A pipe can be read only once. */
  readonly canReopen?: boolean;
}

/**
 * Reads the file once and remembers one line of it; when something is wrong with it, once more, and keeps of each line what the chain is
 * checked by. Of what can be read only once they are kept from the start. `open`: its bytes, from the first.
 * @throws {TooManyBrokenLinesError} when there are more than `mostBroken`.
 */
export async function verifyEvidence(
  open: () => AsyncIterable<Uint8Array>,
  { mostBroken = MOST_BROKEN_LINES, canReopen = true }: VerifyLimits = {},
): Promise<Verification> {
  if (canReopen) {
    const order = createOrderCheck();
    const found = await readThrough(open(), mostBroken, order.add);
    if (order.isWhole()) return { ...found, problems: [] };
  }
  const facts: LineFact[] = [];
  // Not what was found before: the file may be another one by now.
  const found = await readThrough(open(), mostBroken, (fact) => void facts.push(sharing(fact, facts.at(-1))));
  return { ...found, problems: checkChain(facts) };
}

async function readThrough(
  chunks: AsyncIterable<Uint8Array>,
  mostBroken: number,
  onLine: (fact: LineFact) => void,
): Promise<Omit<Verification, 'problems'>> {
  let lines = 0;
  let broken = 0;
  const count = countFigures();
  let bytesHash = '';
  let head: EvidenceHead | undefined;
  let end: ReadLine | undefined;
  const hashed = hashedChunks(chunks, (hash) => {
    bytesHash = hash;
  });
  for await (const line of evidenceLines(hashed)) {
    onLine(line.fact);
    lines = line.fact.at;
    if (line.fact.flaws.length > 0) broken += 1;
    if (broken > mostBroken) {
      throw new TooManyBrokenLinesError(
        `more than ${number(mostBroken)} lines are broken, the last of them line ${number(lines)}: no evidence file has so many`,
      );
    }
    if (line.fact.record === 'device') count.add(line.cells);
    if (line.fact.record === 'run') head ??= readEvidenceHead(line.cells.details ?? '');
    if (line.fact.record === 'end') end = line;
  }
  const figures = count.figures();
  return {
    lines,
    hasEnd: end !== undefined,
    ...(end?.fact.at === lines && isDigest(end.fact.hash) ? { digest: end.fact.hash } : {}),
    sha256: bytesHash,
    ...(head === undefined ? {} : { head }),
    figures,
    differences: end === undefined ? [] : differencesOf(end.cells.details ?? '', lines, figures),
  };
}

/** The same fact; what it says of the line above is the text that is kept for that line. */
function sharing(fact: LineFact, above: LineFact | undefined): LineFact {
  return above !== undefined && fact.previous === above.hash ? { ...fact, previous: above.hash } : fact;
}

function differencesOf(details: string, lines: number, figures: EvidenceFigures): readonly FigureDifference[] {
  const stated = parsed(details);
  const linesStated = stated?.lines;
  return [
    ...(linesStated === lines
      ? []
      : [{ name: 'lines', ...(typeof linesStated === 'number' ? { stated: linesStated } : {}), counted: lines }]),
    ...compareFigures(stated?.figures, figures),
  ];
}

/** `undefined` for what is no JSON object. */
function parsed(details: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(details);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
