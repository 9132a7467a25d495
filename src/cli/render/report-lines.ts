/** The report of a run at the terminal: the page's first screen. Pure. Layer: cli. */

import { number, span } from '../../domain/plain-figures.ts';
import type { Urgency } from '../../domain/report/outcome-words.ts';
import type { ReportModel } from '../../domain/report/report-model.ts';
import { outcomeWords } from '../../domain/report/run-outcome-words.ts';
import { type Verdict, verdictOf } from '../../domain/report/verdict.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

const TONE: Readonly<Record<Verdict['tone'], keyof Style>> = {
  good: 'good',
  warn: 'warn',
  bad: 'bad',
  neutral: 'accent',
};
const PAINT: Readonly<Record<Urgency, keyof Style>> = { danger: 'bad', act: 'warn', wait: 'dim', fine: 'good' };

/** `files`: what was written, by name. */
export function reportLines(
  model: ReportModel,
  files: { readonly html?: string; readonly csv?: string },
  style: Style,
  columns: number,
): readonly string[] {
  const { run, state, funnel, evidence, timeToKey } = model;
  const verdict = verdictOf(model);
  return [
    `${style.bold(`Run ${run.runId}`)}  ${state}${run.dryRun ? ', dry run' : ''}`,
    style[TONE[verdict.tone]](verdict.headline),
    ...verdict.needs,
    '',
    `due ${number(funnel.due)} → requested ${number(funnel.requested)} → confirmed ${number(funnel.confirmed)} → proven ${number(funnel.proven)}`,
    ...(timeToKey === undefined
      ? []
      : [style.dim(`new key within ${span(timeToKey.medianMs)} (half), ${span(timeToKey.p90Ms)} (nine of ten)`)]),
    '',
    ...outcomeLines(model, style, columns),
    '',
    ...(evidence === undefined
      ? [style.dim('No evidence yet: the run has not ended.')]
      : [`Evidence ${evidence.version}: ${number(evidence.lines)} lines, digest ${evidence.digest}`]),
    ...Object.values(files).map((file) => `Written: ${file}`),
  ];
}

function outcomeLines({ run, state, outcomes }: ReportModel, style: Style, columns: number): readonly string[] {
  if (outcomes.length === 0)
    return [state === 'planning' ? 'No device is counted yet.' : 'There is no device in this run.'];
  const rows = outcomes.map(({ outcome, devices }) => {
    const { title, urgency, remedy } = outcomeWords(outcome, run);
    return [style[PAINT[urgency]](title), number(devices), remedy];
  });
  const titles = [
    { title: 'Outcome' },
    { title: 'Devices', align: 'right' },
    { title: 'What to do', grows: true },
  ] as const;
  return table(titles, rows, style, columns);
}
