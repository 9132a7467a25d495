/** Where runs stand for people: progress, what each waits for, and when it ends. Pure. Layer: cli. */
import type { DeviceHistory, PastRotation } from '../../app/device-history.ts';
import type { OutlookReport } from '../../app/report-outlook.ts';
import type { RunReport } from '../../app/report-run.ts';
import { hresult, moment, number, percent, plural, span } from '../../domain/plain-figures.ts';
import { hasEnded, type Run } from '../../domain/run.ts';
import type { RotationMode } from '../../domain/settings.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { carriersOf } from './words.ts';

/** A run, and what is to come of it. */
export interface RunStatus extends RunReport {
  readonly outlook: OutlookReport;
}

/** What a run waits for, in words; `nowMs` tells how long. */
export function waitingWords({ waitingFor: { kind, until } }: OutlookReport, nowMs: number): string {
  const when = until === undefined ? '' : `${moment(Date.parse(until))} UTC${inWords(Date.parse(until) - nowMs)}`;
  switch (kind) {
    case 'nothing':
      return '-';
    case 'plan':
      return 'its plan: reading devices and keys';
    case 'mode':
      return 'somebody who may send: `run --live`, or an app in ROTATION_MODE live';
    case 'owner':
      return 'whoever carries it on next';
    case 'notBefore':
      return `its time, ${when}`;
    case 'quota':
      return `the quota: the last request leaves ${when}`;
    case 'canary':
      return `proof of the canaries, until ${when}`;
    case 'look':
      return `its next look, ${when}`;
  }
}

function inWords(ms: number): string {
  return ms <= 0 ? ', now' : `, in ${span(ms)}`;
}

/** Under the heading of one run. `here`: the mode of this shell, which need not be that of who carries it on. */
export function outlookLines(
  { outlook, due, mode }: RunStatus,
  run: Pick<Run, 'state' | 'mode' | 'targets' | 'trigger'>,
  here: RotationMode,
  nowMs: number,
  style: Style,
): readonly string[] {
  const { settled, toAsk, endsBy, waitingFor } = outlook;
  if (waitingFor.kind === 'nothing') return [];
  const asking = toAsk === 0 ? '' : `, ${number(toAsk)} to be asked`;
  return [
    ...(mode === 'dryRun' || due === 0 ? [] : [`Progress: ${progressWords(settled, due)} settled${asking}`]),
    `Waiting for ${waitingWords(outlook, nowMs)}`,
    ...carriedOnLines(outlook, run, here),
    ...(endsBy === undefined
      ? []
      : [
          style.dim(
            `Expected end: ${moment(Date.parse(endsBy))} UTC, by the quota and the looks to come; sooner when devices settle sooner, later when Graph throttles`,
          ),
        ]),
  ];
}

/** Nothing while somebody is seen at work on it. Between two steps nobody is, though the command that began it may be waiting. */
function carriedOnLines(
  { waitingFor, needsLive }: OutlookReport,
  run: Pick<Run, 'state' | 'mode' | 'targets' | 'trigger'>,
  here: RotationMode,
): readonly string[] {
  if (waitingFor.kind === 'plan' || waitingFor.kind === 'quota') return [];
  const isByCommand = run.targets !== undefined && run.trigger === 'commandLine' && run.state !== 'settling';
  const who = `${isByCommand ? 'the command that began it, or ' : ''}${carriersOf(run)}`;
  return [`Carried on by ${who}, whichever is running${needsLive ? `; ROTATION_MODE of this shell is ${here}` : ''}`];
}

function progressWords(settled: number, due: number): string {
  return `${number(settled)} of ${number(due)} (${percent(due === 0 ? 1 : settled / due)})`;
}

/** Runs as they are to be listed. */
export interface RunList {
  /** All that have not finished, then finished ones. */
  readonly runs: readonly RunStatus[];
  /** Finished ones that are not among them. */
  readonly leftOut: number;
}

/** A line for each run, and how many there are. */
export function statusTable(
  { runs, leftOut }: RunList,
  nowMs: number,
  style: Style,
  columns: number,
): readonly string[] {
  if (runs.length === 0) return ['No run yet. `npx keyturn plan` shows what one would do; nothing is sent by it.'];
  const rows = runs.map((run) => [
    run.runId,
    run.state,
    run.mode === 'dryRun' ? 'dry' : 'live',
    number(run.devices),
    number(run.due),
    number(run.counts.proven ?? 0),
    run.mode === 'dryRun' ? '-' : `${number(run.outlook.settled)}/${number(run.due)}`,
    run.outlook.endsBy === undefined ? '-' : moment(Date.parse(run.outlook.endsBy)),
    waitingWords(run.outlook, nowMs),
  ]);
  const titles = [
    { title: 'Run' },
    { title: 'State' },
    { title: 'Mode' },
    { title: 'Devices', align: 'right' },
    { title: 'Due', align: 'right' },
    { title: 'Proven', align: 'right' },
    { title: 'Settled', align: 'right' },
    { title: 'Ends by (UTC)' },
    { title: 'Waiting for', grows: true },
  ] as const;
  return [...table(titles, rows, style, columns), '', ...listedLines(runs, leftOut)];
}

function listedLines(runs: readonly RunStatus[], leftOut: number): readonly string[] {
  const inDetail = '`npx keyturn status RUN` shows one in detail.';
  if (leftOut === 0) return [`${plural(runs.length, 'run')}; ${inDetail}`];
  const finished = runs.filter(hasEnded).length;
  const open = runs.length - finished;
  const latest = `the latest ${number(finished)} of ${plural(finished + leftOut, 'finished run')}`;
  return [
    open === 0 ? `No unfinished run; ${latest}.` : `${plural(open, 'unfinished run')}, and ${latest}.`,
    `\`npx keyturn status --last ${finished + leftOut}\` lists all; ${inDetail}`,
  ];
}

/** What became of one device in run after run. */
export function historyLines(
  { rotations, runsSearched }: Pick<DeviceHistory, 'rotations' | 'runsSearched'>,
  style: Style,
  columns: number,
): readonly string[] {
  const searched = `in ${plural(runsSearched, 'run')}`;
  if (rotations.length === 0) return ['', style.dim(`No rotation of it ${searched}.`)];
  const titles = [
    { title: 'History: run' },
    { title: 'Started (UTC)' },
    { title: 'Mode' },
    { title: 'State' },
    { title: 'Newest key before (UTC)' },
    { title: 'after (UTC)' },
    { title: '', grows: true },
  ] as const;
  const rows = rotations.map((past) => [
    past.runId,
    moment(Date.parse(past.createdAt)),
    past.mode === 'dryRun' ? 'dry' : 'live',
    past.rotation.state,
    past.rotation.keyBeforeAtMs === undefined ? 'none' : moment(past.rotation.keyBeforeAtMs),
    past.rotation.keyAfterAtMs === undefined ? '-' : moment(past.rotation.keyAfterAtMs),
    remark(past),
  ]);
  return ['', ...table(titles, rows, style, columns), '', style.dim(`Searched ${searched}.`)];
}

function remark({ rotation, trigger }: PastRotation): string {
  const { skipReason, errorCode, late, canary, unconfirmed } = rotation;
  const parts = [
    trigger === 'onDemand' ? 'on demand' : undefined,
    canary === true ? 'canary' : undefined,
    skipReason,
    errorCode === undefined || errorCode === 0 ? undefined : `error ${hresult(errorCode)}`,
    unconfirmed === true ? 'unconfirmed' : undefined,
    late === undefined ? undefined : `later ${late.state}, ${moment(late.atMs)}`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}
