/** Quarantined messages for people: why each is there, and what to do; and what came of putting them back. Pure. Layer: cli. */
import type { QuarantineReport } from '../../app/report-quarantine.ts';
import type { Dismissed, Requeued } from '../../app/requeue.ts';
import { number, plural, span } from '../../domain/plain-figures.ts';
import type { Style } from './style.ts';
import { visible, wrap } from './text.ts';

/** Chosen: a screen of them. */
const MOST_SHOWN = 10;
/** What gave up, and the error behind it; or the first problems of a request. */
const REASONS_SHOWN = 2;
const INDENT = '  ';

/** Nothing when there is nothing. Newest first, as they come. */
export function quarantineLines(
  entries: readonly QuarantineReport[],
  nowMs: number,
  style: Style,
  columns: number,
): readonly string[] {
  if (entries.length === 0) return [];
  const shown = entries.slice(0, MOST_SHOWN);
  const left = entries.length - shown.length;
  const canGoBack = entries.some(({ stays }) => stays === undefined);
  return [
    '',
    style.warn(`Quarantine: ${plural(entries.length, 'message')} that could not be acted on.`),
    ...shown.flatMap((entry) => ['', ...entryLines(entry, nowMs, style, columns)]),
    ...(left === 0 ? [] : ['', `and ${number(left)} more; --json lists all.`]),
    '',
    ...(canGoBack ? ['`npx keyturn requeue --all` puts back whatever can be.'] : []),
    '`npx keyturn status --json` shows the messages whole.',
  ];
}

function entryLines(entry: QuarantineReport, nowMs: number, style: Style, columns: number): readonly string[] {
  const more = entry.reasons.length - REASONS_SHOWN;
  const reasons = entry.reasons.slice(0, REASONS_SHOWN);
  return [
    factsOf(entry, nowMs, style),
    ...reasons.flatMap((reason) => indented(reason, columns)),
    ...(more > 0 ? indented(`and ${plural(more, 'more reason')}`, columns) : []),
    ...(entry.stays === undefined
      ? [`${INDENT}${style.accent(entry.command)}`]
      : [
          ...indented(`${whyNot(entry.stays, entry.reasons)}. To remove it:`, columns),
          `${INDENT}${style.accent(entry.command)}`,
        ]),
  ];
}

/** Of a refused request the reasons above have told it. */
function whyNot(stays: string, reasons: readonly string[]): string {
  return reasons.some((reason) => stays.includes(reason))
    ? 'It would be refused again; send a corrected request'
    : `Cannot be put back: ${stays}`;
}

function factsOf(entry: QuarantineReport, nowMs: number, style: Style): string {
  const facts = [
    style.bold(entry.queue),
    `${span(nowMs - Date.parse(entry.at))} ago`,
    ...(entry.devices.length === 0 ? [] : [plural(entry.devices.length, 'device')]),
    ...(entry.runId === undefined ? [] : [`run ${entry.runId}`]),
  ];
  return facts.join(', ');
}

/** Messages, reasons and targets quote whoever sent them. */
function indented(text: string, columns: number): readonly string[] {
  return wrap(visible(text), columns - INDENT.length).map((line) => INDENT + line);
}

interface OutcomeWords {
  readonly one: string;
  readonly many: string;
  readonly paint: keyof Style;
}

const OUTCOME: Readonly<Record<Requeued['outcome'], OutcomeWords>> = {
  requeued: { one: 'put back', many: 'put back', paint: 'good' },
  settled: { one: 'needs nothing more', many: 'need nothing more', paint: 'good' },
  stays: { one: 'stays', many: 'stay', paint: 'bad' },
};

/** What was done about each, or would be. */
export function requeuedLines(
  results: readonly Requeued[],
  mode: 'really' | 'dryRun',
  style: Style,
  columns: number,
): readonly string[] {
  if (results.length === 0) return ['Quarantine is empty.'];
  return [
    ...(mode === 'dryRun' ? ['Nothing was changed (--dry-run). This would be done:', ''] : []),
    ...results.flatMap(({ id, outcome, message, devices }) => [
      `${style[OUTCOME[outcome].paint](OUTCOME[outcome].one)}  ${id}`,
      ...indented(devices === undefined ? message : `${message} (${plural(devices, 'device')})`, columns),
    ]),
    '',
    summary(results, OUTCOME),
    ...(results.some(({ outcome }) => outcome === 'stays')
      ? ['`npx keyturn requeue --dismiss ID` removes what nobody needs any more.']
      : []),
  ];
}

/** A message that was dismissed, or not; `gone`: it was not there. */
export type DismissedEntry =
  | (Dismissed & { readonly entry: QuarantineReport })
  | { readonly id: string; readonly outcome: 'gone'; readonly message: string };

const DISMISSAL: Readonly<Record<DismissedEntry['outcome'], OutcomeWords>> = {
  dismissed: { one: 'dismissed', many: 'dismissed', paint: 'good' },
  gone: { one: 'gone already', many: 'gone already', paint: 'dim' },
  kept: { one: 'stays', many: 'stay', paint: 'bad' },
};

/** Each message whole, for the last time, and what became of it. */
export function dismissedLines(
  results: readonly DismissedEntry[],
  mode: 'really' | 'dryRun',
  nowMs: number,
  style: Style,
  columns: number,
): readonly string[] {
  return [
    ...(mode === 'dryRun' ? ['Nothing was changed (--dry-run). This would be done:', ''] : []),
    ...results.flatMap((result) => [
      `${style[DISMISSAL[result.outcome].paint](DISMISSAL[result.outcome].one)}  ${result.id}`,
      ...indented(result.message, columns),
      ...('entry' in result ? wholeLines(result.entry, nowMs, style, columns) : []),
      '',
    ]),
    summary(results, DISMISSAL),
  ];
}

function wholeLines(entry: QuarantineReport, nowMs: number, style: Style, columns: number): readonly string[] {
  return [
    `${INDENT}${factsOf(entry, nowMs, style)}`,
    ...entry.reasons.flatMap((reason) => indented(reason, columns)),
    ...(entry.devices.length === 0 ? [] : indented(entry.devices.join('; '), columns)),
    ...indented(entry.message, columns),
  ];
}

function summary<Outcome extends string>(
  results: readonly { readonly outcome: Outcome }[],
  words: Readonly<Record<Outcome, OutcomeWords>>,
): string {
  const outcomes = Object.keys(words) as Outcome[];
  const counts = outcomes.map((outcome) => [outcome, results.filter((one) => one.outcome === outcome).length] as const);
  const told = counts
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${number(count)} ${count === 1 ? words[outcome].one : words[outcome].many}`);
  return `${told.join(', ')}.`;
}
