/** Quota over time, ages of keys, and time to a new key. Layer: app. */
import { KEY_AGE_CLASSES, type KeyAgeClass } from '../../../domain/key-ages.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import type { RequestRate } from '../../../domain/report/request-rate.ts';
import type { TimeDistribution } from '../../../domain/report/time-classes.ts';
import { bar, type Column, columnChart } from './charts.ts';
import { type Html, html } from './html.ts';
import { clockTime, number, percent, plural, span } from './words.ts';

const AGE_WORDS: Readonly<Record<KeyAgeClass, string>> = {
  under30Days: 'Under 30 days',
  under90Days: '30 to 90 days',
  under180Days: '90 to 180 days',
  under365Days: '180 days to a year',
  older: 'Over a year',
  none: 'No key known',
};

/** Below this share of the allowed rate the limit would leave the columns flat: it is told in words instead. */
const WORTH_DRAWING = 0.25;
/** Most pauses that are named. Chosen: the canary's wait, and what an outage leaves. */
const PAUSES_TOLD = 12;

export function quotaSection({ rate, run }: ReportModel): Html {
  const { limit, windowMs } = run.settings.budgets.write;
  const heading = html`<h2 id="quota">Quota used, against quota allowed</h2>`;
  const allowed = `${number(limit)} rotation requests in ${span(windowMs)}`;
  if (rate === undefined) {
    return html`<section aria-labelledby="quota">${heading}<p>Nothing was sent. Allowed: ${allowed}.</p></section>`;
  }
  const { requests, bars, pauses, utilisation } = rate;
  const sums = `${plural(requests, 'request')} answered; allowed are ${allowed}; ${percent(utilisation)} of that was used while sending.`;
  return html`<section aria-labelledby="quota">${heading}<p>${sums}</p>
<figure>${rateChart(rate, sums)}</figure>
${pauses.length === 0 ? html`<p class="note">Sending never paused for long.</p>` : html`<p class="note">Nothing was sent for ${pauseList(rate)}. The first such pause of a run is the wait for its canaries; others are the end of an invocation, a pause that Graph asked for, or repeats of lost requests. They are cut out above (dotted lines).</p>`}
<p class="note">The evidence has the last request to each device, and when it was answered, to the second: a column may show a few requests more than left in its time. Answers with 429 leave no trace in it, since nothing was taken: they are counted as “throttled” in the log’s invocation summaries, and a pause they caused shows above as columns that are low or missing.</p>
<details><summary>Figures as a table</summary><table><caption>Requests answered in each ${span(rate.barMs)}; allowed: ${number(Math.floor(rate.allowedPerBar))}</caption><thead><tr><th scope="col">From (UTC)</th><th scope="col" class="count">Requests</th></tr></thead><tbody>${bars.map((one) => html`<tr><td>${clockTime(one.fromMs)}</td><td class="count">${number(one.requests)}</td></tr>`)}</tbody></table></details></section>`;
}

function rateChart({ bars, pauses, allowedPerBar, barMs }: RequestRate, sums: string): Html {
  const peak = Math.max(...bars.map(({ requests }) => requests));
  const isDrawn = peak >= allowedPerBar * WORTH_DRAWING;
  const [first, last] = [bars[0], bars.at(-1)];
  const columns = bars.map(
    ({ requests }, i): Column => ({
      value: requests,
      ...(i === 0 && first !== undefined ? { edge: clockTime(first.fromMs).slice(5) } : {}),
    }),
  );
  return columnChart({
    id: 'rate',
    title: `Requests answered in each ${span(barMs)}`,
    description: `${sums} At most ${number(peak)} in ${span(barMs)}. The table below has all figures.`,
    columns,
    end: last === undefined ? '' : clockTime(last.fromMs + barMs).slice(5),
    top: isDrawn ? Math.max(peak, allowedPerBar) * 1.12 : peak * 1.15,
    ...(isDrawn ? { limit: { value: allowedPerBar, label: `allowed: ${number(Math.floor(allowedPerBar))}` } } : {}),
    breaks: pauses.map(({ afterBars, fromMs, untilMs }) => ({
      before: afterBars,
      label: pauses.length > 4 ? '' : span(untilMs - fromMs),
    })),
  });
}

function pauseList({ pauses }: RequestRate): string {
  const told = pauses
    .slice(0, PAUSES_TOLD)
    .map(({ fromMs, untilMs }) => `${span(untilMs - fromMs)} from ${clockTime(fromMs)}`);
  const more = pauses.length - told.length;
  return `${told.join(', ')}${more === 0 ? '' : `, and ${plural(more, 'more time')}`}`;
}

export function ageSection({ agesBefore, agesAfter, figures }: ReportModel): Html {
  const most = Math.max(1, ...Object.values(agesBefore), ...Object.values(agesAfter));
  const rows = KEY_AGE_CLASSES.map((name) => {
    const [before, after] = [agesBefore[name], agesAfter[name]];
    return html`<tr><th scope="row">${AGE_WORDS[name]}</th><td class="count">${number(before)}</td><td class="count">${number(after)}</td><td class="wide twin">${bar(before / most, 'before')}${bar(after / most, 'fill')}</td></tr>`;
  });
  return html`<section aria-labelledby="ages"><h2 id="ages">Age of the keys, before and after</h2>
<table><caption>${plural(figures.devices, 'device')} by the age of the newest key known when the run was planned <span class="nowrap">(<span class="key key-before"></span>before)</span> and when this was written <span class="nowrap">(<span class="key key-after"></span>after)</span></caption><thead><tr><th scope="col">Age</th><th scope="col" class="count">Before</th><th scope="col" class="count">After</th><th scope="col" class="wide">Share</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

export function timeSection({ timeToKey }: ReportModel): Html {
  const heading = html`<h2 id="times">Time to proof</h2>`;
  if (timeToKey === undefined) {
    return html`<section aria-labelledby="times">${heading}<p>No new key was seen.</p></section>`;
  }
  const { count, medianMs, p90Ms, longestMs } = timeToKey;
  const sums = `Half of ${plural(count, 'device')} had a new key in escrow within ${span(medianMs)} of the request, nine of ten within ${span(p90Ms)}, the last after ${span(longestMs)}.`;
  return html`<section aria-labelledby="times">${heading}<p>${sums}</p>
<figure>${timeChart(timeToKey, sums)}</figure>
<p class="note">From Graph’s answer to the request to the creation of the key that proves it, both by Graph’s clock. Keyturn itself looks when CONFIRM_SCHEDULE says. Devices whose request was never answered are left out.</p>
<details><summary>Figures as a table</summary><table><caption>Devices by the time they took</caption><thead><tr><th scope="col">Time</th><th scope="col" class="count">Devices</th></tr></thead><tbody>${timeToKey.classes.map(({ belowMs, count: n }, i) => html`<tr><td>${classWords(timeToKey, i, belowMs)}</td><td class="count">${number(n)}</td></tr>`)}</tbody></table></details></section>`;
}

function timeChart({ classes, fromMs }: TimeDistribution, sums: string): Html {
  const peak = Math.max(...classes.map(({ count }) => count));
  const edgeOf = (i: number) => (i === 0 ? fromMs : (classes[i - 1]?.belowMs ?? 0));
  const last = classes.at(-1)?.belowMs ?? Number.POSITIVE_INFINITY;
  return columnChart({
    id: 'time',
    title: 'Devices by the time from request to new key',
    description: `${sums} The table below has all figures.`,
    columns: classes.map(({ count }, i) => ({ value: count, edge: i === 0 && fromMs === 0 ? '0' : span(edgeOf(i)) })),
    end: Number.isFinite(last) ? span(last) : '',
    top: peak * 1.05,
    showsValues: true,
  });
}

function classWords({ classes, fromMs }: TimeDistribution, i: number, belowMs: number): Html {
  const from = i === 0 ? fromMs : (classes[i - 1]?.belowMs ?? 0);
  if (!Number.isFinite(belowMs)) return html`${span(from)} and longer`;
  return from === 0 ? html`under ${span(belowMs)}` : html`${span(from)} to under ${span(belowMs)}`;
}
