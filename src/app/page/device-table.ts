/** The one table of a page that can be sorted and searched: a device a row, with a way into the portal. Layer: app. */
import { portalLink } from '../../domain/portal-link.ts';
import type { GraphCloud } from '../../domain/settings.ts';
import { type Html, html } from './html.ts';

export interface DeviceTable {
  readonly caption: string;
  /** Of the columns. */
  readonly headings: readonly string[];
  /** What can be searched for: `name, id, outcome`. */
  readonly searchesFor: string;
  readonly rows: readonly Html[];
}

/** Without scripts it is a plain table, and the search is not there. */
export function deviceTable({ caption, headings, searchesFor, rows }: DeviceTable): Html {
  return html`<div class="search" id="search" hidden><label for="filter">Search</label><input id="filter" type="search" autocomplete="off" spellcheck="false" placeholder="${searchesFor}"></div><p class="note" id="found" role="status"></p>
<div class="scroll" tabindex="0" role="region" aria-label="Table of devices"><table class="attention stack" id="attention"><caption>${caption}</caption><thead><tr>${headings.map((heading) => html`<th scope="col">${heading}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** The first cell of a row: the name, which leads into the portal, and the id below it. */
export function deviceCell(cloud: GraphCloud, { deviceName, managedDeviceId }: NamedDevice): Html {
  const link = portalLink(cloud, managedDeviceId);
  const name = html`<bdi>${deviceName === '' ? 'without a name' : deviceName}</bdi>`;
  const device =
    link === undefined ? name : html`<a href="${link}" target="_blank" rel="noopener noreferrer">${name}</a>`;
  return html`<th scope="row">${device}<span class="under">${managedDeviceId}</span></th>`;
}

export interface NamedDevice {
  readonly deviceName: string;
  readonly managedDeviceId: string;
}
