/** A run for people: how it stands or ended, its counts and its reasons. Pure. Layer: cli. */
import type { RunReport } from '../../app/report-run.ts';
import { moment, number, span } from '../../domain/plain-figures.ts';
import { SKIP_REASONS } from '../../domain/rotation.ts';
import type { RunState } from '../../domain/run.ts';
import { SKIP_WORDS } from '../../domain/skip-words.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { visible } from './text.ts';
import { ABORT_WORDS, meaningOf, RUN_STATE_WORDS, STATES_IN_ORDER } from './words.ts';

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
    report.notBefore === undefined ? undefined : `not wanted before ${at(report.notBefore)}`,
    report.finishedAt === undefined ? undefined : `finished ${at(report.finishedAt)}`,
    report.rotatingMs === undefined
      ? undefined
      : `sending took ${span(report.rotatingMs)}${report.canaries === 0 ? '' : ', canary wait included'}`,
    report.nextLookAt === undefined ? undefined : `next look ${at(report.nextLookAt)}`,
  ].filter((fact) => fact !== undefined);
  return [
    `${style.bold(`Run ${report.runId}`)}  ${style[PAINT[report.state]](report.state)}: ${why}`,
    style.dim(`${mode}; ${facts.join('; ')}`),
    ...askedLines(report, style),
    ...evidenceLines(report, style),
    ...report.unresolved.map((target) => style.warn(`Not found: ${visible(target)}`)),
  ];
}

/** Only what is wrong with it: that a run has evidence goes without saying. */
function evidenceLines({ evidence, evidenceDue }: RunReport, style: Style): readonly string[] {
  if (evidenceDue !== true) return [];
  if (evidence !== undefined) {
    return [
      style.dim(`Evidence ${evidence.version} is not the last: a further one is due, and the next tick asks for it`),
    ];
  }
  return [
    style.bad('It has no evidence: other blobs in the container reports have the names for it. The log names them;'),
    style.bad('once they are out of the way, the next tick has it written.'),
  ];
}

/** Who asked, and why. */
function askedLines({ requestedBy, reason }: RunReport, style: Style): readonly string[] {
  if (requestedBy === undefined && reason === undefined) return [];
  const who = requestedBy === undefined ? 'Asked for' : `Asked for by ${requestedBy}`;
  return [style.dim(visible(reason === undefined ? who : `${who}: ${reason}`))];
}

/** `2026-11-22 20:15 UTC`. */
function at(iso: string): string {
  return `${moment(Date.parse(iso))} UTC`;
}

/** The states that occur, with what they mean; they add up to the devices. */
export function countLines(
  report: Pick<RunReport, 'counts' | 'devices' | 'mode'>,
  style: Style,
  columns: number,
): readonly string[] {
  const rows = STATES_IN_ORDER.filter((state) => (report.counts[state] ?? 0) > 0).map((state) => [
    state,
    number(report.counts[state] ?? 0),
    meaningOf(state, report.mode),
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
