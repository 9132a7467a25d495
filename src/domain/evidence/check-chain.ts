/** Says which lines of an evidence file were changed, removed, added or moved, as exactly as the chain allows. Pure. Layer: domain. */
import type { EvidenceRecord } from './evidence-columns.ts';
import { longestAscent } from './longest-ascent.ts';
import { numberRanges } from './number-ranges.ts';
import type { LineFact, LineFlaw } from './read-line.ts';

/**
 * How a line was changed, where the line by itself does not show it. `rehashed`: its own hash fits, and the line below was made with another
 * line in its place. `place`: it agrees with its neighbours, and is no line that a file of ours has there.
 */
export type ChangeFlaw = LineFlaw | 'rehashed' | 'place';

/**
 * - `changed`: line `line`, which stands at line `at`, is not as it was written.
 * - `removed`: lines `line` to `to` are missing. `cut`: whatever came after line `line` is.
 * - `added`: what stands at line `line` was no part of the file, or is there twice.
 * - `moved`: line `line` stands at line `at`.
 */
export type ChainProblem =
  | { readonly kind: 'changed'; readonly line: number; readonly at: number; readonly how: ChangeFlaw }
  | { readonly kind: 'added' | 'cut'; readonly line: number }
  | { readonly kind: 'removed'; readonly line: number; readonly to: number }
  | { readonly kind: 'moved'; readonly line: number; readonly at: number };

type Intact = LineFact & { readonly number: number };

export interface OrderCheck {
  /** The next line of the file, the heading first. */
  add(fact: LineFact): void;
  /** So far the lines are a whole file, as it was written: exactly then `checkChain` finds nothing. */
  isWhole(): boolean;
}

/** Remembers one line, however many there are: of most files there is nothing to explain. */
export function createOrderCheck(): OrderCheck {
  let above: LineFact | undefined;
  let isSoFar = true;
  return {
    add(fact) {
      const lines = fact.record === END ? fact.at : Number.POSITIVE_INFINITY;
      isSoFar &&= above?.record !== END && isInOrder(fact, above, lines);
      above = fact;
    },
    isWhole: () => isSoFar && above?.record === END,
  };
}

/** Nothing for a file that is as it was written. `facts`: every line in the order of the file, the heading first. */
export function checkChain(facts: readonly LineFact[]): readonly ChainProblem[] {
  const wrong = facts.filter((fact, i) => !isInOrder(fact, facts[i - 1], facts.length));
  if (wrong.length === 0 && facts.at(-1)?.record === END) return [];

  const [heading, ...lines] = facts;
  if (heading === undefined) return [{ kind: 'cut', line: 0 }];
  const { genuine, forged } = sortOut(lines.filter(isIntact));
  const inPlace = longestAscent(genuine);
  const { moved, copies } = strays(genuine, inPlace);
  const problems: ChainProblem[] = [
    ...(heading.isIntact ? [] : changes(1, heading)),
    ...[heading, ...lines.filter(isIntact)].flatMap((fact) => wrappings(fact)),
    ...[...forged, ...copies].map(added),
    ...moved.map(({ number, at }): ChainProblem => ({ kind: 'moved', line: number, at })),
    ...gaps(inPlace, moved, lines),
    ...tail(inPlace, moved, lines),
    ...brokenLinks(heading, [...inPlace, ...moved]),
  ];
  // Whatever else: lines that agree with each other, and not with what a file of ours looks like.
  const told = problems.length > 0 ? problems : wrong.map(({ at }) => changed(at, at, 'place'));
  return told.toSorted((a, b) => a.line - b.line);
}

const RUN: EvidenceRecord = 'run';
const DEVICE: EvidenceRecord = 'device';
const END: EvidenceRecord = 'end';

const changed = (line: number, at: number, how: ChangeFlaw): ChainProblem => ({ kind: 'changed', line, at, how });

/** What is wrong with the line that was line `line`. */
function changes(line: number, { at, flaws }: LineFact): readonly ChainProblem[] {
  return flaws.map((flaw) => changed(line, at, flaw));
}

const added = ({ at }: LineFact): ChainProblem => ({ kind: 'added', line: at });

/** Of a line that says what it said: what was changed around it. */
function wrappings(fact: LineFact): readonly ChainProblem[] {
  return fact.isIntact && fact.flaws.length > 0 ? changes(fact.number ?? fact.at, fact) : [];
}

function isIntact(fact: LineFact): fact is Intact {
  return fact.isIntact && fact.number !== undefined;
}

/** As it was written, where it was written, below the line it was written below. */
function isInOrder(fact: LineFact, above: LineFact | undefined, lines: number): boolean {
  if (above === undefined) return fact.flaws.length === 0;
  const record = fact.at === 2 ? RUN : fact.at === lines ? END : DEVICE;
  return fact.flaws.length === 0 && fact.number === fact.at && fact.previous === above.hash && fact.record === record;
}

/** Of several lines with one number and different content, the genuine one is what its neighbours were hashed with. */
function sortOut(intact: readonly Intact[]): {
  readonly genuine: readonly Intact[];
  readonly forged: readonly Intact[];
} {
  const byNumber = Map.groupBy(intact, ({ number }) => number);
  const forged = new Set<Intact>();
  for (const [number, same] of byNumber) {
    const [first] = same;
    if (first === undefined || same.every(({ hash }) => hash === first.hash)) continue;
    const below = new Set(byNumber.get(number + 1)?.map(({ previous }) => previous));
    const above = new Set(byNumber.get(number - 1)?.map(({ hash }) => hash));
    const genuine =
      same.find(({ hash }) => below.has(hash)) ?? same.find(({ previous }) => above.has(previous)) ?? first;
    for (const one of same) if (one.hash !== genuine.hash) forged.add(one);
  }
  return { genuine: intact.filter((one) => !forged.has(one)), forged: [...forged] };
}

/** Lines out of their order: moved, or one more of a line that is there, or with a number that no line has. */
function strays(
  genuine: readonly Intact[],
  inPlace: readonly Intact[],
): { readonly moved: readonly Intact[]; readonly copies: readonly Intact[] } {
  const placed = new Set(inPlace);
  const numbers = new Set(inPlace.map(({ number }) => number));
  const last = genuine.find(({ record }) => record === END)?.number ?? Number.POSITIVE_INFINITY;
  const moved: Intact[] = [];
  const copies: Intact[] = [];
  for (const one of genuine) {
    if (placed.has(one)) continue;
    (numbers.has(one.number) || one.number > last ? copies : moved).push(one);
    numbers.add(one.number);
  }
  return { moved, copies };
}

/** Between lines that are in place: numbers nobody has, and lines that are not intact. One for the other, as far as they go. */
function gaps(
  inPlace: readonly Intact[],
  moved: readonly Intact[],
  lines: readonly LineFact[],
): readonly ChainProblem[] {
  const broken = lines.filter((line) => !isIntact(line));
  const elsewhere = moved.map(({ number }) => number).sort((a, b) => a - b);
  const problems: ChainProblem[] = [];
  let next = 0;
  let from = 0;
  let above = { number: 1, at: 1 };
  for (const below of inPlace) {
    let to = from;
    while ((elsewhere[to] ?? Number.POSITIVE_INFINITY) < below.number) to += 1;
    const missing = numberRanges(above.number + 1, below.number - 1, elsewhere.slice(from, to));
    from = to;
    for (let line = broken[next]; line !== undefined && line.at < below.at; line = broken[++next]) {
      const number = line.number !== undefined && missing.take(line.number) ? line.number : missing.takeFirst();
      problems.push(...(number === undefined ? [added(line)] : changes(number, line)));
    }
    for (const { from, to } of missing.left()) problems.push({ kind: 'removed', line: from, to });
    above = below;
  }
  return problems;
}

/** Below the last line that is in place. */
function tail(
  inPlace: readonly Intact[],
  moved: readonly Intact[],
  lines: readonly LineFact[],
): readonly ChainProblem[] {
  const last = inPlace.at(-1) ?? { number: 1, at: 1, record: '' };
  const broken = lines.filter((line) => !isIntact(line) && line.at > last.at);
  if (last.record === END) return broken.map(added);
  const problems = broken.flatMap((line, i) => changes(last.number + 1 + i, line));
  const isEnded = [...moved, ...broken].some(({ record }) => record === END);
  return isEnded ? problems : [...problems, { kind: 'cut', line: last.number + broken.length }];
}

/** Where a line was not hashed with the one above it, that one was hashed anew. */
function brokenLinks(heading: LineFact, found: readonly Intact[]): readonly ChainProblem[] {
  const ordered = found.toSorted((a, b) => a.number - b.number);
  return ordered.flatMap((line, i) => {
    const above = i === 0 ? { ...heading, number: 1 } : (ordered[i - 1] as Intact);
    if (above.number !== line.number - 1 || line.previous === above.hash) return [];
    if (above.number > 1) return [changed(above.number, above.at, 'rehashed')];
    return heading.isIntact ? [changed(line.number, line.at, 'rehashed')] : [];
  });
}
