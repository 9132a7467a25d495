import { describe, expect, it } from 'vitest';
import { claimBlock, clientRequestIdOf, lostSight, unclaim, unclaimedRecord } from '../../src/app/claim-block.ts';
import type { Claim, DeviceRecord } from '../../src/domain/device-record.ts';
import { parseRunId } from '../../src/domain/ids.ts';
import { sampleRotation, sampleRun } from '../contracts/samples.ts';
import { createPlanning, DAY_MS, entraId, keyId, managedId, START_MS } from './plan/planning.ts';

const OURS = parseRunId('run-2');
const ANOTHER = parseRunId('run-1');
const LONG_AGO_MS = START_MS - 200 * DAY_MS;
const PENDING: NonNullable<Claim['pending']> = {
  sinceMs: LONG_AGO_MS + 11 * DAY_MS,
  acceptedAfterMs: LONG_AGO_MS,
  acceptedByMs: LONG_AGO_MS + 1_000,
};
const claimOf = (changes: Partial<Claim>): Claim => ({
  runId: ANOTHER,
  order: 0,
  attempt: 0,
  token: 't',
  claimedAtMs: LONG_AGO_MS,
  sendByMs: LONG_AGO_MS + 120_000,
  ...changes,
});
const recordWith = (changes: Partial<DeviceRecord>): DeviceRecord => ({
  entraDeviceId: entraId(1),
  managedDeviceId: managedId(1),
  lastRequestAtMs: LONG_AGO_MS,
  lastRunId: ANOTHER,
  ...changes,
});

/** A due rotation of a run, in front of what the ledger holds of its device. */
async function claimOver(record: DeviceRecord | undefined, attempt = 0) {
  const world = createPlanning();
  const deps = world.deps();
  const run = sampleRun({ runId: OURS, state: 'rotating' });
  const { keyBeforeAtMs: _at, ...due } = sampleRotation(0, {
    entraDeviceId: entraId(1),
    managedDeviceId: managedId(1),
    attempt,
  });
  await world.ledger.writePlannedRotations(OURS, [due]);
  if (record !== undefined) await world.ledger.writeDevices([{ record, version: undefined }]);
  const block = await claimBlock(deps, run, await world.ledger.readRotations(OURS, 0, 1));
  const stored = async () => (await world.ledger.readDevices([entraId(1)])).get(entraId(1))?.value;
  return { deps, block, record: await stored(), stored };
}

describe('a device', () => {
  it.each<[string, DeviceRecord | undefined]>([
    ['nobody knows', undefined],
    ['nobody holds', recordWith({})],
    ['its own run holds from an earlier attempt', recordWith({ claim: claimOf({ runId: OURS, attempt: 0 }) })],
  ])('that %s is claimed', async (_what, before) => {
    const { block, record } = await claimOver(before, 1);
    expect(block).toMatchObject({ claimed: [{ claim: { runId: OURS, attempt: 1 } }], settled: [] });
    expect(record?.claim).toEqual(block.claimed[0]?.claim);
  });

  it.each<[string, Partial<Claim>]>([
    ['another run holds', {}],
    ['another run gave up on, whose request may still take effect', { pending: PENDING }],
    ['another line of the run holds', { runId: OURS, order: 7 }],
    ['another line of the run gave up on', { runId: OURS, order: 7, pending: PENDING }],
  ])('that %s is not asked: its claim stands', async (_what, claim) => {
    const before = recordWith({ claim: claimOf(claim) });
    const { block, record } = await claimOver(before);
    expect(block.claimed).toEqual([]);
    expect(block.settled).toMatchObject([{ value: { state: 'skipped', skipReason: 'rotationPending' } }]);
    expect(record).toEqual(before);
  });

  it('that its own run claimed before a crash may have been asked: it is looked at, and not asked again', async () => {
    const claim = claimOf({ runId: OURS });
    const before = recordWith({ claim });
    const { block, record } = await claimOver(before);
    const clientRequestId = clientRequestIdOf(claim);
    expect(block).toMatchObject({ claimed: [], settled: [{ value: { state: 'uncertain', clientRequestId } }] });
    expect(record).toEqual(before);
  });

  it('that was lost sight of shows nothing of what an earlier attempt was answered', () => {
    const answered = sampleRotation(0, {
      state: 'planned',
      attempt: 1,
      httpStatus: 503,
      requestId: 'r',
      clientRequestId: 'c',
    });
    const claim = claimOf({ runId: OURS, attempt: 1 });
    const lost = lostSight(answered, claim);
    expect(lost).toMatchObject({ state: 'uncertain', clientRequestId: clientRequestIdOf(claim) });
    expect(lost).not.toHaveProperty('httpStatus');
    expect(lost).not.toHaveProperty('requestId');
    const proven = sampleRotation(0, { state: 'proven' });
    expect(lostSight(proven, claim)).toBe(proven);
  });
});

describe('a claim of which nothing was sent', () => {
  const DANGEROUS = recordWith({
    lastState: 'confirmed',
    lastKeyId: keyId(1),
    lastKeyAtMs: LONG_AGO_MS - DAY_MS,
    doneWithoutKeySinceMs: LONG_AGO_MS,
    importedKeyIds: [keyId(9)],
  });

  it('leaves the record as if it had never been, to the last thing that is known of the device', () => {
    const claim = claimOf({ runId: OURS, claimedAtMs: START_MS, previousRequestAtMs: LONG_AGO_MS });
    expect(unclaimedRecord({ ...DANGEROUS, claim, lastRequestAtMs: START_MS })).toEqual(DANGEROUS);
  });

  it('leaves a device that was never asked without a last request', () => {
    const { lastRequestAtMs: _at, ...never } = recordWith({});
    expect(unclaimedRecord({ ...never, claim: claimOf({ runId: OURS }), lastRequestAtMs: START_MS })).toEqual(never);
  });

  it('is given back in the ledger, with everything but the run that held it', async () => {
    const { deps, block, stored } = await claimOver(DANGEROUS);
    await unclaim(deps, block.claimed);
    expect(await stored()).toEqual({ ...DANGEROUS, lastRunId: OURS });
  });
});
