import { describe, expect, it } from 'vitest';
import { type ClaimedDevice, settlePendingClaims } from '../../../src/app/plan/pending-claims.ts';
import type { ActionResult, ActionState } from '../../../src/domain/action-result.ts';
import { type Claim, type DeviceRecord, PENDING_CLAIM_EXPIRES_MS } from '../../../src/domain/device-record.ts';
import { parseRunId, type RecoveryKeyId } from '../../../src/domain/ids.ts';
import { CLOCK_MARGIN_MS } from '../../../src/domain/newer-key.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import type { Reading } from '../../../src/domain/tenant.ts';
import { createMemoryQueues } from '../../../src/storage/memory/memory-queues.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import { createPlanning, DAY_MS, entraId, keyId, managedId, type Planning, START_MS } from './planning.ts';

const RUN = parseRunId('earlier-run');
/** Asked 20 days ago; given up ten days ago. */
const ASKED_MS = START_MS - 20 * DAY_MS;
const PENDING: NonNullable<Claim['pending']> = {
  sinceMs: START_MS - 10 * DAY_MS,
  acceptedAfterMs: ASKED_MS,
  acceptedByMs: ASKED_MS + 1_000,
  keyBeforeId: keyId(1),
};
const CLAIM: Claim = {
  runId: RUN,
  order: 3,
  attempt: 0,
  token: 't',
  claimedAtMs: ASKED_MS - 3_000,
  sendByMs: ASKED_MS + 117_000,
  pending: PENDING,
};
const recordOf = (n: number, claim: Claim = CLAIM): DeviceRecord => ({
  entraDeviceId: entraId(n),
  managedDeviceId: managedId(n),
  claim,
  lastRequestAtMs: CLAIM.claimedAtMs,
  lastRunId: RUN,
  lastState: 'overdue',
});
const action = (state: ActionState, startedAtMs = ASKED_MS + 500): ActionResult => ({
  state,
  startedAtMs,
  lastUpdatedAtMs: startedAtMs,
});
const found = (...actions: ActionResult[]): Reading<readonly ActionResult[]> => ({ kind: 'found', value: actions });

interface Case {
  readonly claim?: Claim;
  readonly reading?: Reading<readonly ActionResult[]>;
  readonly key?: Pick<ClaimedDevice, 'newestKeyAtMs' | 'newestKeyId'>;
  readonly run?: Run['state'];
  readonly imported?: readonly RecoveryKeyId[];
}

async function settle(world: Planning, devices: readonly ClaimedDevice[], idle: readonly ClaimedDevice[] = []) {
  const bounds = { deadlineAtMs: START_MS + 480_000, signal: new AbortController().signal };
  return settlePendingClaims(world.deps(), bounds, 'bulk', devices, idle);
}

async function stored(world: Planning, n: number): Promise<ClaimedDevice['stored']> {
  const found = (await world.ledger.readDevices([entraId(n)])).get(entraId(n));
  if (found === undefined) throw new Error(`device ${n} is not in the ledger`);
  return found;
}

/** How the claim of one device ends: the state it is released with, or `stands`. */
async function endOf({ claim = CLAIM, reading, key = {}, run, imported }: Case) {
  const world = createPlanning(reading === undefined ? {} : { actions: new Map([[managedId(1), reading]]) });
  if (run !== undefined) {
    const deps = world.deps();
    const row = await world.startTargets(deps, []);
    await world.ledger.createRun({ ...row, runId: RUN, state: run });
  }
  const record = { ...recordOf(1, claim), ...(imported === undefined ? {} : { importedKeyIds: imported }) };
  await world.ledger.writeDevices([{ record, version: undefined }]);
  const settled = await settle(world, [{ stored: await stored(world, 1), ...key }]);
  const { value } = await stored(world, 1);
  const state = settled.get(entraId(1));
  expect(value.claim === undefined).toBe(state !== undefined);
  if (state !== undefined) expect(value.lastState).toBe(state);
  return { end: state ?? 'stands', record: value, looked: world.looked.flat().length };
}

const { pending: _pending, ...ABANDONED } = CLAIM;
/** Before the last instant at which the request can have been taken, and after the start of its action. */
const SOON = { newestKeyAtMs: ASKED_MS + 700, newestKeyId: keyId(2) };
const NEWER = { newestKeyAtMs: ASKED_MS + DAY_MS, newestKeyId: keyId(2) };

describe('a pending claim', () => {
  it.each<[string, Case, string]>([
    ['stands while nothing is known', {}, 'stands'],
    ['stands while the action is pending', { reading: found(action('pending')) }, 'stands'],
    ['stands while the action is active', { reading: found(action('active')) }, 'stands'],
    ['stands while the state is one Graph added', { reading: found(action('unknown')) }, 'stands'],
    ['is released when the action is done', { reading: found(action('done')) }, 'confirmed'],
    ['is released when the action failed', { reading: found(action('failed')) }, 'failed'],
    ['is released when the action was canceled', { reading: found(action('canceled')) }, 'failed'],
    ['is released when the action is not supported', { reading: found(action('notSupported')) }, 'failed'],
    ['stands when only an older action is final', { reading: found(action('done', ASKED_MS - 1)) }, 'stands'],
    [
      'stands when one of two is still pending',
      { reading: found(action('done', ASKED_MS + DAY_MS), action('pending')) },
      'stands',
    ],
    ['stands while the device cannot be read', { reading: { kind: 'unreadable', status: 503 } }, 'stands'],
    ['is released when the device is gone', { reading: { kind: 'gone' } }, 'failed'],
    ['is released by a newer key', { key: NEWER }, 'proven'],
    ['stands with a newer key that was imported', { key: NEWER, imported: [keyId(7), keyId(2)] }, 'stands'],
    ['is released by a newer key beside imported ones', { key: NEWER, imported: [keyId(7)] }, 'proven'],
    [
      'is released by its action, although an imported key is newer',
      { key: NEWER, imported: [keyId(2)], reading: found(action('done')) },
      'confirmed',
    ],
    ['stands with the key known before', { key: { ...NEWER, newestKeyId: keyId(1) } }, 'stands'],
    ['stands with a key of the very instant', { key: { ...NEWER, newestKeyAtMs: PENDING.acceptedByMs } }, 'stands'],
    ['stands with an older other key', { key: { newestKeyAtMs: ASKED_MS - DAY_MS, newestKeyId: keyId(3) } }, 'stands'],
    [
      'stands for 60 days',
      { claim: { ...CLAIM, pending: { ...PENDING, sinceMs: START_MS - PENDING_CLAIM_EXPIRES_MS } } },
      'stands',
    ],
    [
      'is released after 60 days',
      { claim: { ...CLAIM, pending: { ...PENDING, sinceMs: START_MS - PENDING_CLAIM_EXPIRES_MS - 1 } } },
      'overdue',
    ],
  ])('%s', async (_what, given, end) => {
    expect((await endOf(given)).end).toBe(end);
  });

  it.each<[string, Case, number | undefined]>([
    ['its request', { reading: found(action('done', ASKED_MS + DAY_MS)) }, PENDING.acceptedByMs],
    ['its action, when that began first', { reading: found(action('done')) }, ASKED_MS + 500],
    ['nothing when the action failed', { reading: found(action('failed')) }, undefined],
    ['nothing when a newer key is listed', { key: NEWER }, undefined],
  ])('released without a newer key remembers that one is wanted, newer than %s', async (_what, given, sinceMs) => {
    expect((await endOf(given)).record.doneWithoutKeySinceMs).toBe(sinceMs);
  });

  it('is proven by a key that came between its action and the last instant at which the request can have been taken', async () => {
    const { end, record } = await endOf({ key: SOON, reading: found(action('done')) });
    expect({ end, key: record.lastKeyId }).toEqual({ end: 'proven', key: keyId(2) });
  });

  it('released by a newer key remembers the key, and costs no request', async () => {
    const { record, looked } = await endOf({ key: NEWER });
    expect(record).toMatchObject({
      lastKeyId: keyId(2),
      lastKeyAtMs: ASKED_MS + DAY_MS,
      lastRequestAtMs: CLAIM.claimedAtMs,
    });
    expect(looked).toBe(0);
  });
});

describe('the claim of a device that is not due', () => {
  it.each<[string, Case, string, number]>([
    ['is released by a newer key', { key: NEWER }, 'proven', 0],
    [
      'is released after 60 days',
      { claim: { ...CLAIM, pending: { ...PENDING, sinceMs: START_MS - PENDING_CLAIM_EXPIRES_MS - 1 } } },
      'overdue',
      0,
    ],
    ['stands otherwise, and nobody is asked', { reading: found(action('done')) }, 'stands', 0],
    ['is released by a key that its action made', { key: SOON, reading: found(action('done')) }, 'proven', 1],
    [
      'remembers that a key is wanted when its action began after the key came',
      { key: SOON, reading: found(action('done', ASKED_MS + 900)) },
      'confirmed',
      1,
    ],
    ['stands while such an action is pending', { key: SOON, reading: found(action('pending')) }, 'stands', 1],
    [
      'stands with the key known before, and nobody is asked',
      { key: { ...SOON, newestKeyId: keyId(1) }, reading: found(action('done')) },
      'stands',
      0,
    ],
    [
      'stands with a key from before the request, and nobody is asked',
      { key: { ...SOON, newestKeyAtMs: ASKED_MS - 1 }, reading: found(action('done')) },
      'stands',
      0,
    ],
  ])('%s', async (_what, { claim = CLAIM, key = {}, reading }, end, looks) => {
    const world = createPlanning(reading === undefined ? {} : { actions: new Map([[managedId(1), reading]]) });
    await world.ledger.writeDevices([{ record: recordOf(1, claim), version: undefined }]);
    const settled = await settle(world, [], [{ stored: await stored(world, 1), ...key }]);
    expect(settled.get(entraId(1)) ?? 'stands').toBe(end);
    expect((await stored(world, 1)).value.claim === undefined).toBe(end !== 'stands');
    expect(world.looked.flat()).toHaveLength(looks);
  });
});

describe('a claim that is let go', () => {
  const GIVEN_UP: Rotation = {
    ...sampleRotation(3),
    entraDeviceId: entraId(1),
    managedDeviceId: managedId(1),
    state: 'overdue',
  };

  /** The rotation and the run that gave it up, after the plan of another. */
  async function letGo(given: Case, rotation: Rotation = GIVEN_UP) {
    const world = createPlanning(
      given.reading === undefined ? {} : { actions: new Map([[managedId(1), given.reading]]) },
    );
    const run = { ...(await world.startTargets(world.deps(), [])), runId: RUN, state: 'completed' as const };
    await world.ledger.createRun(run);
    await world.ledger.writePlannedRotations(RUN, [rotation]);
    await world.ledger.writeDevices([{ record: recordOf(1), version: undefined }]);
    const queues = createMemoryQueues({ clock: world.clock });
    const bounds = { deadlineAtMs: START_MS + 480_000, signal: new AbortController().signal };
    const device = { stored: await stored(world, 1), ...given.key };
    await settlePendingClaims(world.deps({ queues }), bounds, 'bulk', [device]);
    const [row] = await world.rows(RUN);
    return { row, run: await world.run(RUN), asked: queues.sent().length };
  }

  it.each<[string, Case, object]>([
    ['by a newer key', { key: NEWER }, { state: 'proven', keyId: NEWER.newestKeyId, keyAtMs: NEWER.newestKeyAtMs }],
    [
      'by a key newer than its done action, which is told as well',
      {
        key: SOON,
        reading: { kind: 'found', value: [action('done')], trace: { requestId: 'r', clientRequestId: 'c' } },
      },
      {
        state: 'proven',
        ...{ keyId: SOON.newestKeyId, keyAtMs: SOON.newestKeyAtMs },
        ...{ actionState: 'done', actionStartedAtMs: ASKED_MS + 500, requestId: 'r', clientRequestId: 'c' },
      },
    ],
    [
      'by a done action',
      { reading: found(action('done')) },
      { state: 'confirmed', actionState: 'done', actionStartedAtMs: ASKED_MS + 500 },
    ],
    [
      'by an action that failed',
      { reading: found({ ...action('failed'), errorCode: -5 }) },
      { state: 'failed', actionState: 'failed', actionStartedAtMs: ASKED_MS + 500, errorCode: -5 },
    ],
    ['because the device is gone', { reading: { kind: 'gone' } }, { state: 'failed' }],
  ])('%s, is told beside its rotation, whose state stays, and to its run', async (_what, given, late) => {
    const { row, run, asked } = await letGo(given);
    expect(row?.state).toBe('overdue');
    expect(row?.late).toEqual({ ...late, atMs: START_MS });
    expect(run.lateNotices).toBe(1);
    expect(asked).toBe(1);
  });

  it('is told once: what was told before stays', async () => {
    const late = { state: 'expired', atMs: 1 } as const;
    const { row, run } = await letGo({ key: NEWER }, { ...GIVEN_UP, late });
    expect(row?.late).toEqual(late);
    expect(run.lateNotices).toBe(1);
  });

  it.each(['proven', 'refused', 'failed'] as const)('is not told of a rotation that was settled: %s', async (state) => {
    const { row, run, asked } = await letGo({ key: NEWER }, { ...GIVEN_UP, state });
    expect(row?.late).toBeUndefined();
    expect({ notices: run.lateNotices, asked }).toEqual({ notices: undefined, asked: 0 });
  });
});

describe('a claim that is not pending', () => {
  it.each<[string, Case, string]>([
    [
      'stands while its run is alive',
      { claim: ABANDONED, run: 'rotating', reading: found(action('done')), key: NEWER },
      'stands',
    ],
    ['stands while its run settles', { claim: ABANDONED, run: 'settling', reading: found(action('done')) }, 'stands'],
    [
      'of a completed run is looked at',
      { claim: ABANDONED, run: 'completed', reading: found(action('done')) },
      'confirmed',
    ],
    [
      'of an aborted run is looked at',
      { claim: ABANDONED, run: 'aborted', reading: found(action('pending')) },
      'stands',
    ],
    ['of a run nobody knows is looked at', { claim: ABANDONED, reading: found(action('failed')) }, 'failed'],
    [
      'of an ended run is not released by a key from before its send deadline',
      {
        claim: ABANDONED,
        run: 'completed',
        key: { newestKeyId: keyId(2), newestKeyAtMs: CLAIM.sendByMs + CLOCK_MARGIN_MS },
      },
      'stands',
    ],
  ])('%s', async (_what, given, end) => {
    expect((await endOf(given)).end).toBe(end);
  });
});

describe('many pending claims', () => {
  it('are looked at a hundred at a time, each once', async () => {
    const world = createPlanning();
    const numbers = Array.from({ length: 250 }, (_, i) => i + 1);
    world.tenant.actions = new Map(numbers.map((n) => [managedId(n), found(action(n % 2 === 0 ? 'done' : 'pending'))]));
    await world.ledger.writeDevices(numbers.map((n) => ({ record: recordOf(n), version: undefined })));
    const settled = await settle(
      world,
      await Promise.all(numbers.map(async (n) => ({ stored: await stored(world, n) }))),
    );
    expect(world.looked.map((ids) => ids.length)).toEqual([100, 100, 50]);
    expect(new Set(world.looked.flat()).size).toBe(250);
    expect([...settled.keys()].sort()).toEqual(numbers.filter((n) => n % 2 === 0).map(entraId));
  });

  it('of which another process wrote one meanwhile: that one stands for this plan', async () => {
    const world = createPlanning({ actions: new Map([[managedId(1), found(action('done'))]]) });
    await world.ledger.writeDevices([{ record: recordOf(1), version: undefined }]);
    const seen = await stored(world, 1);
    await world.ledger.writeDevices([
      { record: recordOf(1, { ...CLAIM, runId: parseRunId('another') }), version: seen.version },
    ]);
    expect((await settle(world, [{ stored: seen }])).size).toBe(0);
    expect((await stored(world, 1)).value.claim?.runId).toBe('another');
  });
});
