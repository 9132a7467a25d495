/** Quota used against quota allowed over time, with 429s and pauses. Layer: app. */
import { number, percent, plural, span } from '../../../domain/plain-figures.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import type { RateThrottling, RequestRate } from '../../../domain/report/request-rate.ts';
import { sendingBudget } from '../../../domain/run-throttling.ts';
import { columnChart, legend } from '../../page/charts.ts';
import { type Html, html, NOTHING } from '../../page/html.ts';
import { clockTime } from '../../page/instants.ts';

/** Below this share of the allowed rate its line would leave the columns flat: it is told in words instead. */
const WORTH_DRAWING = 0.25;
/** Most breaks that are named. Chosen: the canary's wait, and what an outage leaves. */
const BREAKS_TOLD = 12;
/** Most breaks that are labelled in the chart. */
const BREAKS_LABELLED = 4;

export function quotaSection({ rate, run }: ReportModel): Html {
  const { limit, windowMs } = sendingBudget(run.settings.budgets);
  const heading = html`<h2 id="quota">Quota used, against quota allowed</h2>`;
  const allowed = `${number(limit)} rotation requests in ${span(windowMs)}`;
  if (rate === undefined) {
    return html`<section aria-labelledby="quota">${heading}<p>Nothing was sent. Allowed: ${allowed}.</p></section>`;
  }
  const { requests, breaks, utilisation, throttling } = rate;
  const sums = `${plural(requests, 'request')} answered; allowed are ${allowed}; ${percent(utilisation, 1)} of that was used while sending.`;
  const throttled = throttledWords(throttling);
  return html`<section aria-labelledby="quota">${heading}<p>${sums} ${throttled}</p>
<figure>${rateChart(rate, `${sums} ${throttled}`)}${legend(signsOf(rate))}</figure>
<p class="note">${limitWords(rate)} ${breaks.length === 0 ? 'Sending never stopped for long.' : breakWords(rate)} ${countingWords(throttling)} The evidence has the last request to each device, and when it was answered, to the second: a column may show a few requests more than left in its time.</p>
${figuresTable(rate)}</section>`;
}

/** One or two sentences. */
function throttledWords(throttling: RateThrottling | undefined): string {
  if (throttling === undefined) return '429s and pauses were not recorded by the version of Keyturn that sent them.';
  const { throttled, pauses, pausedMs, lowestShare } = throttling;
  if (pauses === 0) return 'Graph throttled nothing: no 429 came, and nothing paused.';
  const lowered =
    lowestShare < 1
      ? `the allowed rate was lowered, to ${percent(lowestShare)} at the lowest`
      : 'the allowed rate was not lowered';
  return `Graph answered ${plural(throttled, 'time')} with 429, which made ${plural(pauses, 'pause')}, ${span(pausedMs)} in all; ${lowered}.`;
}

/** What the figures of 429s count, where there are any. */
function countingWords(throttling: RateThrottling | undefined): string {
  if (throttling === undefined || throttling.pauses === 0) return '';
  const { othersPauses, earlier } = throttling;
  return [
    'All runs of an app share its budgets, so the 429s and pauses are those of the app, from the first request of this run to its last.',
    othersPauses === 0
      ? ''
      : `${plural(othersPauses, 'pause')} came with other requests about managed devices: a rotation request waits for GRAPH_ANY_BUDGET too.`,
    earlier === undefined
      ? ''
      : `Of the first ${plural(earlier.pauses, 'pause')}, with ${plural(earlier.throttled, '429')}, only the numbers were kept: they are not drawn.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** The line of what is allowed is worth its room when columns come near it, or when it moves. */
function isLimitDrawn({ bars, allowedPerBar, throttling }: RequestRate): boolean {
  const peak = Math.max(...bars.map(({ requests }) => requests));
  return peak >= allowedPerBar * WORTH_DRAWING || (throttling !== undefined && throttling.lowestShare < 1);
}

/** Where the line is missing. */
function limitWords(rate: RequestRate): string {
  const { allowedPerBar, barMs } = rate;
  if (isLimitDrawn(rate)) return '';
  return `Allowed were ${number(Math.floor(allowedPerBar))} in each ${span(barMs)}: a line too far above the columns to be drawn.`;
}

function signsOf(rate: RequestRate): Parameters<typeof legend>[0] {
  const { throttling } = rate;
  return [
    { sign: 'fill', words: 'requests answered' },
    ...(isLimitDrawn(rate) ? [{ sign: 'limit', words: 'allowed' } as const] : []),
    ...(throttling === undefined || throttling.pauses === 0
      ? []
      : [
          { sign: 'band', words: 'paused' } as const,
          { sign: 'mark', words: '429s, by the beginning of their pause' } as const,
        ]),
  ];
}

function rateChart(rate: RequestRate, sums: string): Html {
  const { bars, breaks, allowedPerBar, barMs, throttling } = rate;
  const peak = Math.max(...bars.map(({ requests }) => requests));
  const isDrawn = isLimitDrawn(rate);
  const [first, last] = [bars[0], bars.at(-1)];
  return columnChart({
    id: 'rate',
    title: `Requests answered in each ${span(barMs)}`,
    description: `${sums} At most ${plural(peak, 'request')} in ${span(barMs)}. The table below has all figures.`,
    columns: bars.map(({ requests }, i) => ({
      value: requests,
      ...(i === 0 && first !== undefined ? { edge: clockTime(first.fromMs).slice(5) } : {}),
    })),
    end: last === undefined ? '' : clockTime(last.fromMs + barMs).slice(5),
    top: isDrawn ? Math.max(peak, allowedPerBar) * 1.12 : peak * 1.15,
    ...(isDrawn
      ? {
          limit: {
            values: bars.map(({ allowed }) => allowed),
            label: `allowed: ${number(Math.floor(Math.max(...bars.map(({ allowed }) => allowed))))}`,
          },
        }
      : {}),
    bands: throttling?.bands ?? [],
    marks: bars.flatMap(({ throttled }, column) => (throttled === 0 ? [] : [{ column, label: number(throttled) }])),
    breaks: breaks.map(({ afterBars, fromMs, untilMs, isPause }) => ({
      before: afterBars,
      label: breaks.length > BREAKS_LABELLED ? '' : `${span(untilMs - fromMs)}${isPause ? ' paused' : ''}`,
    })),
  });
}

function breakWords({ breaks }: RequestRate): string {
  const told = breaks
    .slice(0, BREAKS_TOLD)
    .map(
      ({ fromMs, untilMs, isPause }) =>
        `${span(untilMs - fromMs)} from ${clockTime(fromMs)}${isPause ? ' (Graph had asked for it)' : ''}`,
    );
  const more = breaks.length - told.length;
  const list = `${told.join(', ')}${more === 0 ? '' : `, and ${plural(more, 'more time')}`}`;
  return `Nothing was sent for ${list}: cut out above (dotted lines). A run stops sending while it waits for its canaries, between invocations, and before it repeats lost requests.`;
}

function figuresTable({ bars, barMs, throttling }: RequestRate): Html {
  const isThrottled = throttling !== undefined && throttling.pauses > 0;
  const rows = bars.map(
    ({ fromMs, requests, allowed, throttled, pausedMs }) =>
      html`<tr><td>${clockTime(fromMs)}</td><td class="count">${number(requests)}</td><td class="count">${number(Math.floor(allowed))}</td>${
        isThrottled
          ? html`<td class="count">${number(throttled)}</td><td class="count">${pausedMs === 0 ? NOTHING : span(pausedMs)}</td>`
          : NOTHING
      }</tr>`,
  );
  const more = html`<th scope="col" class="count">429s</th><th scope="col" class="count">Paused</th>`;
  return html`<details><summary>Figures as a table</summary><table><caption>Requests answered in each ${span(barMs)}, and allowed</caption><thead><tr><th scope="col">From (UTC)</th><th scope="col" class="count">Requests</th><th scope="col" class="count">Allowed</th>${isThrottled ? more : NOTHING}</tr></thead><tbody>${rows}</tbody></table></details>`;
}
