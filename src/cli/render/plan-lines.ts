/** A plan for people: who would be asked, who not and why. Pure. Layer: cli. */
import type { RunReport } from '../../app/report-run.ts';
import type { Rotation } from '../../domain/rotation.ts';
import { skippedLines } from './run-lines.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { moment, number, padStart, plural, span } from './text.ts';

/** What a run would do. */
export interface PlanResult {
  readonly report: RunReport;
  /** In the order they would be asked. */
  readonly first: readonly Rotation[];
  /** The least that sending takes under the write budget, ms. */
  readonly leastMs: number;
  readonly nowMs: number;
}

export function planLines(plan: PlanResult, style: Style, columns: number): readonly string[] {
  const { report } = plan;
  const skipped = Object.values(report.skipped).reduce((sum, n) => sum + n, 0);
  const count = (n: number): string => padStart(number(n), number(report.devices).length + 2);
  const order =
    report.canaries === 0
      ? 'oldest key first'
      : `${plural(report.canaries, 'canary', 'canaries')} first, then oldest key first`;
  return [
    `${style.bold(`Plan ${report.runId}`)}  ${style.good('nothing was sent')}`,
    '',
    `${count(report.devices)} ${report.devices === 1 ? 'device' : 'devices'}`,
    `${count(report.due)} due      ${report.due === 0 ? 'nobody would be asked' : `would be asked: ${order}; at least ${span(plan.leastMs)} of sending`}`,
    `${count(report.counts.notDue ?? 0)} not due  newest key young enough`,
    `${count(skipped)} skipped  ${skipped === 0 ? '' : 'would not be asked, for the reasons below'}`.trimEnd(),
    ...report.unresolved.map((target) => style.warn(`Not found: ${target}`)),
    ...firstLines(plan, style, columns),
    ...skippedLines(report, style, columns),
  ];
}

function firstLines({ first, nowMs }: PlanResult, style: Style, columns: number): readonly string[] {
  if (first.length === 0) return [];
  const titles = [
    { title: 'First to go', align: 'right' },
    { title: 'Device' },
    { title: 'Newest key (UTC)' },
    { title: 'Age', align: 'right' },
    { title: 'Managed device id' },
    { title: '' },
  ] as const;
  const rows = first.map((rotation) => [
    number(rotation.order + 1),
    rotation.deviceName,
    rotation.keyBeforeAtMs === undefined ? 'none in escrow' : moment(rotation.keyBeforeAtMs),
    rotation.keyBeforeAtMs === undefined
      ? ''
      : `${number(Math.floor((nowMs - rotation.keyBeforeAtMs) / 86_400_000))} d`,
    rotation.managedDeviceId,
    rotation.canary === true ? 'canary' : '',
  ]);
  return ['', ...table(titles, rows, style, columns)];
}
