/** The devices that need somebody, with a way into the portal. Layer: app. */

import { hresult, number, plural } from '../../../domain/plain-figures.ts';
import type { AttentionRow } from '../../../domain/report/attention-list.ts';
import { OUTCOME_WORDS, OUTCOMES_IN_ORDER } from '../../../domain/report/outcome-words.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import type { GraphCloud } from '../../../domain/settings.ts';
import { deviceCell, deviceTable } from '../../page/device-table.ts';
import { type Html, html, NOTHING } from '../../page/html.ts';
import { day, moment } from '../../page/instants.ts';
import { URGENCY_WORDS } from './outcome-sections.ts';

export function attentionSection(model: ReportModel): Html {
  const { attention, needAttention, run, evidence } = model;
  const heading = html`<h2 id="devices">Devices that need attention</h2>`;
  if (attention.length === 0) return html`<section aria-labelledby="devices">${heading}<p>None.</p></section>`;
  const all = evidence === undefined ? 'the evidence, once the run has ended' : `evidence-${evidence.version}.csv`;
  const shown =
    needAttention === attention.length
      ? plural(needAttention, 'device')
      : `The most urgent ${number(attention.length)} of ${plural(needAttention, 'device')}; the rest is in ${all}`;
  const table = deviceTable({
    caption: `${shown}. A name opens the device in the Intune admin center.`,
    headings: ['Device', 'Urgency', 'Outcome', 'Action, status, error', 'Newest key of', 'Asked'],
    searchesFor: 'name, id, outcome, error code',
    rows: attention.map((row) => attentionRow(row, run.cloud)),
  });
  return html`<section aria-labelledby="devices">${heading}
${table}</section>`;
}

function attentionRow(row: AttentionRow, cloud: GraphCloud): Html {
  const { title, urgency } = OUTCOME_WORDS[row.outcome];
  const order = String(OUTCOMES_IN_ORDER.indexOf(row.outcome)).padStart(2, '0');
  return html`<tr>${deviceCell(cloud, row)}<td data-label="Urgency" data-sort="${order}"><span class="tag tag-${urgency}">${URGENCY_WORDS[urgency]}</span></td><td data-label="Outcome">${title}</td><td data-label="Action">${answerOf(row)}</td><td data-label="Newest key of" class="nowrap">${row.keyAt === '' ? 'no key' : day(row.keyAt)}</td><td data-label="Asked" class="nowrap">${row.askedAt === '' ? NOTHING : moment(row.askedAt)}</td></tr>`;
}

function answerOf({ actionState, errorCode, httpStatus }: AttentionRow): string {
  return [
    actionState,
    httpStatus === '' || httpStatus === '204' ? '' : `HTTP ${httpStatus}`,
    errorCode === '' || errorCode === '0' ? '' : `${errorCode} (${hresult(Number(errorCode))})`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
