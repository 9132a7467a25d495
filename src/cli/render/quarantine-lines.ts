/** Quarantined messages for people: why each is there, and what to do; and what came of putting them back. Pure. Layer: cli. */
import type { QuarantineReport } from '../../app/report-quarantine.ts';
import type { Requeued } from '../../app/requeue.ts';
import type { Style } from './style.ts';
import { number, plural, span, wrap } from './text.ts';

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
  return [
    '',
    style.warn(`Quarantine: ${plural(entries.length, 'message')} that could not be acted on.`),
    ...shown.flatMap((entry) => ['', ...entryLines(entry, nowMs, style, columns)]),
    ...(left === 0 ? [] : ['', `and ${number(left)} more; --json lists all.`]),
    '',
    '`npx keyturn requeue --all` puts back whatever can be; --json shows the messages.',
  ];
}

function entryLines(entry: QuarantineReport, nowMs: number, style: Style, columns: number): readonly string[] {
  const more = entry.reasons.length - REASONS_SHOWN;
  const facts = [
    style.bold(entry.queue),
    `${span(nowMs - Date.parse(entry.at))} ago`,
    ...(entry.devices.length === 0 ? [] : [plural(entry.devices.length, 'device')]),
    ...(entry.runId === undefined ? [] : [`run ${entry.runId}`]),
  ];
  const reasons = entry.reasons.slice(0, REASONS_SHOWN);
  return [
    facts.join(', '),
    ...reasons.flatMap((reason) => indented(reason, columns)),
    ...(more > 0 ? indented(`and ${plural(more, 'more reason', 'more reasons')}`, columns) : []),
    `${INDENT}${style.accent(entry.command)}`,
  ];
}

function indented(text: string, columns: number): readonly string[] {
  return wrap(text, columns - INDENT.length).map((line) => INDENT + line);
}

const OUTCOME: Readonly<Record<Requeued['outcome'], { readonly words: string; readonly paint: keyof Style }>> = {
  requeued: { words: 'put back', paint: 'good' },
  settled: { words: 'nothing left to do', paint: 'good' },
  stays: { words: 'stays', paint: 'bad' },
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
      `${style[OUTCOME[outcome].paint](OUTCOME[outcome].words)}  ${id}`,
      ...indented(devices === undefined ? message : `${message} (${plural(devices, 'device')})`, columns),
    ]),
    '',
    `${summary(results)}.`,
  ];
}

function summary(results: readonly Requeued[]): string {
  const outcomes = Object.keys(OUTCOME) as Requeued['outcome'][];
  const counts = outcomes.map((outcome) => [outcome, results.filter((one) => one.outcome === outcome).length] as const);
  return counts
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${number(count)} ${OUTCOME[outcome].words}`)
    .join(', ');
}
