/**
 * The charts, as plain SVG. Positions along the page are percentages and heights are pixels, so that a chart fits a phone and a screen
 * with letters of the same size. Layer: app.
 */
import { type Html, html, NOTHING } from './html.ts';

const HEIGHT = 170;
const BASE = 140;
const TOP = 16;

/** A bar that fills its table cell; the number beside it says the same, so that it is hidden from screen readers. */
export function bar(share: number, kind: string): Html {
  const width = share <= 0 ? 0 : Math.max(0.6, Math.min(100, share * 100));
  return html`<svg class="bar" width="100%" height="14" aria-hidden="true" focusable="false"><rect class="track" width="100%" height="14" rx="3"/><rect class="${kind}" width="${round(width)}%" height="14" rx="3"/></svg>`;
}

export interface Column {
  readonly value: number;
  /** At its left edge, below the line. */
  readonly edge?: string;
}

export interface ColumnChart {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly columns: readonly Column[];
  /** At the right end, below the line. */
  readonly end: string;
  /** The highest value that is drawn to the top. */
  readonly top: number;
  readonly showsValues?: boolean;
  /** A dashed line across. */
  readonly limit?: { readonly value: number; readonly label: string };
  /** Dashed lines down, in front of the column of that number. */
  readonly breaks?: readonly { readonly before: number; readonly label: string }[];
}

/** Columns side by side, with title and description for those who do not see them; a table of the figures belongs below it. */
export function columnChart(chart: ColumnChart): Html {
  const { id, columns, top } = chart;
  const step = 100 / Math.max(1, columns.length);
  const y = (value: number) => BASE - (top === 0 ? 0 : Math.min(1, value / top) * (BASE - TOP));
  const gap = columns.length > 20 ? 0.12 : 0.06;
  const drawn = columns.map(({ value }, i) => {
    if (value === 0) return NOTHING;
    const at = Math.min(y(value), BASE - 1);
    return html`<rect class="fill" x="${round((i + gap / 2) * step)}%" y="${round(at)}" width="${round((1 - gap) * step)}%" height="${round(BASE - at)}"/>`;
  });
  const values = columns.map(({ value }, i) =>
    chart.showsValues !== true || value === 0
      ? NOTHING
      : html`<text class="value" x="${round((i + 0.5) * step)}%" y="${round(y(value) - 4)}" text-anchor="middle">${value.toLocaleString('en-US')}</text>`,
  );
  const edges = columns.map(({ edge }, i) =>
    edge === undefined
      ? NOTHING
      : html`<text x="${round(i * step)}%" y="${BASE + 18}" text-anchor="${i === 0 ? 'start' : 'middle'}">${edge}</text>`,
  );
  const breaks = (chart.breaks ?? []).map(
    ({ before, label }) =>
      html`<line class="break" x1="${round(before * step)}%" x2="${round(before * step)}%" y1="${TOP}" y2="${BASE}"/><text x="${round(before * step)}%" y="${TOP - 4}" text-anchor="${anchor(before * step)}">${label}</text>`,
  );
  const { limit } = chart;
  const line =
    limit === undefined || limit.value > top
      ? NOTHING
      : html`<line class="limit" x1="0" x2="100%" y1="${round(y(limit.value))}" y2="${round(y(limit.value))}"/><text class="limit-label" x="100%" y="${round(y(limit.value) - 4)}" text-anchor="end">${limit.label}</text>`;
  return html`<svg class="chart" width="100%" height="${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-description"><title id="${id}-title">${chart.title}</title><desc id="${id}-description">${chart.description}</desc>${drawn}<line class="axis" x1="0" x2="100%" y1="${BASE}" y2="${BASE}"/>${line}${breaks}${values}${edges}<text x="100%" y="${BASE + 18}" text-anchor="end">${chart.end}</text></svg>`;
}

function anchor(percentage: number): string {
  if (percentage < 10) return 'start';
  return percentage > 90 ? 'end' : 'middle';
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
