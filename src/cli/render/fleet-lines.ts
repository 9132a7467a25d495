/** The state of a fleet's keys for people at a terminal. Pure. Layer: cli. */
import { FLEET_NEEDS, type FleetDevice } from '../../app/fleet/fleet-devices.ts';
import type { FigureChange, FleetPicture } from '../../domain/fleet/fleet-picture.ts';
import { KEY_AGE_CLASSES } from '../../domain/key-ages.ts';
import { moment, number, plural, roundedPercent } from '../../domain/plain-figures.ts';
import { SKIP_REASONS } from '../../domain/rotation.ts';
import { SKIP_WORDS } from '../../domain/skip-words.ts';
import { bar } from './bar.ts';
import { changeWords, KEY_AGE_WORDS, NEED_WORDS, withoutKeyAgeWords } from './fleet-words.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { nameCell } from './text.ts';

/** What `keyturn fleet` found. */
export interface FleetResult {
  readonly picture: FleetPicture;
  /** The one kept last; absent when this is the first. */
  readonly previous?: FleetPicture;
  readonly changes: readonly FigureChange[];
  /** Devices that rotated and have no newer key in escrow; as many as are shown. */
  readonly rotatedWithoutKey: readonly FleetDevice[];
  readonly files: readonly string[];
}

const MOST_SHOWN = 20;
const BAR_COLUMNS = 30;

export function fleetLines(result: FleetResult, style: Style, columns: number): readonly string[] {
  const { picture } = result;
  return [
    `${style.bold(`Fleet of ${picture.tenantId}`)}  ${plural(picture.devices, 'device')}, ${number(picture.eligible)} can be asked to rotate`,
    style.dim(
      `${moment(Date.parse(picture.at))} UTC; nothing was sent. Which of those that can be asked are due, \`npx keyturn plan\` decides by their keys`,
    ),
    '',
    ...histogramLines(picture, style),
    ...needLines(picture, style, columns),
    ...dangerLines(result, style, columns),
    ...ineligibleLines(picture, style, columns),
    ...changeLines(result, style, columns),
    ...(result.files.length === 0 ? [] : ['', `Written: ${result.files.join(', ')}`]),
  ];
}

/** Every device is in one row, so that they add up to the last. */
function histogramLines(picture: FleetPicture, style: Style): readonly string[] {
  const { keyAges, devices } = picture;
  const titles = [
    { title: 'Newest key' },
    { title: 'Devices', align: 'right' },
    { title: '' },
    { title: 'Share', align: 'right' },
  ] as const;
  const row = (title: string, count: number) => {
    const share = devices === 0 ? 0 : count / devices;
    return [title, number(count), bar(share, BAR_COLUMNS), roundedPercent(share)];
  };
  const rows = [
    ...KEY_AGE_CLASSES.map((name) => row(KEY_AGE_WORDS[name], keyAges[name])),
    ...withoutKeyAgeWords(picture).map(({ title, devices: count }) => row(title, count)),
    ['all devices', number(devices)],
  ];
  return table(titles, rows, style, Number.POSITIVE_INFINITY);
}

function needLines(picture: FleetPicture, style: Style, columns: number): readonly string[] {
  const rows = FLEET_NEEDS.filter((need) => picture[need] > 0).map((need) => [
    NEED_WORDS[need].title,
    number(picture[need]),
    need === 'neverAnswered' && picture.silentSince !== undefined
      ? `${NEED_WORDS[need].meaning}; the first was asked ${moment(Date.parse(picture.silentSince))} UTC`
      : NEED_WORDS[need].meaning,
    NEED_WORDS[need].remedy,
  ]);
  if (rows.length === 0) return ['', style.good('No device needs anybody.')];
  const titles = [
    { title: 'Needs somebody' },
    { title: 'Devices', align: 'right' },
    { title: 'Meaning', grows: true },
    { title: 'What to do', grows: true },
  ] as const;
  return ['', ...table(titles, rows, style, columns)];
}

function dangerLines({ picture, rotatedWithoutKey }: FleetResult, style: Style, columns: number): readonly string[] {
  if (rotatedWithoutKey.length === 0) return [];
  const shown = rotatedWithoutKey.slice(0, MOST_SHOWN);
  const more = picture.rotatedWithoutKey - shown.length;
  const titles = [
    { title: 'Rotated, never escrowed' },
    { title: 'Asked (UTC)' },
    { title: 'Managed device id' },
  ] as const;
  const rows = shown.map(({ deviceName, askedAtMs, managedDeviceId }) => [
    nameCell(deviceName),
    askedAtMs === undefined ? '-' : moment(askedAtMs),
    managedDeviceId,
  ]);
  return [
    '',
    ...table(titles, rows, style, columns),
    ...(more > 0 ? [style.bad(`and ${number(more)} more; --csv lists all`)] : []),
  ];
}

function ineligibleLines({ ineligible }: FleetPicture, style: Style, columns: number): readonly string[] {
  const reasons = SKIP_REASONS.filter((reason) => (ineligible[reason] ?? 0) > 0);
  if (reasons.length === 0) return [];
  const rows = reasons
    .toSorted((a, b) => (ineligible[b] ?? 0) - (ineligible[a] ?? 0))
    .map((reason) => [reason, number(ineligible[reason] ?? 0), SKIP_WORDS[reason].meaning, SKIP_WORDS[reason].remedy]);
  const titles = [
    { title: 'Cannot be asked' },
    { title: 'Devices', align: 'right' },
    { title: 'Meaning', grows: true },
    { title: 'What to do', grows: true },
  ] as const;
  return ['', ...table(titles, rows, style, columns)];
}

function changeLines({ previous, changes }: FleetResult, style: Style, columns: number): readonly string[] {
  if (previous === undefined) return ['', style.dim('There is no earlier picture of this fleet to compare with.')];
  const since = `Since ${moment(Date.parse(previous.at))} UTC`;
  if (changes.length === 0) return ['', style.dim(`${since} nothing changed.`)];
  const titles = [
    { title: since },
    { title: 'Before', align: 'right' },
    { title: 'Now', align: 'right' },
    { title: 'Change', align: 'right' },
  ] as const;
  const rows = changes.map(({ name, before, now }) => [
    changeWords(name),
    number(before),
    number(now),
    `${now > before ? '+' : '−'}${number(Math.abs(now - before))}`,
  ]);
  return ['', ...table(titles, rows, style, columns)];
}
