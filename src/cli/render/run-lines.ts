/** A run for people: how it stands or ended, its counts and its reasons. Pure. Layer: cli. */
import type { RunReport } from '../../app/report-run.ts';
import { SKIP_REASONS } from '../../domain/rotation.ts';
import type { RunState } from '../../domain/run.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { moment, number, plural, span } from './text.ts';
import { ABORT_WORDS, RUN_STATE_WORDS, SKIP_WORDS, STATE_MEANING, STATES_IN_ORDER } from './words.ts';

/** One run in detail. */
export function runLines(report: RunReport, style: Style, columns: number): readonly string[] {
  return [
    ...headLines(report, style),
    '',
    ...countLines(report, style, columns),
    ...skippedLines(report, style, columns),
  ];
}

const PAINT: Readonly<Record<RunState, keyof Style>> = {
  planning: 'accent',
  rotating: 'accent',
  settling: 'accent',
  completed: 'good',
  aborted: 'bad',
};

function headLines(report: RunReport, style: Style): readonly string[] {
  const why = report.abortReason === undefined ? RUN_STATE_WORDS[report.state] : ABORT_WORDS[report.abortReason];
  const mode = report.mode === 'dryRun' ? 'dry run, nothing is sent' : 'live';
  const facts = [
    `started ${at(report.createdAt)}`,
    report.finishedAt === undefined ? undefined : `finished ${at(report.finishedAt)}`,
    report.rotatingMs === undefined ? undefined : `sending took ${span(report.rotatingMs)}, canary wait included`,
    report.nextLookAt === undefined ? undefined : `next look ${at(report.nextLookAt)}`,
  ].filter((fact) => fact !== undefined);
  return [
    `${style.bold(`Run ${report.runId}`)}  ${style[PAINT[report.state]](report.state)}: ${why}`,
    style.dim(`${mode}; ${facts.join('; ')}`),
    ...report.unresolved.map((target) => style.warn(`Not found: ${target}`)),
  ];
}

/** `2026-11-22 20:15 UTC`. */
function at(iso: string): string {
  return `${moment(Date.parse(iso))} UTC`;
}

/** The states that occur, with what they mean; they add up to the devices. */
export function countLines(
  report: Pick<RunReport, 'counts' | 'devices'>,
  style: Style,
  columns: number,
): readonly string[] {
  const rows = STATES_IN_ORDER.filter((state) => (report.counts[state] ?? 0) > 0).map((state) => [
    state,
    number(report.counts[state] ?? 0),
    STATE_MEANING[state],
  ]);
  if (rows.length === 0) return ['No device is counted (yet).'];
  const titles = [{ title: 'State' }, { title: 'Devices', align: 'right' }, { title: 'Meaning', grows: true }] as const;
  return table(titles, [...rows, ['in all', number(report.devices), '']], style, columns);
}

/** Why devices were skipped, and what to do; nothing when none was. */
export function skippedLines(report: Pick<RunReport, 'skipped'>, style: Style, columns: number): readonly string[] {
  const reasons = SKIP_REASONS.filter((reason) => (report.skipped[reason] ?? 0) > 0);
  if (reasons.length === 0) return [];
  const sorted = reasons.toSorted((a, b) => (report.skipped[b] ?? 0) - (report.skipped[a] ?? 0));
  const rows = sorted.map((reason) => [
    reason,
    number(report.skipped[reason] ?? 0),
    SKIP_WORDS[reason].meaning,
    SKIP_WORDS[reason].remedy,
  ]);
  const titles = [
    { title: 'Skipped because' },
    { title: 'Devices', align: 'right' },
    { title: 'Meaning', grows: true },
    { title: 'What to do', grows: true },
  ] as const;
  return ['', ...table(titles, rows, style, columns)];
}

/** Runs, newest first. */
export function runTable(reports: readonly RunReport[], style: Style, columns: number): readonly string[] {
  if (reports.length === 0) return ['No run yet. `keyturn plan` shows what one would do; nothing is sent by it.'];
  const rows = reports.map((report) => {
    const { counts } = report;
    const settled = (counts.proven ?? 0) + (counts.failed ?? 0) + (counts.refused ?? 0) + (counts.overdue ?? 0);
    return [
      report.runId,
      report.state,
      report.mode === 'dryRun' ? 'dry' : 'live',
      number(report.devices),
      number(report.due),
      number(counts.proven ?? 0),
      report.mode === 'dryRun' ? '-' : `${number(settled)}/${number(report.due)}`,
      report.nextLookAt === undefined ? '-' : moment(Date.parse(report.nextLookAt)),
    ];
  });
  const titles = [
    { title: 'Run' },
    { title: 'State' },
    { title: 'Mode' },
    { title: 'Devices', align: 'right' },
    { title: 'Due', align: 'right' },
    { title: 'Proven', align: 'right' },
    { title: 'Settled', align: 'right' },
    { title: 'Next look (UTC)' },
  ] as const;
  return [
    ...table(titles, rows, style, columns),
    '',
    `${plural(reports.length, 'run')}; \`keyturn status RUN\` shows one in detail.`,
  ];
}
