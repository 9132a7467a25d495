/** What is true of an evidence file, for people. Pure. Layer: cli. */

import type { Disagreement, ProofCheck } from '../../app/evidence/check-proofs.ts';
import type { LedgerComparison } from '../../app/evidence/compare-with-ledger.ts';
import type { Verification } from '../../app/evidence/verify-evidence.ts';
import { writeCell } from '../../domain/evidence/cell.ts';
import type { ChainProblem } from '../../domain/evidence/check-chain.ts';
import type { FigureDifference } from '../../domain/evidence/evidence-figures.ts';
import type { VerifyResult } from '../commands/verify.ts';
import type { Style } from './style.ts';
import { number, plural } from './text.ts';
import { STATES_IN_ORDER } from './words.ts';

/** Chosen: a screen of them; --json has all. */
const MOST_SHOWN = 20;

/** One paragraph for each thing that was checked. */
export function verifyLines(result: VerifyResult, style: Style): readonly string[] {
  const { file, verification, ledger, graph } = result;
  return [
    ...headLines(file, verification, style),
    '',
    ...chainLines(verification, style),
    ...figureLines(verification, style),
    ...ledgerLines(ledger, style),
    ...(graph === undefined
      ? [style.dim('graph    not asked; --graph asks it about every proof')]
      : graphLines(graph, style)),
  ];
}

function headLines(file: string, { head, lines, digest }: Verification, style: Style): readonly string[] {
  const what =
    head === undefined
      ? `${style.bold(file)} does not say which run it is evidence of.`
      : `${style.bold(file)} is evidence ${head.evidence} of run ${head.runId}, tenant ${head.tenantId}.`;
  const isDry = head?.dryRun === true ? [style.warn('A dry run: nothing was sent.')] : [];
  return [what, ...isDry, `${plural(lines, 'line')}, digest ${digest ?? 'missing'}`];
}

function holds(style: Style, what: string, text: string): string {
  return `${what.padEnd(8)} ${style.good('holds')}: ${text}`;
}

function broken(style: Style, what: string, text: string): string {
  return `${what.padEnd(8)} ${style.bad('DOES NOT HOLD')}: ${text}`;
}

function shownOf<T>(items: readonly T[], line: (item: T) => string): readonly string[] {
  const more = items.length - MOST_SHOWN;
  return [
    ...items.slice(0, MOST_SHOWN).map((item) => `  ${line(item)}`),
    ...(more > 0 ? [`  and ${number(more)} more; --json lists all`] : []),
  ];
}

function chainLines({ problems, lines }: Verification, style: Style): readonly string[] {
  if (problems.length === 0) return [holds(style, 'chain', 'every line is as it was written, where it was written')];
  const isAll = problems.length >= lines - 1 && problems.every(({ kind }) => kind === 'changed' || kind === 'cut');
  const hint = isAll ? '; has an editor or a spreadsheet saved it anew?' : '';
  return [broken(style, 'chain', `${plural(problems.length, 'problem')}${hint}`), ...shownOf(problems, problemText)];
}

function problemText(problem: ChainProblem): string {
  const line = number(problem.line);
  switch (problem.kind) {
    case 'changed':
      return `line ${line} was changed`;
    case 'added':
      return `line ${line} was added`;
    case 'cut':
      return `the end of the file is missing after line ${line}`;
    case 'moved':
      return `line ${line} was moved: it stands at line ${number(problem.at)}`;
    case 'removed':
      return problem.to === problem.line
        ? `line ${line} was removed`
        : `lines ${line} to ${number(problem.to)} were removed`;
  }
}

function figureLines({ figures, differences, digest }: Verification, style: Style): readonly string[] {
  const states = STATES_IN_ORDER.flatMap((state) => {
    const count = figures.states[state] ?? 0;
    return count === 0 ? [] : [`${number(count)} ${state}`];
  });
  const counted = [plural(figures.devices, 'device'), ...states].join(', ');
  if (digest === undefined)
    return [broken(style, 'figures', `there is no last line to state them; counted: ${counted}`)];
  if (differences.length === 0) return [holds(style, 'figures', `counted again: ${counted}`)];
  return [broken(style, 'figures', `counted: ${counted}`), ...shownOf(differences, differenceText)];
}

function differenceText({ name, stated, counted }: FigureDifference): string {
  const said = stated === undefined ? 'says nothing' : `says ${stated}`;
  return `${writeCell(name)}: the last line ${said}, the lines make ${counted}`;
}

function ledgerLines(ledger: LedgerComparison, style: Style): readonly string[] {
  switch (ledger.kind) {
    case 'agrees':
      return [
        holds(
          style,
          'ledger',
          `the digest is the one in the ${ledger.with === 'run row' ? "run's row" : "blob's metadata"}`,
        ),
      ];
    case 'differs':
      return [broken(style, 'ledger', ledger.differences.join('; '))];
    case 'notCompared':
      return [`ledger   ${style.warn('not compared')}: ${ledger.because}`];
  }
}

function graphLines({ proven, agreed, disagreements, actions }: ProofCheck, style: Style): readonly string[] {
  const counted = `${number(agreed)} of ${plural(proven, 'proof')} still ${agreed === 1 ? 'stands' : 'stand'}`;
  const others = Object.entries(actions).filter(([action]) => !QUIET.has(action));
  const notes = others.map(
    ([action, count]) => `  Intune now says ${action} of ${plural(count, 'action')} it had called done`,
  );
  if (disagreements.length === 0) return [holds(style, 'graph', counted), ...notes];
  return [broken(style, 'graph', counted), ...shownOf(disagreements, disagreementText), ...notes];
}

const QUIET: ReadonlySet<string> = new Set(['done', 'forgotten', 'unread']);

/** The name comes from a file from anywhere: control characters stay out of the terminal. */
function disagreementText({ line, deviceName, because }: Disagreement): string {
  return `line ${number(line)}, ${writeCell(deviceName)}: ${writeCell(because)}`;
}
