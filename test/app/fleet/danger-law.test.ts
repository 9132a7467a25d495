/** What `fleet` says of a device after whatever was asked of it, and however that ended. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimBlock, unclaim } from '../../../src/app/claim-block.ts';
import { readFleet } from '../../../src/app/fleet/read-fleet.ts';
import { settlePendingClaims } from '../../../src/app/plan/pending-claims.ts';
import { giveBackClaims, settleClaims } from '../../../src/app/settle-claims.ts';
import type { ActionState } from '../../../src/domain/action-result.ts';
import { parseRunId } from '../../../src/domain/ids.ts';
import { applyEvent, type Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import { sampleRotation, sampleRun } from '../../contracts/samples.ts';
import { createPlanning, DAY_MS, device, entraId, key, keyId, managedId } from '../plan/planning.ts';

const SIGNAL = new AbortController().signal;
const ENDS = [
  ...(['notSent', 'neverAccepted', 'refused', 'failed', 'silent', 'abandoned', 'proven'] as const),
  ...(['done', 'doneAbandoned', 'stillLooking'] as const),
];
const LATE = ['pending', 'done', 'failed', 'gone'] as const;

/** A request, how it ends, whether a key comes after all, and what the plan of a later run finds of it. */
interface Episode {
  readonly end: (typeof ENDS)[number];
  readonly keyComes: boolean;
  readonly late: (typeof LATE)[number];
  readonly days: number;
}
const episode: fc.Arbitrary<Episode> = fc.record({
  end: fc.constantFrom(...ENDS),
  keyComes: fc.boolean(),
  late: fc.constantFrom(...LATE),
  days: fc.constantFrom(1, 10, 61),
});

/** One device's life, and beside it what is true: its keys, and since when a newer one would be needed. */
async function createLife() {
  const world = createPlanning({ devices: [device(1)], keys: [key(1, 1, 100)] });
  const deps = world.deps();
  const doneAt: number[] = [];
  let keys = 1;
  let runs = 0;

  const addKey = (createdAtMs: number) => {
    keys += 1;
    world.tenant.keys = [...world.tenant.keys, { ...key(keys, 1, 0), createdAtMs }];
    return { keyAfterId: keyId(keys), keyAfterAtMs: createdAtMs };
  };
  const newest = () => world.tenant.keys.reduce((a, b) => (a.createdAtMs > b.createdAtMs ? a : b));

  async function check(what: string): Promise<void> {
    const call = { priority: 'bulk', deadlineAtMs: Number.POSITIVE_INFINITY, signal: SIGNAL } as const;
    const { asked } = await readFleet(deps, call, () => undefined);
    const isTrue = doneAt.some((atMs) => newest().createdAtMs <= atMs);
    expect({ what, danger: asked.standing(0) === 'rotatedWithoutKey' }).toEqual({ what, danger: isTrue });
  }

  /** The rotation as its looks left it. */
  function ended(claimed: Rotation, { end, keyComes }: Episode, acceptedByMs: number): Rotation {
    const taken = { acceptedAfterMs: acceptedByMs - 1_000, acceptedByMs };
    const accepted = applyEvent(claimed, { kind: 'accepted' }, taken);
    const action = (actionState: ActionState) => ({ actionState, actionStartedAtMs: acceptedByMs - 300 });
    const done = () => {
      doneAt.push(acceptedByMs - 300);
      return applyEvent(accepted, { kind: 'actionDone' }, { ...action('done'), confirmedAtMs: acceptedByMs + 60_000 });
    };
    switch (end) {
      case 'notSent':
        return applyEvent(claimed, { kind: 'unclaimed' });
      case 'neverAccepted': {
        const { claimedAtMs: _at, sendByMs: _by, ...rest } = applyEvent(claimed, { kind: 'lostSight' });
        return applyEvent({ ...rest, attempt: rest.attempt + 1 }, { kind: 'neverAccepted' });
      }
      case 'refused':
        return applyEvent(claimed, { kind: 'refused' }, { httpStatus: 404 });
      case 'failed':
        return applyEvent(accepted, { kind: 'actionFailed' }, { ...action('failed'), failure: 'action' });
      case 'silent':
        return applyEvent({ ...accepted, ...action('pending') }, { kind: 'looksExhausted' });
      case 'abandoned':
        return applyEvent(accepted, { kind: 'abandoned' });
      case 'proven':
        return applyEvent(keyComes ? done() : accepted, { kind: 'keySeen' }, addKey(acceptedByMs + 30_000));
      case 'done':
        return applyEvent(done(), { kind: 'looksExhausted' });
      case 'doneAbandoned':
        return applyEvent(done(), { kind: 'abandoned' });
      case 'stillLooking':
        return done();
    }
  }

  async function ask(given: Episode): Promise<void> {
    runs += 1;
    const run: Run = sampleRun({ runId: parseRunId(`run-${runs}`), state: 'rotating', targets: [] });
    await world.ledger.createRun(run);
    const planned = sampleRotation(0, { entraDeviceId: entraId(1), managedDeviceId: managedId(1), keyCount: 1 });
    await world.ledger.writePlannedRotations(run.runId, [{ ...planned, keyBeforeId: newest().keyId }]);
    const [row] = await world.ledger.readRotations(run.runId, 0, 1);
    if (row === undefined) throw new Error('the rotation is not in the ledger');
    const { claimed, settled } = await claimBlock(deps, run, [row]);
    const claim = claimed[0]?.claim;
    const { claimedAtMs = 0, sendByMs = 0 } = claim ?? {};
    const asked = applyEvent(row.value, { kind: 'claimed' }, { claimedAtMs, sendByMs });
    const value = claim === undefined ? (settled[0]?.value ?? row.value) : ended(asked, given, claimedAtMs + 2_000);
    await world.ledger.writeRotations(run.runId, [{ ...row, value }]);
    await check('after the row, before the claim');
    if (given.end === 'notSent') await unclaim(deps, claimed);
    if (given.end === 'neverAccepted') await giveBackClaims(deps, run, [value]);
    await settleClaims(deps, run, [value]);
    await settleClaims(deps, run, [value]);
    await check('after the claim');
    if (given.end === 'stillLooking') return;
    const stored = await world.ledger.readRun(run.runId);
    if (stored !== undefined) await world.ledger.writeRun({ ...run, state: 'completed' }, stored.version);
    await check('after the run');
    if (claim !== undefined && given.end !== 'proven' && given.keyComes) addKey(world.clock.nowMs() + 3_600_000);
  }

  /** Of a claim that is pending the plan learns what there is to learn, and lets go or not. */
  async function plan({ late }: Episode): Promise<void> {
    const stored = (await world.ledger.readDevices([entraId(1)])).get(entraId(1));
    const pending = stored?.value.claim?.pending;
    if (stored === undefined || pending === undefined) return;
    const startedAtMs = pending.acceptedByMs - 300;
    const states = { pending: 'pending', done: 'done', failed: 'failed' } as const;
    world.tenant.actions = new Map([
      [
        managedId(1),
        late === 'gone'
          ? { kind: 'gone' as const }
          : { kind: 'found', value: [{ state: states[late], startedAtMs, lastUpdatedAtMs: startedAtMs }] },
      ],
    ]);
    const { keyId: newestKeyId, createdAtMs: newestKeyAtMs } = newest();
    const bounds = { deadlineAtMs: Number.POSITIVE_INFINITY, signal: SIGNAL };
    const looked = world.looked.length;
    const claimed = [{ stored, newestKeyId, newestKeyAtMs }];
    await settlePendingClaims(deps, bounds, 'bulk', claimed);
    if (late === 'done' && world.looked.length > looked) doneAt.push(startedAtMs);
    await check('after the plan');
    await settlePendingClaims(deps, bounds, 'bulk', claimed);
    await check('after the plan was made twice');
  }

  return {
    async live(given: Episode): Promise<void> {
      await ask(given);
      await world.clock.sleep(given.days * DAY_MS);
      await check('days later');
      await plan(given);
    },
    run: world.clock.run,
  };
}

describe('a device', () => {
  it('is called rotated without a key exactly when some request of it was done and no key newer than that is listed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(episode, { minLength: 1, maxLength: 6 }), async (episodes) => {
        const life = await createLife();
        await life.run(async () => {
          for (const one of episodes) await life.live(one);
        });
      }),
      { numRuns: 80, seed: 4 },
    );
  });
});
