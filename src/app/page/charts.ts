/**
 * The charts, as plain SVG. Positions along the page are percentages and heights are pixels, so that a chart fits a phone and a screen
 * with letters of the same size. Layer: app.
 */
import { number } from '../../domain/plain-figures.ts';
import { type Html, html, NOTHING } from './html.ts';

/** From the axis to the top of the highest column, and below the axis. */
const [PLOT, BELOW] = [124, 30];
/** Above the columns: room for the words of breaks, and, where there are marks, for those and their numbers. */
const [ABOVE, ABOVE_WITH_MARKS] = [16, 46];
/** Numbers closer than this, in percent of the width, would run into each other on a phone. */
const LEAST_APART = 8;
/** On a phone a label further to the right, in percent of the width, would run into that of the end. */
const LAST_EDGE = 80;

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
  /** A line across, in steps: a value for each column. */
  readonly limit?: { readonly values: readonly number[]; readonly label: string };
  /** Shaded, with a strip below the axis; measured in columns from the left. */
  readonly bands?: readonly { readonly fromBar: number; readonly toBar: number }[];
  /** Rings above the column of that number. */
  readonly marks?: readonly { readonly column: number; readonly label: string }[];
  /** Dashed lines down, in front of the column of that number. */
  readonly breaks?: readonly { readonly before: number; readonly label: string }[];
}

/** Columns side by side, with title and description for those who do not see them; a table of the figures belongs below it. */
export function columnChart(chart: ColumnChart): Html {
  const { id, columns, top, marks = [] } = chart;
  const step = 100 / Math.max(1, columns.length);
  const above = marks.length === 0 ? ABOVE : ABOVE_WITH_MARKS;
  const base = above + PLOT;
  const y = (value: number) => base - (top === 0 ? 0 : Math.min(1, value / top) * PLOT);
  const gap = columns.length > 20 ? 0.12 : 0.06;
  const drawn = columns.map(({ value }, i) => {
    if (value === 0) return NOTHING;
    const at = Math.min(y(value), base - 1);
    return html`<rect class="fill" x="${round((i + gap / 2) * step)}%" y="${round(at)}" width="${round((1 - gap) * step)}%" height="${round(base - at)}"/>`;
  });
  const values = columns.map(({ value }, i) =>
    chart.showsValues !== true || value === 0
      ? NOTHING
      : html`<text class="value" x="${round((i + 0.5) * step)}%" y="${round(y(value) - 4)}" text-anchor="middle">${number(value)}</text>`,
  );
  const edges = columns.map(({ edge }, i) =>
    edge === undefined
      ? NOTHING
      : html`<text${i > 0 && i * step > LAST_EDGE ? html` class="crowded"` : NOTHING} x="${round(i * step)}%" y="${base + 18}" text-anchor="${i === 0 ? 'start' : 'middle'}">${edge}</text>`,
  );
  const breaks = (chart.breaks ?? []).map(
    ({ before, label }) =>
      html`<line class="break" x1="${round(before * step)}%" x2="${round(before * step)}%" y1="${ABOVE}" y2="${base}"/><text x="${round(before * step)}%" y="${ABOVE - 4}" text-anchor="${anchor(before * step)}">${label}</text>`,
  );
  const bands = (chart.bands ?? []).map(({ fromBar, toBar }) => {
    const [x, width] = [round(fromBar * step), round(Math.max((toBar - fromBar) * step, 0.3))];
    return html`<rect class="band" x="${x}%" y="${above}" width="${width}%" height="${PLOT}"/><rect class="strip" x="${x}%" y="${base + 1}" width="${width}%" height="4"/>`;
  });
  const { limit } = chart;
  const line =
    limit === undefined
      ? NOTHING
      : html`${steps(limit.values, step, y)}${limitLabel(limit, step, y(Math.max(...limit.values, ...columns.map(({ value }) => value))) - 4)}`;
  const rings = drawMarks(marks, step, above - 12);
  return html`<svg class="chart" width="100%" height="${base + BELOW}" role="img" aria-labelledby="${id}-title ${id}-description"><title id="${id}-title">${chart.title}</title><desc id="${id}-description">${chart.description}</desc>${bands}${drawn}<line class="axis" x1="0" x2="100%" y1="${base}" y2="${base}"/>${line}${breaks}${rings}${values}${edges}<text x="100%" y="${base + 18}" text-anchor="end">${chart.end}</text></svg>`;
}

/** Above the line, where it is highest; `atY`: clear of all columns. */
function limitLabel({ values, label }: NonNullable<ColumnChart['limit']>, step: number, atY: number): Html {
  const highest = Math.max(...values);
  const at = values.lastIndexOf(highest) + 1 === values.length ? 100 : values.indexOf(highest) * step;
  return html`<text class="value" x="${round(at)}%" y="${round(atY)}" text-anchor="${anchor(at)}">${label}</text>`;
}

/** Level over columns of the same value, with a riser between those of different ones. */
function steps(values: readonly number[], step: number, y: (value: number) => number): readonly Html[] {
  const lines: Html[] = [];
  let from = 0;
  for (let i = 1; i <= values.length; i++) {
    const [value = 0, next] = [values[i - 1], values[i]];
    if (value === next) continue;
    lines.push(
      html`<line class="limit" x1="${round(from * step)}%" x2="${round(i * step)}%" y1="${round(y(value))}" y2="${round(y(value))}"/>`,
    );
    if (next !== undefined)
      lines.push(
        html`<line class="limit" x1="${round(i * step)}%" x2="${round(i * step)}%" y1="${round(y(value))}" y2="${round(y(next))}"/>`,
      );
    from = i;
  }
  return lines;
}

/** All rings, and as many of their numbers as there is room for. */
function drawMarks(marks: NonNullable<ColumnChart['marks']>, step: number, y: number): readonly Html[] {
  let labelledAt = Number.NEGATIVE_INFINITY;
  return marks.map(({ column, label }) => {
    const at = (column + 0.5) * step;
    const ring = html`<circle class="mark" cx="${round(at)}%" cy="${y}" r="4"/>`;
    if (at - labelledAt < LEAST_APART) return ring;
    labelledAt = at;
    return html`${ring}<text class="value" x="${round(at)}%" y="${y - 8}" text-anchor="middle">${label}</text>`;
  });
}

/** What the signs of a chart mean. `sign`: as in the chart. */
export function legend(
  entries: readonly { readonly sign: 'fill' | 'limit' | 'band' | 'mark'; readonly words: string }[],
): Html {
  const signs = {
    fill: html`<rect class="fill" x="3" width="12" height="14"/>`,
    limit: html`<line class="limit" x1="0" x2="18" y1="7" y2="7"/>`,
    band: html`<rect class="band" width="18" height="10"/><rect class="strip" y="10" width="18" height="4"/>`,
    mark: html`<circle class="mark" cx="9" cy="7" r="4"/>`,
  };
  return html`<ul class="legend">${entries.map(({ sign, words }) => html`<li><svg width="18" height="14" aria-hidden="true" focusable="false">${signs[sign]}</svg>${words}</li>`)}</ul>`;
}

function anchor(percentage: number): string {
  if (percentage < 10) return 'start';
  return percentage > 90 ? 'end' : 'middle';
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
