/** What is wrong with an evidence file, in whole sentences for people who did not write it. Pure. Layer: cli. */
import type { ChainProblem, ChangeFlaw } from '../../domain/evidence/check-chain.ts';
import type { FigureDifference } from '../../domain/evidence/evidence-figures.ts';
import { number } from '../../domain/plain-figures.ts';
import { visible } from './text.ts';

/** What the lines themselves tell of the change. */
const CHANGES: Readonly<Record<ChangeFlaw, string>> = {
  content: 'the hash does not fit what stands before it',
  cells: 'no line of evidence any more: other cells, no number in front, or no hash at the end',
  encoding: 'bytes that are not UTF-8',
  heading: 'not the names of the columns of an evidence file',
  byteOrderMark: 'a byte order mark was put in front, as programs do that save a file anew',
  lineEndLf:
    'LF at the end instead of CR LF, as programs leave that convert line ends; what stands before it is as it was written',
  lineEndCr: 'CR at the end instead of CR LF; what stands before it may be as it was written',
  lineEndMissing: 'the CR LF at the end is missing; what stands before it is as it was written',
  rehashed: 'hashed anew to hide it: the line below was made from another one',
  place: 'no line of this kind stands there in an evidence file',
};

/** One sentence for each problem, or for as many neighbouring lines as have the same one. */
export function problemTexts(problems: readonly ChainProblem[], lines: number): readonly string[] {
  const texts: { readonly line: number; readonly text: string }[] = [];
  for (const [how, alike] of Map.groupBy(problems.filter(isChanged), (one) => one.how)) {
    for (const group of neighbours(alike)) texts.push({ line: group.from.line, text: changedText(group, how, lines) });
  }
  for (const one of problems) if (!isChanged(one)) texts.push({ line: one.line, text: problemText(one) });
  return texts.sort((a, b) => a.line - b.line).map(({ text }) => text);
}

type Changed = Extract<ChainProblem, { kind: 'changed' }>;

function isChanged(problem: ChainProblem): problem is Changed {
  return problem.kind === 'changed';
}

interface Group {
  readonly from: Changed;
  to: Changed;
}

function neighbours(alike: readonly Changed[]): readonly Group[] {
  const groups: Group[] = [];
  for (const one of alike) {
    const last = groups.at(-1);
    if (last?.to.line === one.line - 1 && last.to.at === one.at - 1) last.to = one;
    else groups.push({ from: one, to: one });
  }
  return groups;
}

function changedText({ from, to }: Group, how: ChangeFlaw, lines: number): string {
  const isOne = from === to;
  const range = (first: number, last: number) =>
    isOne ? `line ${number(first)}` : `lines ${number(first)} to ${number(last)}`;
  const isAll = !isOne && from.at === 1 && to.at === lines && to.line === lines;
  const which = isAll ? `all ${number(lines)} lines` : range(from.line, to.line);
  const where = from.at === from.line ? '' : `, now at ${range(from.at, to.at)},`;
  return `${which}${where} ${isOne ? 'was' : 'were'} changed: ${CHANGES[how]}`;
}

function problemText(problem: Exclude<ChainProblem, Changed>): string {
  const line = number(problem.line);
  switch (problem.kind) {
    case 'added':
      return `what stands at line ${line} was added: it is no part of the file, or stands in it twice`;
    case 'cut':
      return problem.line === 0 ? 'the file is empty' : `the end of the file is missing: nothing follows line ${line}`;
    case 'moved':
      return `line ${line} was moved: it now stands at line ${number(problem.at)}`;
    case 'removed':
      return problem.to === problem.line
        ? `line ${line} was removed`
        : `lines ${line} to ${number(problem.to)} were removed`;
  }
}

/** What the last line says, and what counting gives. */
export function differenceText({ name, stated, counted }: FigureDifference): string {
  const said =
    stated === undefined ? 'says nothing of them' : Number.isNaN(stated) ? 'says no number' : `says ${number(stated)}`;
  return `${figureWords(name)}: the last line ${said}, counted again there ${counted === 1 ? 'is' : 'are'} ${number(counted)}`;
}

const WHOLE_FIGURES: Readonly<Record<string, string>> = {
  lines: 'lines in the file',
  devices: 'lines about devices',
  canaries: 'canaries',
  accepted: 'devices whose request Graph took',
  confirmed: 'devices confirmed by Intune',
  unconfirmed: 'devices proven without a confirmation',
  uncertain: 'devices of which nobody knows whether Graph took the request',
};

/** The name comes from a file from anywhere. */
function figureWords(name: string): string {
  const [group = '', part = ''] = split(name);
  switch (group) {
    case 'states':
      return `devices that ended as ${visible(part)}`;
    case 'skipped':
      return `devices skipped as ${visible(part)}`;
    case 'refused':
      return /^\d+$/.test(part)
        ? `devices refused with HTTP status ${part}`
        : `devices refused, HTTP status ${visible(part)}`;
    case 'failed':
      return /^-?\d+$/.test(part)
        ? `devices failed with error code ${part}`
        : `devices failed without an error code (${visible(part)})`;
    case 'late':
      return `devices given up on that were found ${visible(part)} later`;
    default:
      return Object.hasOwn(WHOLE_FIGURES, name) ? (WHOLE_FIGURES[name] ?? '') : `a figure called ${visible(name)}`;
  }
}

/** A part may hold dots of its own. */
function split(name: string): readonly string[] {
  const dot = name.indexOf('.');
  return dot < 0 ? ['', name] : [name.slice(0, dot), name.slice(dot + 1)];
}

/** When nearly nothing is as it was, it was hardly one line that somebody changed. */
export function savedAnewHint(problems: readonly ChainProblem[], lines: number): string {
  const changed = new Set(problems.filter(isChanged).map(({ at }) => at));
  return lines > 3 && changed.size >= lines - 1 ? '; has an editor or a spreadsheet saved it anew?' : '';
}
