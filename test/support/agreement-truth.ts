/** What evidence says, held against what the simulated tenant has in escrow and what its devices really did. */
import { expect } from 'vitest';
import type { Run } from '../../src/domain/run.ts';
import type { DeviceTruth } from '../../src/simulator/truth.ts';
import { isRotatedWithoutKey, type Line, type Sheet } from './agreement-csv.ts';
import type { Life } from './agreement-life.ts';
import { actionsOf, type ListedKey, type Listing } from './agreement-listing.ts';

/** A run that has ended, and its latest evidence. */
export interface Story {
  readonly run: Run;
  readonly sheet: Sheet;
}

/** A request is taken within the second in its answer's `Date`; nothing here happens that close together. */
const MARGIN_MS = 2_000;

/** Fails unless all that the files say is so, and nothing that they should say is missing. `isLast`: every run has ended, and is among them. */
export async function expectTrue(
  life: Life,
  stories: readonly Story[],
  listing: Listing,
  { isLast }: { readonly isLast: boolean },
): Promise<void> {
  const { sim } = life.world;
  expect(sim.referee.violations).toEqual([]);
  const truths = new Map([...sim.truth.devices()].map((truth) => [truth.managedDeviceId, truth]));
  const proofs = new Map<string, string>();
  for (const { run, sheet } of stories) {
    expectCountedOnce(life, run, sheet, truths);
    for (const line of sheet.devices) expectProof(run, line, listing, proofs);
    await expectDangerKnown(life, sheet, listing);
  }
  if (isLast) expectAskedFor(life, stories, truths);
}

/** The keys of the device that are newer than the request, oldest first. */
function newerKeys(line: Line, { osKeys }: Pick<Listing, 'osKeys'>): readonly ListedKey[] {
  const askedAtMs = Date.parse(line.acceptedBy || line.claimedAt);
  return (osKeys.get(line.entraDeviceId) ?? []).filter(
    ({ id, createdDateTime }) => id !== line.keyBeforeId && Date.parse(createdDateTime) > askedAtMs - MARGIN_MS,
  );
}

/** Every device in one line, and none that is not there; none left out but what a page lost, or somebody deleted. */
function expectCountedOnce(life: Life, run: Run, { devices }: Sheet, truths: ReadonlyMap<string, DeviceTruth>): void {
  const ids = new Set(devices.map(({ managedDeviceId }) => managedDeviceId));
  const orders = new Set(devices.map(({ order }) => order));
  const where = { run: run.runId, lines: devices.length };
  expect({ ...where, ids: ids.size, orders: orders.size }).toEqual({ ...where, ids: where.lines, orders: where.lines });
  for (const id of ids) expect(truths.get(id)?.kind ?? 'otherPlatform').not.toBe('otherPlatform');
  if (run.targets !== undefined) return;
  const untilMs = run.rotatingStartedAtMs ?? run.finishedAtMs ?? Number.POSITIVE_INFINITY;
  const struck = life.storm.struck.get('page lost') ?? [];
  const lostPages = struck.filter((atMs) => atMs >= run.createdAtMs && atMs <= untilMs).length;
  const missing = [...truths.values()].filter(
    ({ kind, managedDeviceId }) =>
      kind !== 'otherPlatform' && !ids.has(managedDeviceId) && !life.meddledWith.has(managedDeviceId),
  );
  expect({ ...where, missing: missing.length }).toEqual({
    ...where,
    missing: Math.min(missing.length, lostPages * LOST_AT_MOST),
  });
}
/** One device in fifty of a page. */
const LOST_AT_MOST = 20;

/** A proof is a key in escrow, of that device, newer than the request; no key proves two. */
function expectProof(run: Run, line: Line, listing: Listing, proofs: Map<string, string>): void {
  const { state, lateState, deviceName, keyAfterId, lateKeyId } = line;
  for (const [claims, keyId, keyAt] of [
    [state === 'proven', keyAfterId, line.keyAfterAt],
    [lateState === 'proven', lateKeyId, line.lateKeyAt],
  ] as const) {
    const where = { run: run.runId, deviceName };
    expect({ ...where, hasKey: keyId !== '' }).toEqual({ ...where, hasKey: claims });
    if (!claims) continue;
    const key = newerKeys(line, listing).find(({ id }) => id === keyId);
    expect({ ...where, createdAt: new Date(key?.createdDateTime ?? 0).toISOString() }).toEqual({
      ...where,
      createdAt: keyAt,
    });
    expect({ ...where, provedBefore: proofs.get(keyId) }).toEqual({ ...where, provedBefore: undefined });
    proofs.set(keyId, run.runId);
  }
  expectMarked(line);
}

/** A proof of which nobody ever read that the action was done is marked, in whichever file. */
function expectMarked(line: Line): void {
  const { deviceName, state, lateState, confirmedAt, actionState, lateActionState } = line;
  const isDone = confirmedAt !== '' || [actionState, lateActionState].includes('done');
  const mark = (isProven: boolean) => (isProven && !isDone ? 'yes' : '');
  expect({ deviceName, unconfirmed: line.unconfirmed, lateUnconfirmed: line.lateUnconfirmed }).toEqual({
    deviceName,
    unconfirmed: mark(state === 'proven'),
    lateUnconfirmed: mark(lateState === 'proven'),
  });
}

/** Requests that were taken are told, and none twice; what was proven rotated because it was asked to, unless others meddled. */
function expectAskedFor(
  { world, meddledWith }: Life,
  stories: readonly Story[],
  truths: ReadonlyMap<string, DeviceTruth>,
): void {
  const all = stories.flatMap(({ sheet }) => sheet.devices);
  const isTold = ({ acceptedBy }: Line) => acceptedBy !== '';
  const isUncertain = ({ uncertain }: Line) => uncertain !== '';
  const told = all.filter(isTold).length;
  const { rotationsAccepted } = world.sim.referee;
  expect(rotationsAccepted).toBeGreaterThanOrEqual(told);
  expect(rotationsAccepted).toBeLessThanOrEqual(told + all.filter(isUncertain).length);

  const lines = Map.groupBy(all, ({ managedDeviceId }) => managedDeviceId);
  for (const [id, { deviceName, kind, requested, rotated }] of truths) {
    const own = lines.get(id) ?? [];
    const proofs = own.filter(({ state, lateState }) => state === 'proven' || lateState === 'proven').length;
    const where = { deviceName, kind };
    const mostRequests = own.filter((line) => isTold(line) || isUncertain(line)).length;
    expect({ ...where, requested }).toEqual({ ...where, requested: Math.min(requested, mostRequests) });
    if (meddledWith.has(id) || kind === 'duplicateRecord') continue;
    expect({ ...where, proofs }).toEqual({ ...where, proofs: Math.min(proofs, rotated, requested) });
  }
}

/** Whoever is called dangerous has no newer key; whoever the last look could see as dangerous is called so. */
async function expectDangerKnown(life: Life, { devices, run }: Sheet, listing: Listing): Promise<void> {
  const { confirmScheduleMs } = run.settings as { readonly confirmScheduleMs: readonly number[] };
  const looksMs = confirmScheduleMs.reduce((sum, ms) => sum + ms, 0);
  const { clock, sim } = life.world;
  for (const line of devices) {
    const { state, lateState, lateAt, deviceName, acceptedBy, claimedAt } = line;
    if (state !== 'overdue' && state !== 'abandoned') continue;
    const isNamed = isRotatedWithoutKey(line);
    const [oldest] = newerKeys(line, listing);
    const keyAtMs = oldest === undefined ? Number.POSITIVE_INFINITY : Date.parse(oldest.createdDateTime);
    const lookedAtMs = lateAt === '' ? Date.parse(acceptedBy || claimedAt) + looksMs : Date.parse(lateAt);
    // Given up on with its looks garbled, nobody looked as long.
    if (isNamed && (state === 'overdue' || lateState !== ''))
      expect({ deviceName, hadKey: keyAtMs < lookedAtMs - SKEW_MS }).toEqual({ deviceName, hadKey: false });
    if (isNamed || lateState !== '' || state !== 'overdue' || keyAtMs < lookedAtMs + SKEW_MS) continue;
    const actions = await actionsOf(sim, clock, line.managedDeviceId);
    const own = actions.find(({ startDateTime }) => isWithin(line, Date.parse(startDateTime)));
    const isDone = own?.actionState === 'done' && Date.parse(own.lastUpdatedDateTime) < lookedAtMs - SKEW_MS;
    expect({ deviceName, isDone }).toEqual({ deviceName, isDone: false });
  }
}
/** How far the tenant's clock may be off, and more. */
const SKEW_MS = 60_000;

function isWithin({ acceptedAfter, acceptedBy }: Line, atMs: number): boolean {
  return atMs >= Date.parse(acceptedAfter) && atMs <= Date.parse(acceptedBy) + MARGIN_MS;
}
