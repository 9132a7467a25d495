import { describe, expect, it } from 'vitest';
import { type ClaimedDevice, settlePendingClaims } from '../../../src/app/plan/pending-claims.ts';
import type { ActionResult, ActionState } from '../../../src/domain/action-result.ts';
import { type Claim, type DeviceRecord, PENDING_CLAIM_EXPIRES_MS } from '../../../src/domain/device-record.ts';
import { parseRunId } from '../../../src/domain/ids.ts';
import { CLOCK_MARGIN_MS } from '../../../src/domain/observe.ts';
import type { Reading } from '../../../src/domain/ports.ts';
import type { Run } from '../../../src/domain/run.ts';
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
}

async function settle(world: Planning, devices: readonly ClaimedDevice[]) {
  const bounds = { deadlineAtMs: START_MS + 480_000, signal: new AbortController().signal };
  return settlePendingClaims(world.deps(), bounds, 'bulk', devices);
}

async function stored(world: Planning, n: number): Promise<ClaimedDevice['stored']> {
  const found = (await world.ledger.readDevices([entraId(n)])).get(entraId(n));
  if (found === undefined) throw new Error(`device ${n} is not in the ledger`);
  return found;
}

/** How the claim of one device ends: the state it is released with, or `stands`. */
async function endOf({ claim = CLAIM, reading, key = {}, run }: Case) {
  const world = createPlanning(reading === undefined ? {} : { actions: new Map([[managedId(1), reading]]) });
  if (run !== undefined) {
    const deps = world.deps();
    const row = await world.startTargets(deps, []);
    await world.ledger.createRun({ ...row, runId: RUN, state: run });
  }
  await world.ledger.writeDevices([{ record: recordOf(1, claim), version: undefined }]);
  const settled = await settle(world, [{ stored: await stored(world, 1), ...key }]);
  const { value } = await stored(world, 1);
  const state = settled.get(entraId(1));
  expect(value.claim === undefined).toBe(state !== undefined);
  if (state !== undefined) expect(value.lastState).toBe(state);
  return { end: state ?? 'stands', record: value, looked: world.looked.flat().length };
}

const { pending: _pending, ...ABANDONED } = CLAIM;
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
