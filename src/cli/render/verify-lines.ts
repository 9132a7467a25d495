/** What is true of an evidence file, for people. Pure. Layer: cli. */

import type { Disagreement } from '../../app/evidence/check-proofs.ts';
import type { LedgerComparison } from '../../app/evidence/compare-with-ledger.ts';
import type { Verification } from '../../app/evidence/verify-evidence.ts';
import { number, plural } from '../../domain/plain-figures.ts';
import type { GraphCheck, VerifyResult } from '../commands/verify.ts';
import type { Style } from './style.ts';
import { visible } from './text.ts';
import { differenceText, problemTexts, savedAnewHint } from './verify-words.ts';
import { STATES_IN_ORDER } from './words.ts';

/** Chosen: a screen of them; --json has all. */
const MOST_SHOWN = 20;

/** What the file says by itself. */
export function fileLines(file: string, verification: Verification, style: Style): readonly string[] {
  return [
    ...headLines(file, verification, style),
    '',
    ...chainLines(verification, style),
    ...figureLines(verification, style),
  ];
}

/** What others say of it, or why they do not. */
export function comparisonLines({ ledger, graph }: VerifyResult, style: Style): readonly string[] {
  return [
    ...ledgerLines(ledger, style),
    ...(graph === undefined
      ? [style.dim('graph    not asked; --graph asks it about every proof')]
      : graphLines(graph, style)),
  ];
}

function headLines(file: string, { head, lines, digest, problems }: Verification, style: Style): readonly string[] {
  const what =
    head === undefined
      ? `${style.bold(file)} does not say which run it is evidence of.`
      : `${style.bold(file)} is evidence ${head.evidence} of run ${head.runId}, tenant ${head.tenantId}.`;
  const isDry = head?.dryRun === true ? [style.warn('A dry run: nothing was sent.')] : [];
  // A digest to keep, or to compare with one that was kept, only a whole chain has.
  const stated = `${problems.length === 0 ? '' : 'its last line says '}digest ${digest ?? 'missing'}`;
  return [what, ...isDry, `${plural(lines, 'line')}, ${digest === undefined ? 'digest missing' : stated}`];
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
  const texts = problemTexts(problems, lines);
  const told = `${plural(texts.length, 'problem')}${savedAnewHint(problems, lines)}`;
  return [broken(style, 'chain', told), ...shownOf(texts, (text) => text)];
}

function figureLines({ figures, differences, hasEnd }: Verification, style: Style): readonly string[] {
  const states = STATES_IN_ORDER.flatMap((state) => {
    const count = figures.states[state] ?? 0;
    return count === 0 ? [] : [`${number(count)} ${state}`];
  });
  const counted = [plural(figures.devices, 'device'), ...states].join(', ');
  if (!hasEnd) return [broken(style, 'figures', `there is no last line to state them; counted: ${counted}`)];
  if (differences.length === 0) return [holds(style, 'figures', `counted again: ${counted}`)];
  if (differences.every(({ stated }) => stated === undefined)) {
    return [broken(style, 'figures', `the last line states none that can be read; counted: ${counted}`)];
  }
  return [broken(style, 'figures', `counted: ${counted}`), ...shownOf(differences, differenceText)];
}

const WHERE: Readonly<Record<Extract<LedgerComparison, { kind: 'agrees' }>['with'], string>> = {
  'run row': "the digest is the one in the run's row",
  'later evidence': "the digest is the one that the evidence after it names, back from the one in the run's row",
  'blob metadata': "the digest is the one in the blob's metadata",
};

function ledgerLines(ledger: LedgerComparison, style: Style): readonly string[] {
  if (ledger.kind === 'notCompared') return [`ledger   ${style.warn('not compared')}: ${visible(ledger.because)}`];
  const notes = ledger.notes.map((note) => `  ${style.warn(visible(note))}`);
  if (ledger.kind === 'agrees') return [holds(style, 'ledger', WHERE[ledger.with]), ...notes];
  // They quote the file's own words.
  const [first = '', ...more] = ledger.differences.map(visible);
  return [broken(style, 'ledger', first), ...more.map((difference) => `  ${difference}`), ...notes];
}

function graphLines(graph: GraphCheck, style: Style): readonly string[] {
  if (graph.kind === 'notChecked') return [`graph    ${style.bad('NOT CHECKED')}: ${visible(graph.because)}`];
  const { proven, agreed, disagreements, unchecked, actions, quota } = graph;
  const counted = `${number(agreed)} of ${plural(proven, 'proof')} still ${agreed === 1 ? 'stands' : 'stand'}`;
  const others = Object.entries(actions).filter(([action]) => !QUIET.has(action));
  const notes = [
    ...others.map(
      ([action, count]) => `  Intune now says ${action} of ${plural(count, 'action')} that it had called done`,
    ),
    ...(quota === 'own'
      ? [
          style.dim(
            '  asked within a quota shared with nobody: no storage is configured, so runs in progress do not know of it',
          ),
        ]
      : []),
  ];
  const open = [
    ...(unchecked.length === 0
      ? []
      : [`  ${plural(unchecked.length, 'proof')} cannot be checked any more, or not now:`]),
    ...shownOf(unchecked, disagreementText),
  ];
  if (disagreements.length > 0) {
    return [broken(style, 'graph', counted), ...shownOf(disagreements, disagreementText), ...open, ...notes];
  }
  if (unchecked.length > 0) return [`graph    ${style.warn('NOT ALL CHECKED')}: ${counted}`, ...open, ...notes];
  return [holds(style, 'graph', counted), ...notes];
}

/** Told line by line, or of no weight. */
const QUIET: ReadonlySet<string> = new Set([
  ...['done', 'forgotten', 'unread'],
  ...['failed', 'canceled', 'notSupported'],
]);

/** The name comes from a file from anywhere: control characters stay out of the terminal. */
function disagreementText({ line, deviceName, because }: Disagreement): string {
  return `line ${number(line)}, ${visible(deviceName)}: ${visible(because)}`;
}
