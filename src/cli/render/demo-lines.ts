/** The demo's progress and summary for people. Pure. Layer: cli. */
import type { RunReport } from '../../app/report-run.ts';
import { number, plural, span } from '../../domain/plain-figures.ts';
import type { DemoResult } from '../demo/demo-result.ts';
import type { RunStanding } from '../drive/watch-run.ts';
import type { ProgressView } from '../progress.ts';
import { countLines, skippedLines } from './run-lines.ts';
import { runProgress } from './run-progress.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

const HOUR_MS = 3_600_000;

/** The run's bars under a line that tells the tenant's time. */
export function demoProgress(facts: {
  readonly standing: RunStanding;
  readonly speed: number;
  readonly elapsedMs: number;
}): ProgressView {
  const { standing, speed, elapsedMs } = facts;
  const view = runProgress(standing);
  const time = `${span(elapsedMs)} here, ${span(elapsedMs * speed)} in the tenant`;
  return {
    stage: view.stage,
    draw: (style, columns) => [style.dim(`  ${time}`), ...view.draw(style, columns)],
    plain: `[${span(elapsedMs)}] ${view.plain}`,
  };
}

export interface DemoSummary {
  readonly result: DemoResult;
  readonly report: RunReport;
  readonly speed: number;
  readonly tookMs: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Devices that Graph does not list, since they are not Windows devices. */
  readonly notListed: number;
  readonly logFile?: string;
  /** The run's report, as the functions wrote it. */
  readonly reportFile?: string;
}

/** Said before anything starts. */
export function demoOpening(options: {
  readonly devices: number;
  readonly seed: number;
  readonly speed: number;
}): readonly string[] {
  return [
    `Keyturn demo: ${plural(options.devices, 'simulated device')} (seed ${options.seed}); nothing leaves this machine.`,
    `Real functions, real storage API (Azurite), simulated tenant. Time is compressed ${number(options.speed)} times: an hour takes ${span(HOUR_MS / options.speed)}.`,
  ];
}

export function demoLines(summary: DemoSummary, style: Style, columns: number): readonly string[] {
  const { result, report } = summary;
  return [
    '',
    verdict(result, style),
    ...result.problems.map((problem) => style.bad(`  - ${problem}`)),
    '',
    ...countLines(report, style, columns),
    ...(summary.notListed === 0
      ? []
      : [style.dim(`(${plural(summary.notListed, 'more is', 'more are')} not Windows, and not listed)`)]),
    ...notProvenLines(result, style, columns),
    ...skippedLines(report, style, columns),
    '',
    ...comparison(result, style),
    '',
    ...timing(summary, style),
    ...(summary.reportFile === undefined ? [] : [`The run's report: ${summary.reportFile}`]),
    '',
    'Next: `npx keyturn plan` shows what a run would do in your own tenant, and sends nothing (the README says which settings it needs).',
    '      `npx keyturn simulate` offers this tenant to try `plan`, `run` and `status` on.',
  ];
}

function verdict(result: DemoResult, style: Style): string {
  return result.agrees
    ? style.bold(
        style.good(
          `${number(result.proven)} rotations proven, and the simulated devices agree with every one of them.`,
        ),
      )
    : style.bold(style.bad('The run and the simulated devices do not agree:'));
}

function notProvenLines({ notProven }: DemoResult, style: Style, columns: number): readonly string[] {
  if (notProven.length === 0) return [];
  const rows = notProven.map(({ reported, devices, truth, names }) => [
    reported,
    number(devices),
    truth,
    `${names.join(', ')}${devices > names.length ? ' …' : ''}`,
  ]);
  const titles = [
    { title: 'Not proven' },
    { title: 'Devices', align: 'right' },
    { title: 'What the device really did', grows: true },
    { title: 'Such as', grows: true },
  ] as const;
  return ['', ...table(titles, rows, style, columns)];
}

function comparison(result: DemoResult, style: Style): readonly string[] {
  const { proven, rotatedByDevices, throttled, violations } = result;
  const mark = (holds: boolean): string => (holds ? style.good('✓') : style.bad('✗'));
  return [
    `${mark(proven === rotatedByDevices)} proven ${number(proven)} ${proven === rotatedByDevices ? '=' : '≠'} rotated by the simulated devices ${number(rotatedByDevices)}`,
    `${mark(violations === 0)} rules of Graph broken: ${number(violations)}`,
    `${mark(throttled === 0)} requests throttled (429): ${number(throttled)}`,
  ];
}

function timing(summary: DemoSummary, style: Style): readonly string[] {
  const { result, report, speed, tookMs, settings } = summary;
  const sending =
    report.rotatingMs === undefined
      ? ''
      : ` (${report.canaries === 0 ? '' : 'canary wait and '}sending ${span(report.rotatingMs)})`;
  return [
    `Took ${span(tookMs)}${sending}, ${span(tookMs * speed)} of the tenant's time; ${number(result.httpRequests)} HTTP requests for ${number(result.requestsAccepted)} accepted rotation requests.`,
    'Time is compressed, and the canary eased for a fleet with so many broken devices, by settings alone; the code is what Azure runs:',
    ...Object.entries(settings).map(([name, value]) => style.dim(`  ${name}=${value}`)),
    ...(summary.logFile === undefined ? [] : [`The functions' log: ${summary.logFile}`]),
  ];
}
