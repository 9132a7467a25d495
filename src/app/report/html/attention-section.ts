/** The devices that need somebody, with a way into the portal. Layer: app. */

import { number, plural } from '../../../domain/plain-figures.ts';
import type { AttentionRow } from '../../../domain/report/attention-list.ts';
import { OUTCOME_WORDS, OUTCOMES_IN_ORDER } from '../../../domain/report/outcome-words.ts';
import { portalLink } from '../../../domain/report/portal-link.ts';
import type { ReportModel } from '../../../domain/report/report-model.ts';
import type { GraphCloud } from '../../../domain/settings.ts';
import { type Html, html, NOTHING } from './html.ts';
import { URGENCY_WORDS } from './outcome-sections.ts';
import { day, moment } from './words.ts';

export function attentionSection(model: ReportModel): Html {
  const { attention, needAttention, run, evidence } = model;
  const heading = html`<h2 id="devices">Devices that need attention</h2>`;
  if (attention.length === 0) return html`<section aria-labelledby="devices">${heading}<p>None.</p></section>`;
  const all = evidence === undefined ? 'the evidence, once the run has ended' : `evidence-${evidence.version}.csv`;
  const shown =
    needAttention === attention.length
      ? plural(needAttention, 'device')
      : `The most urgent ${number(attention.length)} of ${plural(needAttention, 'device')}; the rest is in ${all}`;
  return html`<section aria-labelledby="devices">${heading}
<div class="search" id="search" hidden><label for="filter">Search</label><input id="filter" type="search" autocomplete="off" spellcheck="false" placeholder="name, id, outcome, error code"></div><p class="note" id="found" role="status"></p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="devices"><table class="attention stack" id="attention"><caption>${shown}. A name opens the device in the Intune admin center.</caption><thead><tr><th scope="col">Device</th><th scope="col">Urgency</th><th scope="col">Outcome</th><th scope="col">Action, status, error</th><th scope="col">Newest key of</th><th scope="col">Asked</th></tr></thead><tbody>${attention.map((row) => attentionRow(row, run.cloud))}</tbody></table></div></section>`;
}

function attentionRow(row: AttentionRow, cloud: GraphCloud): Html {
  const { title, urgency } = OUTCOME_WORDS[row.outcome];
  const link = portalLink(cloud, row.managedDeviceId);
  const name = html`<bdi>${row.deviceName === '' ? 'without a name' : row.deviceName}</bdi>`;
  const device =
    link === undefined ? name : html`<a href="${link}" target="_blank" rel="noopener noreferrer">${name}</a>`;
  const order = String(OUTCOMES_IN_ORDER.indexOf(row.outcome)).padStart(2, '0');
  return html`<tr><th scope="row" data-sort="${row.deviceName}">${device}<span class="under">${row.managedDeviceId}</span></th><td data-label="Urgency" data-sort="${order}"><span class="tag tag-${urgency}">${URGENCY_WORDS[urgency]}</span></td><td data-label="Outcome">${title}</td><td data-label="Action">${answerOf(row)}</td><td data-label="Newest key of" class="nowrap">${row.keyAt === '' ? 'no key' : day(row.keyAt)}</td><td data-label="Asked" class="nowrap">${row.askedAt === '' ? NOTHING : moment(row.askedAt)}</td></tr>`;
}

function answerOf({ actionState, errorCode, httpStatus }: AttentionRow): string {
  return [
    actionState,
    httpStatus === '' || httpStatus === '204' ? '' : `HTTP ${httpStatus}`,
    errorCode === '' || errorCode === '0' ? '' : `${errorCode} (${hexadecimal(errorCode)})`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** As people look it up: `0x80180001`. */
function hexadecimal(errorCode: string): string {
  return `0x${(Number(errorCode) >>> 0).toString(16).padStart(8, '0')}`;
}
