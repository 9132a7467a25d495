/** A plan for people: who would be asked, who not and why. Pure. Layer: cli. */
import type { RunReport } from '../../app/report-run.ts';
import { countEligible } from '../../domain/eligibility.ts';
import { moment, number, plural, span } from '../../domain/plain-figures.ts';
import type { Rotation } from '../../domain/rotation.ts';
import { skippedLines } from './run-lines.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { nameCell, padStart, visible } from './text.ts';

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
  const eligible = countEligible(report.devices, report.skipped);
  const notDue = report.counts.notDue ?? 0;
  const heldBack = eligible - report.due - notDue;
  const count = (n: number): string => padStart(number(n), number(report.devices).length + 2);
  const part = (n: number): string => padStart(count(n), number(report.devices).length * 2 + 3);
  const order =
    report.canaries === 0
      ? 'oldest key first'
      : `${plural(report.canaries, 'canary', 'canaries')} first, then oldest key first`;
  return [
    `${style.bold(`Plan ${report.runId}`)}  ${style.good('nothing was sent')}`,
    '',
    `${count(report.devices)} ${report.devices === 1 ? 'device' : 'devices'}`,
    `${count(eligible)} can be asked, of which`,
    `${part(report.due)} due        ${report.due === 0 ? 'nobody would be asked' : `would be asked: ${order}${plan.leastMs === 0 ? '' : `; at least ${span(plan.leastMs)} of sending`}`}`,
    `${part(notDue)} not due    newest key young enough`,
    `${part(heldBack)} held back  ${heldBack === 0 ? '' : 'by their keys, an earlier request or the cap of a run; see below'}`.trimEnd(),
    `${count(report.devices - eligible)} cannot be asked${eligible === report.devices ? '' : ', for the reasons below'}`,
    ...report.unresolved.map((target) => style.warn(`Not found: ${visible(target)}`)),
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
    nameCell(rotation.deviceName),
    rotation.keyBeforeAtMs === undefined ? 'none in escrow' : moment(rotation.keyBeforeAtMs),
    rotation.keyBeforeAtMs === undefined
      ? ''
      : `${number(Math.floor((nowMs - rotation.keyBeforeAtMs) / 86_400_000))} d`,
    rotation.managedDeviceId,
    rotation.canary === true ? 'canary' : '',
  ]);
  const isDrawn = first.some(({ canary }) => canary === true);
  return [
    '',
    ...table(titles, rows, style, columns),
    ...(isDrawn ? [style.dim('Every run draws canaries of its own; the rest goes oldest key first.')] : []),
  ];
}
