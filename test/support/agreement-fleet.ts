/** What `keyturn fleet` says in each of its forms, held against the tenant's own listing and the rows of every run. */
import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import { fleetCsv } from '../../src/app/fleet/fleet-csv.ts';
import { countInNeed, devicesInNeed, FLEET_NEEDS } from '../../src/app/fleet/fleet-devices.ts';
import { fleetLines } from '../../src/cli/render/fleet-lines.ts';
import { fleetPage } from '../../src/cli/render/fleet-page.ts';
import { KEY_AGE_WORDS, NEED_WORDS } from '../../src/cli/render/fleet-words.ts';
import { createStyle } from '../../src/cli/render/style.ts';
import type { FleetPicture } from '../../src/domain/fleet/fleet-picture.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import { KEY_AGE_CLASSES } from '../../src/domain/key-ages.ts';
import { isTerminal, type Rotation } from '../../src/domain/rotation.ts';
import type { Run } from '../../src/domain/run.ts';
import { type FleetView, viewFleet } from '../app/fleet/fleet-world.ts';
import { ageOf, type Figures } from './agreement-csv.ts';
import type { Life } from './agreement-life.ts';
import type { ListedDevice, ListedKey, Listing } from './agreement-listing.ts';
import { numberOf, rowsOf } from './agreement-pages.ts';

/** What an outsider makes of a device. */
interface Known {
  readonly device: ListedDevice;
  readonly reason?: string;
  readonly needs: readonly string[];
  readonly age?: string;
  readonly isInProgress: boolean;
}

const DAY_MS = 86_400_000;
const NO_ID = /^[0-]+$/;
const LEAVING = ['retirePending', 'retireIssued', 'wipePending', 'wipeIssued', 'deletePending', 'discovered'];
const ROTATING = [
  'windowsAzureADJoin',
  'windowsBulkAzureDomainJoin',
  'windowsAzureADJoinUsingDeviceAuth',
  'windowsCoManagement',
];
const PLAIN = createStyle(false);

/** In rough weather a listing may have to be begun anew. */
export async function viewInRoughWeather({ world, storm }: Life): Promise<FleetView> {
  const before = storm.weather;
  storm.weather = 'rough';
  try {
    for (;;) {
      try {
        return await viewFleet(world);
      } catch (error) {
        if (!(error instanceof GraphError)) throw error;
        await world.clock.sleep(300_000);
      }
    }
  } finally {
    storm.weather = before;
  }
}

/** `listing`: read right after the view. */
export async function expectFleet(
  { world, outputs }: Life,
  { reading, picture }: FleetView,
  runs: readonly Run[],
  listing: Listing,
): Promise<void> {
  const asked = await askedRows(world, runs);
  const known = outsideView(world.settings.exclude, listing, asked, reading.nowMs);
  const counted = count(known);
  expect(figuresOf(picture)).toEqual(counted);

  const table = [...fleetCsv(reading)].join('');
  outputs.push(table, JSON.stringify(picture));
  const csv = parse(table, { columns: true }) as readonly Readonly<Record<string, string>>[];
  const byId = (rows: Iterable<readonly [string, unknown]>) => Object.fromEntries([...rows].sort());
  const ages = new Map<string, string>(KEY_AGE_CLASSES.map((name, i) => [name, AGES[i] ?? '']));
  expect(
    byId(
      csv.map((row) => [
        row.managedDeviceId ?? '',
        [row.ineligible, row.needs, ages.get(row.keyAge ?? '') ?? '', row.inProgress],
      ]),
    ),
  ).toEqual(
    byId(
      known.map(({ device, reason, needs, age, isInProgress }) => [
        device.id,
        [reason ?? '', needs.join(' '), age ?? '', isInProgress ? 'yes' : ''],
      ]),
    ),
  );

  const result = {
    picture,
    changes: [],
    files: [],
    rotatedWithoutKey: devicesInNeed(reading, ['rotatedWithoutKey'], 1_000),
  };
  expect(result.rotatedWithoutKey).toHaveLength(counted.rotatedWithoutKey ?? 0);
  const lines = fleetLines(result, PLAIN, 200);
  outputs.push(lines.join('\n'));
  expect(linesFigures(lines)).toEqual(without(counted, ['inProgress']));
  const inNeed = devicesInNeed(reading, FLEET_NEEDS, 2_000);
  const page = [
    ...fleetPage({ picture, changes: [], cloud: 'global', inNeed, inNeedInAll: countInNeed(reading) }),
  ].join('');
  outputs.push(page);
  expect(pageFigures(page)).toEqual(counted);
  expect(inNeed).toHaveLength(known.filter(({ needs }) => needs.length > 0).length);
}

/** In the classes of `ageOf`. */
const AGES = ['30', '90', '180', '365', 'older', 'none'] as const;

interface AskedRow {
  readonly row: Rotation;
  readonly isOver: boolean;
}

/** Rows of devices that may have been asked, by Entra device id, oldest request first. */
async function askedRows(
  world: Life['world'],
  runs: readonly Run[],
): Promise<ReadonlyMap<string, readonly AskedRow[]>> {
  const all: AskedRow[] = [];
  for (const run of runs) {
    const isOver = run.finishedAtMs !== undefined;
    for (const row of await world.rotations(run.runId))
      if (row.claimedAtMs !== undefined && !['planned', 'skipped'].includes(row.state)) all.push({ row, isOver });
  }
  const byTime = all.toSorted((a, b) => (a.row.claimedAtMs ?? 0) - (b.row.claimedAtMs ?? 0));
  return Map.groupBy(byTime, ({ row }) => row.entraDeviceId ?? '');
}

function outsideView(
  exclude: readonly string[],
  listing: Listing,
  asked: ReadonlyMap<string, readonly AskedRow[]>,
  nowMs: number,
): readonly Known[] {
  const newest = new Map<string, ListedDevice>();
  for (const device of listing.devices) {
    const other = newest.get(device.azureADDeviceId);
    if (other === undefined || other.lastSyncDateTime < device.lastSyncDateTime)
      newest.set(device.azureADDeviceId, device);
  }
  return listing.devices.map((device): Known => {
    const { azureADDeviceId: id } = device;
    const isStale = !NO_ID.test(id) && newest.get(id) !== device;
    const reason = isStale ? 'duplicateRecord' : reasonOf(device, exclude, nowMs);
    if (reason === 'duplicateRecord' || reason === 'noEntraDeviceId')
      return { device, reason, needs: [], isInProgress: false };
    const keys = (listing.osKeys.get(id) ?? []).filter(({ createdDateTime }) => Date.parse(createdDateTime) <= nowMs);
    const rows = asked.get(id) ?? [];
    const last = rows.at(-1);
    const createdAt = keys.at(-1)?.createdDateTime ?? '';
    return {
      device,
      ...(reason === undefined ? {} : { reason }),
      needs: [...standing(rows, keys), ...needsOf(createdAt, listing.keyCounts.get(id) ?? 0, nowMs)],
      age: ageOf(createdAt, nowMs),
      isInProgress: last !== undefined && !last.isOver && !isTerminal(last.row.state),
    };
  });
}

/** As the README says them; the first that applies. */
function reasonOf(device: ListedDevice, exclude: readonly string[], nowMs: number): string | undefined {
  const build = Number(device.osVersion.split('.')[2]);
  if (exclude.some((glob) => device.deviceName.startsWith(glob.replace('*', '')))) return 'excluded';
  if (NO_ID.test(device.azureADDeviceId)) return 'noEntraDeviceId';
  if (LEAVING.includes(device.managementState) || !/mdm/i.test(device.managementAgent)) return 'notManaged';
  if (!ROTATING.includes(device.deviceEnrollmentType)) return 'enrollmentTypeUnsupported';
  if (build < 18_363) return 'osTooOld';
  if (!device.isEncrypted) return 'notEncrypted';
  return nowMs - Date.parse(device.lastSyncDateTime) > 14 * DAY_MS ? 'notSeenRecently' : undefined;
}

/** Dangerous from the first action that was seen done without a newer key, until one comes; silent while the last request is. */
function standing(rows: readonly AskedRow[], keys: readonly ListedKey[]): readonly string[] {
  const isAnswered = ({ row }: AskedRow) => {
    const afterMs = Math.min(
      row.acceptedByMs ?? Number.POSITIVE_INFINITY,
      row.actionStartedAtMs ?? Number.POSITIVE_INFINITY,
      row.claimedAtMs ?? Number.POSITIVE_INFINITY,
    );
    return keys.some(({ id, createdDateTime }) => id !== row.keyBeforeId && Date.parse(createdDateTime) > afterMs);
  };
  const isDone = ({ row }: AskedRow) => row.actionState === 'done' || row.late?.state === 'confirmed';
  if (rows.some((one) => isDone(one) && !isAnswered(one))) return ['rotatedWithoutKey'];
  const last = rows.at(-1);
  const isGivenUp = last !== undefined && ['overdue', 'abandoned'].includes(last.row.state);
  const isSilent = isGivenUp && (last.row.late === undefined || last.row.late.state === 'expired');
  return isSilent && !isAnswered(last) ? ['neverAnswered'] : [];
}

function needsOf(createdAt: string, keyCount: number, nowMs: number): readonly string[] {
  return [
    ...(keyCount >= 195 ? ['atKeyLimit'] : []),
    ...(keyCount >= 180 && keyCount < 195 ? ['nearKeyLimit'] : []),
    ...(createdAt === '' ? ['withoutKey'] : []),
    ...(createdAt !== '' && nowMs - Date.parse(createdAt) > 90 * DAY_MS ? ['pastMaxKeyAge'] : []),
  ];
}

function count(known: readonly Known[]): Figures {
  const figures: Record<string, number> = {};
  const add = (name: string) => {
    figures[name] = (figures[name] ?? 0) + 1;
  };
  for (const { reason, needs, age, isInProgress } of known) {
    add('devices');
    add(reason === undefined ? 'eligible' : `ineligible.${reason}`);
    for (const need of needs) add(need);
    if (age !== undefined) add(`age.${age}`);
    if (isInProgress) add('inProgress');
  }
  return figures;
}

function figuresOf({
  tenantId: _tenant,
  at: _at,
  silentSince: _since,
  keyAges,
  ineligible,
  ...figures
}: FleetPicture): Figures {
  return nonZero({
    ...figures,
    ...Object.fromEntries(Object.entries(ineligible).map(([name, n]) => [`ineligible.${name}`, n])),
    ...Object.fromEntries(KEY_AGE_CLASSES.map((name, i) => [`age.${AGES[i]}`, keyAges[name]])),
  });
}

function nonZero(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, n]) => n !== 0));
}

function without(figures: Figures, names: readonly string[]): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([name]) => !names.includes(name)));
}

/** Rows of the table of ages; its last ones hold those that have none, and all. */
const AGE_TITLES: ReadonlyMap<string, string> = new Map([
  ...KEY_AGE_CLASSES.map((name, i) => [KEY_AGE_WORDS[name], `age.${AGES[i]}`] as const),
  ['no Entra device id: age not known', 'ineligible.noEntraDeviceId'],
  ['second record of a device', 'ineligible.duplicateRecord'],
  ['all devices', 'devices'],
]);
const NEED_TITLES: ReadonlyMap<string, string> = new Map(FLEET_NEEDS.map((need) => [NEED_WORDS[need].title, need]));

/** What is neither an age nor a need is a reason, as it is. */
function nameOf(title: string): string {
  return NEED_TITLES.get(title) ?? `ineligible.${title}`;
}

function ageNameOf(title: string): string {
  return AGE_TITLES.get(title) ?? `unknown age: ${title}`;
}

/** Takes a figure down. What is told twice must be told alike. */
function note(figures: Record<string, number>, name: string, n: number): void {
  expect({ name, n: figures[name] ?? n }).toEqual({ name, n });
  figures[name] = n;
}

function linesFigures(lines: readonly string[]): Figures {
  const [, devices, eligible] = / {2}([\d,]+) devices, ([\d,]+) can be asked/.exec(lines[0] ?? '') ?? [];
  const figures: Record<string, number> = { devices: numberOf(devices), eligible: numberOf(eligible) };
  const tables = lines.join('\n').split('\n\n');
  for (const [heading, naming] of [
    ['Newest key ', ageNameOf],
    ['Needs somebody ', nameOf],
    ['Cannot be asked ', nameOf],
  ] as const) {
    for (const line of tables
      .find((one) => one.startsWith(heading))
      ?.split('\n')
      .slice(1) ?? []) {
      const [, title, n] = /^(\S.*?) {2,}(\d[\d,]*)(?: {2}|$)/.exec(line) ?? [];
      if (title !== undefined && n !== undefined) note(figures, naming(title), numberOf(n));
    }
  }
  return nonZero(figures);
}

function pageFigures(page: string): Figures {
  const figures: Record<string, number> = {};
  const [, devices, eligible, inProgress] =
    /([\d,]+) devices, ([\d,]+) can be asked to rotate, ([\d,]+) asked by a run that still looks/.exec(page) ?? [];
  Object.assign(figures, {
    devices: numberOf(devices),
    eligible: numberOf(eligible),
    inProgress: numberOf(inProgress),
  });
  const partOf = (id: string) => page.split(`<section aria-labelledby="${id}">`)[1]?.split('</section>')[0] ?? '';
  const small = (title: string) => title.charAt(0).toLowerCase() + title.slice(1);
  for (const [title = '', n] of rowsOf(partOf('ages'))) note(figures, ageNameOf(small(title)), numberOf(n));
  const [, others = ''] = /<p class="note">(.*?)\. With those above/.exec(partOf('ages')) ?? [];
  for (const other of others.split('; ').filter((one) => one !== '')) {
    const [, title = '', n] = /^(.*): ([\d,]+)$/.exec(other) ?? [];
    note(figures, ageNameOf(small(title)), numberOf(n));
  }
  for (const id of ['needs', 'ineligible'])
    for (const [title = '', n] of rowsOf(partOf(id))) note(figures, nameOf(small(title)), numberOf(n));
  return nonZero(figures);
}
