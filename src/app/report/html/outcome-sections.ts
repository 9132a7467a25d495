/** What comes first in a report: verdict, funnel, and outcomes by reason. Layer: app. */

import { number, percent, plural } from '../../../domain/plain-figures.ts';
import type { Urgency } from '../../../domain/report/outcome-words.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import { outcomeWords } from '../../../domain/report/run-outcome-words.ts';
import { verdictOf } from '../../../domain/report/verdict.ts';
import { bar } from '../../page/charts.ts';
import { type Html, html, NOTHING } from '../../page/html.ts';
import { moment } from '../../page/instants.ts';

export const URGENCY_WORDS: Readonly<Record<Urgency, string>> = {
  danger: 'Dangerous',
  act: 'Act',
  wait: 'Wait',
  fine: 'Fine',
};

export function verdictSection(model: ReportModel): Html {
  const { run, state, evidence } = model;
  const { tone, headline, needs } = verdictOf(model);
  const asked = [
    run.requestedBy === undefined ? undefined : html` · asked for by ${run.requestedBy}`,
    run.reason === undefined ? undefined : html` · ${run.reason}`,
  ].filter((part) => part !== undefined);
  return html`<h1>Keyturn report of run ${run.runId}</h1>
<p class="facts">${run.dryRun ? 'Dry run' : 'Live'}, ${state} · ${plural(model.figures.devices, 'device')} · planned ${moment(run.createdAt)} · ${evidence === undefined ? 'as it stood' : 'written'} ${moment(run.writtenAt)}${asked} · tenant ${run.tenantId} (${run.cloud})</p>
<div class="verdict tone-${tone}"><p class="headline">${headline}</p><p class="needs">${needs.join(' ')}</p></div>`;
}

export function funnelSection({ run, funnel, figures, outcomes }: ReportModel): Html {
  const steps = [
    ['Due', funnel.due, run.targets === undefined ? 'key too old, or none' : 'asked for by name'],
    ['Requested', funnel.requested, 'Graph accepted the request'],
    ['Confirmed', funnel.confirmed, 'Intune says that the device did it'],
    ['Proven', funnel.proven, 'a newer key is in escrow'],
  ] as const;
  const most = Math.max(1, ...steps.map(([, devices]) => devices));
  const rows = steps.map(
    ([name, devices, meaning]) =>
      html`<tr><th scope="row">${name}<span class="under">${meaning}</span></th><td class="count">${number(devices)}<span class="under">${funnel.due === 0 ? '' : percent(devices / funnel.due, 1)}</span></td><td class="wide">${bar(devices / most, 'fill')}</td></tr>`,
  );
  const late = outcomes.find(({ outcome }) => outcome === 'provenLate')?.devices ?? 0;
  const remarks = [
    late === 0 ? '' : `${plural(late, 'more was', 'more were')} proven after the run had ended.`,
    figures.unconfirmed === 0 ? '' : `${number(figures.unconfirmed)} of the proven never said done.`,
    figures.uncertain === 0 ? '' : `Of ${plural(figures.uncertain, 'request')} nobody ever told whether Graph took it.`,
  ].filter((remark) => remark !== '');
  return html`<section aria-labelledby="funnel"><h2 id="funnel">From due to proven</h2>
<table><caption>Devices that came so far, and their share of those due</caption><thead><tr><th scope="col">Step</th><th scope="col" class="count">Devices</th><th scope="col" class="wide">Share</th></tr></thead><tbody>${rows}</tbody></table>${
    remarks.length === 0 ? NOTHING : html`<p class="note">${remarks.join(' ')}</p>`
  }</section>`;
}

export function outcomeSection({ run, state, outcomes, figures }: ReportModel): Html {
  const heading = html`<h2 id="outcomes">Outcomes, and what to do about them</h2>`;
  const unresolved = run.unresolved ?? [];
  const lost =
    unresolved.length === 0
      ? NOTHING
      : html`<p class="note">Targets that named no device: ${unresolved.join('; ')}</p>`;
  if (outcomes.length === 0) {
    const words = state === 'planning' ? 'No device is counted yet.' : 'There is no device in this run.';
    return html`<section aria-labelledby="outcomes">${heading}<p>${words}</p>${lost}</section>`;
  }
  const rows = outcomes.map(({ outcome, devices }) => {
    const { title, urgency, meaning, remedy } = outcomeWords(outcome, run);
    return html`<tr><th scope="row">${title}<span class="under">${meaning}</span></th><td class="beside" data-label="Urgency"><span class="tag tag-${urgency}">${URGENCY_WORDS[urgency]}</span></td><td class="count beside" data-label="Devices">${number(devices)}</td><td data-label="What to do">${remedy}</td></tr>`;
  });
  return html`<section aria-labelledby="outcomes">${heading}
<table class="stack"><caption>All ${plural(figures.devices, 'device')} of the run, each counted once, the most urgent first</caption><thead><tr><th scope="col">Outcome</th><th scope="col">Urgency</th><th scope="col" class="count">Devices</th><th scope="col">What to do</th></tr></thead><tbody>${rows}</tbody></table>${lost}</section>`;
}
