/** A run's standing as bars, and as one plain line. Pure. Layer: cli. */
import type { RunReport } from '../../app/report-run.ts';
import { moment, number, percent, plural, span } from '../../domain/plain-figures.ts';
import type { RotationState } from '../../domain/rotation.ts';
import { isTerminal } from '../../domain/rotation.ts';
import type { StateCounts } from '../../domain/run.ts';
import type { Stage } from '../drive/stage.ts';
import type { RunStanding } from '../drive/watch-run.ts';
import type { ProgressView } from '../progress.ts';
import { type BarPart, bar, stackedBar } from './bar.ts';
import type { Style } from './style.ts';
import { padEnd } from './text.ts';

const STAGES: readonly { readonly stage: Stage; readonly title: string }[] = [
  { stage: 'planning', title: 'Planning' },
  { stage: 'canary', title: 'Canary' },
  { stage: 'rotating', title: 'Rotating' },
  { stage: 'settling', title: 'Settling' },
];
const TITLE_COLUMNS = 10;
const MOST_BAR = 40;

/** States of devices that were asked, in the order they are stacked. */
const ASKED: readonly { readonly state: RotationState; readonly paint: keyof Style }[] = [
  { state: 'proven', paint: 'good' },
  { state: 'confirmed', paint: 'accent' },
  { state: 'failed', paint: 'bad' },
  { state: 'refused', paint: 'bad' },
  { state: 'abandoned', paint: 'bad' },
  { state: 'overdue', paint: 'warn' },
  { state: 'requested', paint: 'dim' },
  { state: 'uncertain', paint: 'dim' },
];

/** The view of a standing. */
export function runProgress(standing: RunStanding): ProgressView {
  return {
    stage: standing.stage,
    draw: (style, columns) => drawRun(standing, style, columns),
    // Without the time left, which would make every line a new one.
    plain: `${titleOf(standing.stage)}: ${[plainDetail(standing), waitingOf(standing, instant)].filter((text) => text !== '').join('; ')}`,
  };
}

/** The stages with the current one's figures; a dry run only has the first. */
export function drawRun(standing: RunStanding, style: Style, columns: number): readonly string[] {
  const { report } = standing;
  const barColumns = Math.max(10, Math.min(MOST_BAR, columns - TITLE_COLUMNS - 36));
  const stages = report.mode === 'dryRun' ? STAGES.slice(0, 1) : STAGES;
  const at = stages.findIndex(({ stage }) => stage === standing.stage);
  const current = at < 0 ? stages.length : at;
  const lines = stages.map(({ stage, title }, i) => {
    const head = padEnd(title, TITLE_COLUMNS);
    if (i > current) return style.dim(`  ${head}${bar(0, barColumns)}`);
    const isDone = i < current;
    const mark = !isDone ? style.accent('›') : wasBroken(stage, standing) ? style.bad('✗') : style.good('✓');
    const detail = isDone ? doneDetail(stage, standing) : detailOf(standing);
    const drawn = barOf(stage, standing, style, barColumns, isDone);
    return `${mark} ${isDone ? head : style.bold(head)}${drawn} ${detail}`;
  });
  const more = [settledLine(standing), waitingOf(standing, instantAndLeft)].filter((line) => line !== '');
  return [...lines, ...more.map((line) => style.dim(`  ${line}`))];
}

/** The stage at which the run was aborted. */
function wasBroken(stage: Stage, { report }: RunStanding): boolean {
  if (report.abortReason === 'canaryFailed') return stage === 'canary' || stage === 'rotating';
  return report.abortReason === 'circuitBreaker' && stage === 'rotating';
}

/** All states, where the line of the stage has room for one figure. */
function settledLine({ stage, report }: RunStanding): string {
  const isShown = report.mode === 'live' && (stage === 'settling' || stage === 'finished');
  return isShown ? settledText(report.counts) : '';
}

function titleOf(stage: Stage): string {
  return STAGES.find((one) => one.stage === stage)?.title ?? 'Finished';
}

function barOf(stage: Stage, standing: RunStanding, style: Style, columns: number, isDone: boolean): string {
  const paint = isDone ? style.good : style.accent;
  switch (stage) {
    case 'planning':
      return paint(bar(isDone ? 1 : 0, columns));
    case 'canary':
      return paint(bar(isDone ? 1 : share(standing.report.counts.proven ?? 0, standing.canaries), columns));
    case 'rotating':
      return paint(bar(share(standing.asked, standing.report.due), columns));
    case 'settling':
    case 'finished':
      return stackedBar(settledParts(standing.report.counts, standing.report.due, style), columns);
  }
}

function settledParts(counts: StateCounts, due: number, style: Style): readonly BarPart[] {
  // What still has looks to come is the empty part.
  return ASKED.filter(({ state }) => isTerminal(state)).map(({ state, paint }) => ({
    share: share(counts[state] ?? 0, due),
    paint: style[paint],
  }));
}

function share(part: number, whole: number): number {
  return whole <= 0 ? 1 : part / whole;
}

function doneDetail(stage: Stage, { report, asked, canaries }: RunStanding): string {
  switch (stage) {
    case 'planning':
      return `${plural(report.devices, 'device')}, ${number(report.due)} due`;
    case 'canary':
      if (canaries === 0) return 'none needed';
      return `${report.abortReason === 'canaryFailed' ? 'too few' : 'enough'} of ${plural(canaries, 'canary', 'canaries')} proven`;
    case 'rotating':
      return `${number(asked)} of ${number(report.due)} dealt with`;
    case 'settling':
    case 'finished':
      return provenText(report);
  }
}

function provenText({ counts, due }: RunReport): string {
  return `${number(counts.proven ?? 0)} of ${number(due)} proven`;
}

function detailOf({ report, asked, canaries, read, ...standing }: RunStanding): string {
  switch (standing.stage) {
    case 'planning':
      return read === undefined
        ? 'reading devices and keys'
        : `${plural(read.devices, 'device')} and ${plural(read.keys, 'key')} read`;
    case 'canary':
      return asked < canaries
        ? `${number(asked)} of ${plural(canaries, 'canary', 'canaries')} sent`
        : `${number(report.counts.proven ?? 0)} of ${plural(canaries, 'canary', 'canaries')} proven`;
    case 'rotating':
      return `${number(asked)} of ${number(report.due)} sent${rateOf(standing)}`;
    case 'settling':
    case 'finished':
      return provenText(report);
  }
}

/** As one line: where the drawn form has a line below. */
function plainDetail(standing: RunStanding): string {
  const { stage, report } = standing;
  if (stage === 'finished' && report.mode === 'dryRun')
    return `${number(report.due)} of ${plural(report.devices, 'device')} due`;
  return settledLine(standing) || detailOf(standing);
}

/** The rate and what it takes of the quota. */
function rateOf({ perSecond, quotaShare }: Pick<RunStanding, 'perSecond' | 'quotaShare'>): string {
  if (perSecond === undefined) return '';
  const rate = perSecond >= 10 ? number(Math.round(perSecond)) : perSecond.toFixed(1);
  return `, ${rate}/s${quotaShare === undefined ? '' : `, ${percent(quotaShare)} of the quota`}`;
}

function settledText(counts: StateCounts): string {
  const parts = ASKED.flatMap(({ state }) =>
    (counts[state] ?? 0) > 0 ? [`${number(counts[state] ?? 0)} ${state}`] : [],
  );
  return parts.length === 0 ? 'nothing asked' : parts.join(', ');
}

type When = (atMs: number, nowMs: number) => string;

function waitingOf({ waiting, nowMs, report, stage }: RunStanding, when: When): string {
  if (waiting !== undefined) return `${waiting.because}, until ${when(waiting.untilMs, nowMs)}`;
  if (stage === 'settling' && report.nextLookAt !== undefined)
    return `next look at ${when(Date.parse(report.nextLookAt), nowMs)}`;
  return '';
}

/** To the second today, else with its date. */
function instant(atMs: number, nowMs: number): string {
  const [today, then] = [moment(nowMs).slice(0, 10), moment(atMs)];
  return `${then.startsWith(today) ? new Date(atMs).toISOString().slice(11, 19) : then} UTC`;
}

function instantAndLeft(atMs: number, nowMs: number): string {
  return `${instant(atMs, nowMs)}, ${atMs <= nowMs ? 'now' : `in ${span(atMs - nowMs)}`}`;
}
