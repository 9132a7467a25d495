/** Ages of keys, and time to a new key. Layer: app. */
import { KEY_AGE_CLASSES, KEY_AGE_WORDS } from '../../../domain/key-ages.ts';
import { number, plural, span } from '../../../domain/plain-figures.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import type { TimeDistribution } from '../../../domain/report/time-classes.ts';
import { bar, columnChart } from '../../page/charts.ts';
import { type Html, html, NOTHING } from '../../page/html.ts';

export function ageSection({ agesBefore, agesAfter, figures }: ReportModel): Html {
  const counted = Object.values(agesBefore).reduce((sum, devices) => sum + devices, 0);
  const others = figures.devices - counted;
  const all = Math.max(1, counted);
  const rows = KEY_AGE_CLASSES.map((name) => {
    const [before, after] = [agesBefore[name], agesAfter[name]];
    return html`<tr><th scope="row">${KEY_AGE_WORDS[name]}</th><td class="count">${number(before)}</td><td class="count">${number(after)}</td><td class="wide twin">${bar(before / all, 'before')}${bar(after / all, 'fill')}</td></tr>`;
  });
  return html`<section aria-labelledby="ages"><h2 id="ages">Age of the keys, before and after</h2>
<table><caption>${plural(counted, 'device')} by the age of the newest key known before anybody was asked <span class="nowrap">(<span class="key key-before"></span>before)</span> and when this was written <span class="nowrap">(<span class="key key-after"></span>after)</span></caption><thead><tr><th scope="col">Age</th><th scope="col" class="count">Before</th><th scope="col" class="count">After</th><th scope="col" class="wide">Share</th></tr></thead><tbody>${rows}</tbody></table>${
    others === 0
      ? NOTHING
      : html`<p class="note">${plural(others, 'more has', 'more have')} no age of their own: second records of a device, and devices without an Entra device id to file a key under.</p>`
  }</section>`;
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

function timeChart({ classes, leastMs }: TimeDistribution, sums: string): Html {
  const peak = Math.max(...classes.map(({ count }) => count));
  const edgeOf = (i: number) => (i === 0 ? leastMs : (classes[i - 1]?.belowMs ?? 0));
  const last = classes.at(-1)?.belowMs ?? Number.POSITIVE_INFINITY;
  return columnChart({
    id: 'time',
    title: 'Devices by the time from request to new key',
    description: `${sums} The table below has all figures.`,
    columns: classes.map(({ count }, i) => ({ value: count, edge: i === 0 && leastMs === 0 ? '0' : span(edgeOf(i)) })),
    end: Number.isFinite(last) ? span(last) : '',
    top: peak * 1.05,
    showsValues: true,
  });
}

function classWords({ classes, leastMs }: TimeDistribution, i: number, belowMs: number): Html {
  const from = i === 0 ? leastMs : (classes[i - 1]?.belowMs ?? 0);
  if (!Number.isFinite(belowMs)) return html`${span(from)} and longer`;
  return from === 0 ? html`under ${span(belowMs)}` : html`${span(from)} to under ${span(belowMs)}`;
}
