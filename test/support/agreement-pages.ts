/** What report pages, terminals, webhooks and the log say of a run, read back from what people see. */
import { OUTCOME_WORDS } from '../../src/domain/report/outcome-words.ts';
import type { Figures } from './agreement-csv.ts';

/** By the title that is shown. */
const OUTCOMES: ReadonlyMap<string, string> = new Map(
  Object.entries(OUTCOME_WORDS).map(([name, { title }]) => [title, name]),
);
const AGES: ReadonlyMap<string, string> = new Map([
  ['Under 30 days', '30'],
  ['30 to 90 days', '90'],
  ['90 to 180 days', '180'],
  ['180 days to a year', '365'],
  ['Over a year', 'older'],
  ['No key known', 'none'],
]);

/** A number as people read it. @throws {Error} for what is none. */
export function numberOf(text: string | undefined): number {
  if (text === undefined || !/^\d{1,3}(,\d{3})*$/.test(text)) throw new Error(`no number: ${text}`);
  return Number(text.replaceAll(',', ''));
}

/** The first group of the first match, as a number; 0 when there is no match. */
function said(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? 0 : numberOf(found);
}

function lookUp(names: ReadonlyMap<string, string>, title: string): string {
  const name = names.get(title);
  if (name === undefined) throw new Error(`nobody knows what "${title}" is`);
  return name;
}

/** The text of a page's parts: what its second lines and its bars say is left out. */
function textOf(markup: string): string {
  return markup
    .replace(/<span class="under">.*?<\/span>|<svg.*?<\/svg>/gs, '')
    .replace(/<\/(?:t[dh]|p|caption)>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trim();
}

/** The section that its heading of that id labels. */
function sectionOf(page: string, id: string): string {
  const found = new RegExp(`<section aria-labelledby="${id}">.*?</section>`, 's').exec(page)?.[0];
  if (found === undefined) throw new Error(`the page has no section ${id}`);
  return found;
}

/** Cells of the rows of its tables' bodies, as text. */
export function rowsOf(section: string): readonly (readonly string[])[] {
  return [...section.matchAll(/<tbody>(.*?)<\/tbody>/gs)].flatMap(([, body = '']) =>
    [...body.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => textOf(cell)),
    ),
  );
}

/** `Figures` and, under names that are no figures of the lines, what else must agree. */
export interface PageSays {
  readonly figures: Figures;
  readonly digest: string;
  readonly headline: string;
  /** Names in the table of devices that need attention, in its order. */
  readonly attention: readonly string[];
}

export function readReportPage(page: string): PageSays {
  const figures: Record<string, number> = {};
  const [head = ''] = page.split('<section');
  figures.devices = said(textOf(head), /· (\d[\d,]*) devices? ·/);
  const [headline = '', needs = ''] = [...head.matchAll(/<p class="(?:headline|needs)">(.*?)<\/p>/g)].map(([, text]) =>
    textOf(text ?? ''),
  );
  readNeeds(needs, figures);
  const funnel = sectionOf(page, 'funnel');
  for (const [step = '', devices] of rowsOf(funnel)) figures[step.toLowerCase()] = numberOf(devices);
  figures.unconfirmed = said(textOf(funnel), /(\d[\d,]*) of the proven never said done/);
  figures.uncertain = said(textOf(funnel), /Of (\d[\d,]*) requests? nobody ever told/);
  for (const [title = '', , devices] of rowsOf(sectionOf(page, 'outcomes')))
    figures[`outcomes.${lookUp(OUTCOMES, title)}`] = numberOf(devices);
  figures.answered = said(textOf(sectionOf(page, 'quota')), /(\d[\d,]*) requests? answered/);
  for (const [title = '', before, after] of rowsOf(sectionOf(page, 'ages'))) {
    figures[`before.${lookUp(AGES, title)}`] = numberOf(before);
    figures[`after.${lookUp(AGES, title)}`] = numberOf(after);
  }
  figures.timed = said(textOf(sectionOf(page, 'times')), /Half of (\d[\d,]*) devices?/);
  const evidence = sectionOf(page, 'evidence');
  figures.lines = said(textOf(evidence), /: (\d[\d,]*) lines/);
  const devices = sectionOf(page, 'devices');
  return {
    figures,
    headline,
    digest: /<code>([0-9a-f]{64})<\/code>/.exec(evidence)?.[1] ?? '',
    attention: [
      ...devices.matchAll(/<th scope="row">(?:<a [^>]*>)?<bdi>(?:.*?)<span class="under">(.*?)<\/span>/g),
    ].map(([, id]) => id ?? ''),
  };
}

/** The sentences below the verdict, on the page and in the terminal. */
function readNeeds(needs: string, figures: Record<string, number>): void {
  figures.danger = said(needs, /(\d[\d,]*) devices? may hold a key that escrow does not have/);
  figures.attention = figures.danger + said(needs, /(\d[\d,]*)(?: more)? devices? needs? somebody/);
}

/** What `keyturn report` prints. */
export function readReportLines(lines: readonly string[]): { readonly figures: Figures; readonly headline: string } {
  const text = lines.join('\n');
  const figures: Record<string, number> = { lines: said(text, /^Evidence \d+: (\d[\d,]*) lines/m) };
  for (const step of ['due', 'requested', 'confirmed', 'proven'] as const)
    figures[step] = said(text, new RegExp(`(?:^|→ )${step} (\\d[\\d,]*)(?: →|$)`, 'm'));
  readNeeds(text, figures);
  for (const [title, devices] of tableOf(lines, 'Outcome')) figures[`outcomes.${lookUp(OUTCOMES, title)}`] = devices;
  return { figures, headline: lines[1] ?? '' };
}

/** What `keyturn status RUN` prints. */
export function readStatusLines(lines: readonly string[]): Figures {
  const figures: Record<string, number> = {};
  for (const [state, devices] of tableOf(lines, 'State'))
    figures[state === 'in all' ? 'devices' : `states.${state}`] = devices;
  for (const [reason, devices] of tableOf(lines, 'Skipped because')) figures[`skipped.${reason}`] = devices;
  return figures;
}

/** What `keyturn verify` prints. */
export function readVerifyLines(lines: readonly string[]): Figures {
  const counted = lines.find((line) => line.startsWith('figures  holds: counted again: ')) ?? '';
  const figures: Record<string, number> = { lines: said(lines.join('\n'), /^(\d[\d,]*) lines, digest/m) };
  for (const [, n, what] of counted.matchAll(/(\d[\d,]*) (\w+)/g))
    figures[what === 'device' || what === 'devices' ? 'devices' : `states.${what}`] = numberOf(n);
  return figures;
}

/** First column and number of the table whose heading begins so, to the next empty line. Lines that go on with a cell's text have no number. */
function tableOf(lines: readonly string[], title: string): readonly (readonly [string, number])[] {
  const at = lines.findIndex((line) => new RegExp(`^${title} +Devices`).test(line));
  if (at < 0) return [];
  const end = lines.indexOf('', at);
  return lines.slice(at + 1, end < 0 ? undefined : end).flatMap((line): (readonly [string, number])[] => {
    const [, name, devices] = /^(\S.*?) {2,}(\d[\d,]*)(?: {2}|$)/.exec(line) ?? [];
    return name === undefined || devices === undefined ? [] : [[name, numberOf(devices)]];
  });
}

/** A run as counts under their own names: log lines and notifications have the same shape. */
export interface SaidCounts {
  readonly devices: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
}

export function figuresOf({ devices, counts, skipped }: SaidCounts): Figures {
  const part = (name: string, tally: Readonly<Record<string, number>>) =>
    Object.entries(tally).map(([key, n]) => [`${name}.${key}`, n] as const);
  return { devices, ...Object.fromEntries([...part('states', counts), ...part('skipped', skipped)]) };
}

/** A card's facts. */
export function readCard(body: string): { readonly figures: Figures; readonly facts: ReadonlyMap<string, string> } {
  const card = JSON.parse(body) as {
    attachments: { content: { body: { facts?: { title: string; value: string }[] }[] } }[];
  };
  const list = card.attachments[0]?.content.body.flatMap(({ facts = [] }) => facts) ?? [];
  const facts = new Map(list.map(({ title, value }) => [title, value]));
  const between = list.slice(
    list.findIndex(({ title }) => title === 'Due') + 1,
    list.findIndex(({ title }) => title === 'skipped because' || title === 'Evidence' || title === 'At'),
  );
  const skipped = (facts.get('skipped because') ?? '').split(', ').filter((part) => part !== '');
  return {
    facts,
    figures: {
      ...figuresOf({
        devices: Number(facts.get('Devices')),
        counts: Object.fromEntries(between.map(({ title, value }) => [title, Number(value)])),
        skipped: Object.fromEntries(skipped.map((part) => [part.split(' ')[0] ?? '', Number(part.split(' ')[1])])),
      }),
      due: Number(facts.get('Due')),
      danger: Number(facts.get('Rotated, never escrowed') ?? 0),
    },
  };
}
