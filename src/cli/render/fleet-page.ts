/** The state of a fleet's keys as one self-contained page. Pure. Layer: cli. */
import { FLEET_NEEDS, type FleetDevice } from '../../app/fleet/fleet-devices.ts';
import { bar } from '../../app/page/charts.ts';
import { deviceCell, deviceTable } from '../../app/page/device-table.ts';
import { type Html, html, NOTHING } from '../../app/page/html.ts';
import { day, moment } from '../../app/page/instants.ts';
import { renderPage } from '../../app/page/render-page.ts';
import type { FleetPicture } from '../../domain/fleet/fleet-picture.ts';
import { KEY_AGE_CLASSES } from '../../domain/key-ages.ts';
import { number, plural } from '../../domain/plain-figures.ts';
import { SKIP_REASONS, type SkipReason } from '../../domain/rotation.ts';
import type { GraphCloud } from '../../domain/settings.ts';
import { SKIP_WORDS } from '../../domain/skip-words.ts';
import type { FleetResult } from './fleet-lines.ts';
import { changeWords, KEY_AGE_WORDS, NEED_WORDS, withoutKeyAgeWords } from './fleet-words.ts';

/** What the page shows besides the figures. */
export interface FleetPage extends Omit<FleetResult, 'files' | 'rotatedWithoutKey'> {
  /** Whose portal the names lead into. */
  readonly cloud: GraphCloud;
  /** Worst first; as many as are shown. */
  readonly inNeed: readonly FleetDevice[];
  readonly inNeedInAll: number;
}

/** The page, piece by piece: what is dangerous comes first. */
export function fleetPage(page: FleetPage): Generator<string> {
  return renderPage({
    title: `Recovery keys of the fleet, ${page.picture.at.slice(0, 16).replace('T', ' ')} UTC`,
    main: sections(page),
    footer: html`Made by “keyturn fleet” from what Intune and Entra ID listed. It holds ids, names and times of devices, and no key.`,
  });
}

function* sections(page: FleetPage): Generator<Html> {
  const { picture } = page;
  yield head(picture);
  yield ageSection(picture);
  yield section('needs', 'Needs somebody', 'What', needRows(picture));
  yield changeSection(page);
  yield deviceSection(page);
  yield section('ineligible', 'Cannot be asked', 'Reason', ineligibleRows(picture));
}

function head({ at, tenantId, devices, eligible, inProgress, rotatedWithoutKey }: FleetPicture): Html {
  const facts = `${plural(devices, 'device')}, ${number(eligible)} can be asked to rotate, ${number(inProgress)} asked by a run that still looks`;
  const verdict =
    rotatedWithoutKey === 0
      ? html`<div class="verdict tone-good"><p class="headline">No device is known to have rotated without a new key in escrow.</p></div>`
      : html`<div class="verdict tone-bad"><p class="headline">${plural(rotatedWithoutKey, 'device')} rotated, and no newer key is in escrow.</p><p class="needs">Nobody may know what unlocks ${rotatedWithoutKey === 1 ? 'it' : 'them'}: back up ${rotatedWithoutKey === 1 ? 'its key' : 'their keys'} first.</p></div>`;
  return html`<h1>Recovery keys of the fleet</h1>
<p class="facts">${moment(at)} · ${facts} · tenant ${tenantId}</p>
${verdict}`;
}

function ageSection(picture: FleetPicture): Html {
  const { keyAges } = picture;
  const all = Math.max(1, picture.devices);
  const rows = KEY_AGE_CLASSES.map(
    (name) =>
      html`<tr><th scope="row">${capital(KEY_AGE_WORDS[name])}</th><td class="count">${number(keyAges[name])}</td><td class="wide">${bar(keyAges[name] / all, 'fill')}</td></tr>`,
  );
  const others = withoutKeyAgeWords(picture).map(({ title, devices }) => `${title}: ${number(devices)}`);
  const rest =
    others.length === 0
      ? NOTHING
      : html`<p class="note">${capital(others.join('; '))}. With those above these are all ${plural(picture.devices, 'device')}.</p>`;
  return html`<section aria-labelledby="ages"><h2 id="ages">Age of the newest key</h2>
<table><caption>Devices by the age of their newest key in escrow</caption><thead><tr><th scope="col">Age</th><th scope="col" class="count">Devices</th><th scope="col" class="wide">Share</th></tr></thead><tbody>${rows}</tbody></table>${rest}</section>`;
}

interface Row {
  readonly name: string;
  readonly devices: number;
  readonly meaning: string;
  readonly remedy: string;
}

function needRows(picture: FleetPicture): readonly Row[] {
  return FLEET_NEEDS.map((need) => {
    const { title, meaning, remedy } = NEED_WORDS[need];
    return { name: capital(title), devices: picture[need], meaning: capital(meaning), remedy: capital(remedy) };
  });
}

function ineligibleRows({ ineligible }: FleetPicture): readonly Row[] {
  return SKIP_REASONS.map((reason) => {
    const { meaning, remedy } = SKIP_WORDS[reason];
    return { name: reason, devices: ineligible[reason] ?? 0, meaning: capital(meaning), remedy: capital(remedy) };
  });
}

/** Nothing when no row has devices. */
function section(id: string, title: string, heading: string, all: readonly Row[]): Html {
  const rows = all
    .filter(({ devices }) => devices > 0)
    .map(
      ({ name, devices, meaning, remedy }) =>
        html`<tr><th scope="row">${name}<span class="under">${meaning}</span></th><td class="count beside" data-label="Devices">${number(devices)}</td><td data-label="What to do">${remedy}</td></tr>`,
    );
  if (rows.length === 0) return NOTHING;
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
<table class="stack"><thead><tr><th scope="col">${heading}</th><th scope="col" class="count">Devices</th><th scope="col">What to do</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

function changeSection({ previous, changes }: FleetPage): Html {
  const heading = html`<h2 id="changes">Since the picture before</h2>`;
  if (previous === undefined) {
    return html`<section aria-labelledby="changes">${heading}<p>There is no earlier picture to compare with.</p></section>`;
  }
  if (changes.length === 0) {
    return html`<section aria-labelledby="changes">${heading}<p>Nothing changed since ${moment(previous.at)}.</p></section>`;
  }
  const rows = changes.map(
    ({ name, before, now }) =>
      html`<tr><th scope="row">${capital(changeWords(name))}</th><td class="count">${number(before)}</td><td class="count">${number(now)}</td><td class="count">${now < before ? '−' : '+'}${number(Math.abs(now - before))}</td></tr>`,
  );
  return html`<section aria-labelledby="changes">${heading}
<table><caption>Devices, ${moment(previous.at)} and now</caption><thead><tr><th scope="col">What</th><th scope="col" class="count">Before</th><th scope="col" class="count">Now</th><th scope="col" class="count">Change</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

function deviceSection({ inNeed, inNeedInAll, picture, cloud }: FleetPage): Html {
  if (inNeed.length === 0) return NOTHING;
  const shown =
    inNeedInAll === inNeed.length
      ? plural(inNeedInAll, 'device')
      : `The first ${number(inNeed.length)} of ${plural(inNeedInAll, 'device')}, worst first; keyturn fleet --csv lists all`;
  const nowMs = Date.parse(picture.at);
  const table = deviceTable({
    caption: `${shown}. A name opens the device in the Intune admin center.`,
    headings: ['Device', 'Needs', 'Newest key of', 'Keys', 'Asked', 'Cannot be asked'],
    searchesFor: 'name, id, what it needs',
    rows: inNeed.map((device) => deviceRow(device, cloud, nowMs)),
  });
  return html`<section aria-labelledby="devices"><h2 id="devices">Devices that need somebody</h2>
${table}</section>`;
}

function deviceRow(device: FleetDevice, cloud: GraphCloud, nowMs: number): Html {
  const { newestKeyAtMs, askedAtMs, needs, keyCount, ineligible } = device;
  const order = String(Math.min(...needs.map((need) => FLEET_NEEDS.indexOf(need)))).padStart(2, '0');
  const days = newestKeyAtMs === undefined ? 0 : Math.max(0, Math.floor((nowMs - newestKeyAtMs) / 86_400_000));
  const key =
    newestKeyAtMs === undefined
      ? html`no key`
      : html`${day(new Date(newestKeyAtMs).toISOString())}<span class="under">${plural(days, 'day')}</span>`;
  return html`<tr>${deviceCell(cloud, device)}<td data-label="Needs" data-sort="${order}">${capital(needs.map((need) => NEED_WORDS[need].title).join('; '))}</td><td data-label="Newest key of" class="nowrap" data-sort="${newestKeyAtMs ?? 0}">${key}</td><td data-label="Keys">${number(keyCount)}</td><td data-label="Asked" class="nowrap">${askedAtMs === undefined ? NOTHING : moment(new Date(askedAtMs).toISOString())}</td><td data-label="Cannot be asked">${ineligible === undefined ? NOTHING : reasonCell(ineligible)}</td></tr>`;
}

function reasonCell(reason: SkipReason): Html {
  return html`${reason}<span class="under">${SKIP_WORDS[reason].meaning}</span>`;
}

/** As the beginning of a sentence: on a terminal the same words stand in the middle of one. */
function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
