/** The state of a fleet's keys as one self-contained page: no script, no request, nothing but its own style. Pure. Layer: cli. */
import { hash } from 'node:crypto';
import { FLEET_NEEDS, type FleetDevice } from '../../app/fleet/fleet-devices.ts';
import type { FleetPicture } from '../../domain/fleet/fleet-picture.ts';
import { KEY_AGE_CLASSES } from '../../domain/key-ages.ts';
import { moment, number, plural } from '../../domain/plain-figures.ts';
import { SKIP_REASONS } from '../../domain/rotation.ts';
import { SKIP_WORDS } from '../../domain/skip-words.ts';
import type { FleetResult } from './fleet-lines.ts';
import { changeWords, KEY_AGE_WORDS, NEED_WORDS, withoutKeyAgeWords } from './fleet-words.ts';
import { visible } from './text.ts';

/** What the page shows besides the figures. */
export interface FleetPage extends Omit<FleetResult, 'files' | 'rotatedWithoutKey'> {
  /** Worst first; as many as are shown. */
  readonly inNeed: readonly FleetDevice[];
  readonly inNeedInAll: number;
}

const STYLE = `:root{color-scheme:light dark;--ink:#1b1b1f;--quiet:#55565e;--paper:#fff;--rule:#c9cad1;--bar:#2f5fb3;--none:#a33c2e;--bad:#a02216}
@media (prefers-color-scheme:dark){:root{--ink:#e6e6ea;--quiet:#b0b1ba;--paper:#17181c;--rule:#44454d;--bar:#7fa8ee;--none:#ef8f80;--bad:#ff9d90}}
body{margin:0 auto;max-width:70rem;padding:1.5rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}p{margin:.25rem 0}.quiet{color:var(--quiet)}.bad{color:var(--bad);font-weight:600}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{padding:.3rem .75rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
th{color:var(--quiet);font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}td.id{font-family:ui-monospace,monospace;font-size:.85rem;white-space:nowrap}
svg{display:block;width:100%;max-width:44rem;height:auto}.label{fill:var(--ink);font-size:14px}.bar{fill:var(--bar)}.bar.none{fill:var(--none)}
@media print{body{max-width:none;padding:0;font-size:10pt}.scroll{overflow:visible}td.id{white-space:normal;overflow-wrap:anywhere}tr{break-inside:avoid}}`;

/** Lines of the page. Only its own style is allowed, by its hash; nothing is ever asked for. */
export function* fleetPage(page: FleetPage): Generator<string> {
  const { picture } = page;
  const csp = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; base-uri 'none'; form-action 'none'`;
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${csp}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Recovery keys of the fleet, ${moment(Date.parse(picture.at))} UTC</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Recovery keys of the fleet</h1>
<p>${verdict(picture)}</p>
<p class="quiet">Tenant ${text(picture.tenantId)}, ${moment(Date.parse(picture.at))} UTC. ${plural(picture.devices, 'device')}, ${number(picture.eligible)} can be asked to rotate, ${number(picture.inProgress)} being asked now.</p>
`;
  yield `<h2 id="ages">Age of the newest key</h2>\n${histogram(picture)}${sum(picture)}`;
  yield section('Needs somebody', needRows(picture), ['What', '#Devices', 'Meaning', 'What to do']);
  yield changes(page);
  yield section('Cannot be asked', ineligibleRows(picture), ['Reason', '#Devices', 'Meaning', 'What to do']);
  yield* devices(page);
  yield '</main>\n</body>\n</html>\n';
}

function verdict({ rotatedWithoutKey }: FleetPicture): string {
  if (rotatedWithoutKey === 0) return 'No device is known to have rotated without a new key in escrow.';
  const words = `${plural(rotatedWithoutKey, 'device')} rotated, and no newer key is in escrow.`;
  return `<span class="bad">${words} Back their keys up first.</span>`;
}

const ROW = 30;
const BARS_AT = 150;
const BARS_WIDTH = 420;

/** Bars with their figures as text, so that nothing is told by length or colour alone. */
function histogram({ keyAges }: FleetPicture): string {
  const most = Math.max(1, ...KEY_AGE_CLASSES.map((name) => keyAges[name]));
  const rows = KEY_AGE_CLASSES.map((name, i) => {
    const width = Math.round((keyAges[name] / most) * BARS_WIDTH);
    const y = i * ROW;
    return (
      `<text class="label" x="0" y="${y + 20}">${KEY_AGE_WORDS[name]}</text>` +
      `<rect class="bar${name === 'none' ? ' none' : ''}" x="${BARS_AT}" y="${y + 6}" width="${width}" height="18"/>` +
      `<text class="label" x="${BARS_AT + width + 8}" y="${y + 20}">${number(keyAges[name])}</text>`
    );
  });
  const height = KEY_AGE_CLASSES.length * ROW;
  const told = KEY_AGE_CLASSES.map((name) => `${KEY_AGE_WORDS[name]}: ${number(keyAges[name])}`).join('; ');
  return `<svg viewBox="0 0 ${BARS_AT + BARS_WIDTH + 90} ${height}" role="img" aria-label="Devices by age of the newest key. ${told}">\n${rows.join('\n')}\n</svg>\n`;
}

/** What the bars leave out, so that they can be added up. */
function sum(picture: FleetPicture): string {
  const others = withoutKeyAgeWords(picture).map(({ title, devices: count }) => `${title}: ${number(count)}`);
  return others.length === 0
    ? ''
    : `<p class="quiet">${text(others.join('; '))}. With the bars these are all ${plural(picture.devices, 'device')}.</p>\n`;
}

function needRows(picture: FleetPicture): readonly (readonly string[])[] {
  return FLEET_NEEDS.filter((need) => picture[need] > 0).map((need) => [
    NEED_WORDS[need].title,
    number(picture[need]),
    NEED_WORDS[need].meaning,
    NEED_WORDS[need].remedy,
  ]);
}

function ineligibleRows({ ineligible }: FleetPicture): readonly (readonly string[])[] {
  return SKIP_REASONS.filter((reason) => (ineligible[reason] ?? 0) > 0).map((reason) => [
    reason,
    number(ineligible[reason] ?? 0),
    SKIP_WORDS[reason].meaning,
    SKIP_WORDS[reason].remedy,
  ]);
}

function changes({ previous, changes: all }: FleetPage): string {
  if (previous === undefined) return '';
  const rows = all.map(({ name, before, now }) => [changeWords(name), number(before), number(now)]);
  return section(`Changed since ${moment(Date.parse(previous.at))} UTC`, rows, ['What', '#Before', '#Now']);
}

function* devices({ inNeed, inNeedInAll, picture }: FleetPage): Generator<string> {
  if (inNeed.length === 0) return;
  const more = inNeedInAll - inNeed.length;
  yield `<h2>Devices that need somebody</h2>\n`;
  if (more > 0)
    yield `<p class="quiet">The first ${number(inNeed.length)}, worst first; ${number(more)} more are in the CSV.</p>\n`;
  yield opening('Devices that need somebody', [
    'Device',
    'Needs',
    'Newest key (UTC)',
    '#Keys',
    'Asked (UTC)',
    'Cannot be asked',
    'Managed device id',
  ]);
  const nowMs = Date.parse(picture.at);
  for (const device of inNeed) {
    const { newestKeyAtMs, askedAtMs } = device;
    const days = newestKeyAtMs === undefined ? 0 : Math.max(0, Math.floor((nowMs - newestKeyAtMs) / 86_400_000));
    yield `<tr><th scope="row">${text(device.deviceName)}</th><td>${device.needs.map((need) => NEED_WORDS[need].title).join('; ')}</td><td>${
      newestKeyAtMs === undefined ? 'none' : `${moment(newestKeyAtMs)}, ${plural(days, 'day')}`
    }</td><td class="n">${number(device.keyCount)}</td><td>${askedAtMs === undefined ? '' : moment(askedAtMs)}</td><td>${
      device.ineligible ?? ''
    }</td><td class="id">${text(device.managedDeviceId)}</td></tr>\n`;
  }
  yield CLOSING;
}

const CLOSING = '</tbody>\n</table></div>\n';

/** A title that begins with `#` is one of a column of numbers. */
function opening(label: string, titles: readonly string[]): string {
  const heads = titles.map((title) =>
    title.startsWith('#') ? `<th scope="col" class="n">${title.slice(1)}</th>` : `<th scope="col">${title}</th>`,
  );
  return `<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table>\n<thead><tr>${heads.join('')}</tr></thead>\n<tbody>\n`;
}

function section(title: string, rows: readonly (readonly string[])[], titles: readonly string[]): string {
  if (rows.length === 0) return '';
  const body = rows.map((row) =>
    row
      .map((cell, i) => {
        if (i === 0) return `<th scope="row">${text(cell)}</th>`;
        return titles[i]?.startsWith('#') === true ? `<td class="n">${text(cell)}</td>` : `<td>${text(cell)}</td>`;
      })
      .join(''),
  );
  return `<h2>${text(title)}</h2>\n${opening(text(title), titles)}${body.map((cells) => `<tr>${cells}</tr>`).join('\n')}\n${CLOSING}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as text, whatever is in it; characters that could hide or turn others around are shown as a replacement. */
function text(value: string): string {
  return visible(value).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
