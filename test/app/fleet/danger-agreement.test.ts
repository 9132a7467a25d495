/** Report, webhook and fleet on the same device: one rule, three readers. */
import { describe, expect, it } from 'vitest';
import type { Deps } from '../../../src/app/deps.ts';
import { readFleet } from '../../../src/app/fleet/read-fleet.ts';
import { notifyEnded } from '../../../src/app/notify/notify-run.ts';
import { takeLease } from '../../../src/app/run-lease.ts';
import { settleClaims } from '../../../src/app/settle-claims.ts';
import type { ActionState } from '../../../src/domain/action-result.ts';
import { deviceCells } from '../../../src/domain/evidence/device-cells.ts';
import { hasRotatedWithoutKey } from '../../../src/domain/fleet/rotated-without-key.ts';
import { parseRunId } from '../../../src/domain/ids.ts';
import type { RunNotification } from '../../../src/domain/notification.ts';
import { deviceOutcome } from '../../../src/domain/report/device-outcome.ts';
import { OUTCOME_WORDS } from '../../../src/domain/report/outcome-words.ts';
import { type LateOutcome, ROTATION_STATES, type Rotation } from '../../../src/domain/rotation.ts';
import { sampleRotation, sampleRun } from '../../contracts/samples.ts';
import { createPlanning, DAY_MS, device, entraId, key, keyId, managedId, START_MS } from '../plan/planning.ts';

const RUN = parseRunId('run-1');
const ASKED_MS = START_MS - 5 * DAY_MS;
const ACTION_STATES: readonly (ActionState | undefined)[] = [
  undefined,
  ...(['none', 'pending', 'canceled', 'active', 'done', 'failed', 'notSupported', 'unknown'] as const),
];
/** What is known of keys, and what came to light after the run had given up. */
const LATER: readonly (LateOutcome['state'] | 'newKey' | undefined)[] = [
  undefined,
  'newKey',
  'proven',
  'confirmed',
  'failed',
  'expired',
];

/** Every rotation there can be, and more that cannot. The one of order `n` is of device `n + 1`, whose newer key is number `n + 1001`. */
const rotations: readonly Rotation[] = ROTATION_STATES.flatMap((state) =>
  ACTION_STATES.flatMap((actionState) =>
    LATER.filter((later) => !isLate(later) || state === 'overdue' || state === 'abandoned')
      // A rotation is proven by its key.
      .filter((later) => state !== 'proven' || later === 'newKey')
      .map((later) => ({ state, actionState, later })),
  ),
).map(({ state, actionState, later }, order) => {
  const keyAtMs = ASKED_MS + 60_000;
  return sampleRotation(order, {
    entraDeviceId: entraId(order + 1),
    managedDeviceId: managedId(order + 1),
    keyBeforeId: keyId(order + 1),
    state,
    claimedAtMs: ASKED_MS - 3_000,
    sendByMs: ASKED_MS + 117_000,
    acceptedAfterMs: ASKED_MS - 1_000,
    acceptedByMs: ASKED_MS,
    ...(actionState === undefined ? {} : { actionState, actionStartedAtMs: ASKED_MS - 500 }),
    ...(later === 'newKey' ? { keyAfterId: keyId(1_001 + order), keyAfterAtMs: keyAtMs } : {}),
    ...(isLate(later)
      ? {
          late: {
            state: later,
            atMs: START_MS,
            ...(later === 'proven' ? { keyId: keyId(1_001 + order), keyAtMs } : {}),
          },
        }
      : {}),
  });
});

function isLate(later: (typeof LATER)[number]): later is LateOutcome['state'] {
  return later !== undefined && later !== 'newKey';
}

const namesOf = (ids: Iterable<string>) => [...ids].toSorted();

describe('devices that rotated without a new key in escrow', () => {
  it('are the same ones for report, webhook and fleet, whatever the rotation, its action, and its keys', async () => {
    const run = sampleRun({ runId: RUN, state: 'settling', due: rotations.length, devices: rotations.length });
    const hasNewKey = ({ keyAfterId, late }: Rotation) => keyAfterId !== undefined || late?.keyId !== undefined;
    const world = createPlanning({
      devices: rotations.map((_, order) => device(order + 1)),
      keys: rotations.flatMap((rotation, order) => [
        key(order + 1, order + 1, 100),
        ...(hasNewKey(rotation) ? [{ ...key(1_001 + order, order + 1, 0), createdAtMs: ASKED_MS + 60_000 }] : []),
      ]),
    });
    const told: RunNotification[] = [];
    const notifier: Deps['notifier'] = {
      send: async (notification) => {
        told.push(notification);
        return { kind: 'sent' };
      },
    };
    const deps = world.deps({ notifier });
    await world.ledger.createRun(run);
    await world.ledger.writePlannedRotations(RUN, rotations);
    await world.ledger.writeDevices(
      rotations.map(({ order, claimedAtMs = 0, sendByMs = 0 }) => ({
        record: {
          entraDeviceId: entraId(order + 1),
          managedDeviceId: managedId(order + 1),
          claim: { runId: RUN, order, attempt: 0, token: 't', claimedAtMs, sendByMs },
          lastRequestAtMs: claimedAtMs,
          lastRunId: RUN,
        },
        version: undefined,
      })),
    );
    for (let from = 0; from < rotations.length; from += 100)
      await settleClaims(deps, run, rotations.slice(from, from + 100));

    const byRule = namesOf(rotations.filter(hasRotatedWithoutKey).map(({ managedDeviceId }) => managedDeviceId));
    expect(byRule.length).toBeGreaterThan(20);
    expect(byRule.length).toBeLessThan(rotations.length / 2);

    const byReport = rotations.filter(
      (rotation) => OUTCOME_WORDS[deviceOutcome(deviceCells(run, rotation))].urgency === 'danger',
    );
    expect(namesOf(byReport.map(({ managedDeviceId }) => managedDeviceId))).toEqual(byRule);

    const signal = new AbortController().signal;
    const call = { priority: 'bulk', deadlineAtMs: Number.POSITIVE_INFINITY, signal } as const;
    const { fleet, asked } = await readFleet(deps, call, () => undefined);
    const byFleet = Array.from({ length: fleet.size }, (_, n) => n).filter(
      (n) => asked.standing(n) === 'rotatedWithoutKey',
    );
    expect(namesOf(byFleet.map((n) => fleet.managedDeviceId(n)))).toEqual(byRule);

    await world.clock.run(async () => {
      const answer = await takeLease(deps, RUN);
      if (answer.kind !== 'leased') throw new Error('the lease is not free');
      await notifyEnded(deps, answer.lease, { states: {}, skipped: {} }, { state: 'completed' });
      await answer.lease.release({});
    });
    expect(told.map(({ rotatedWithoutKey }) => rotatedWithoutKey)).toEqual([byRule.length]);
    const ofRule = new Set<string>(
      rotations.filter(hasRotatedWithoutKey).flatMap(({ entraDeviceId }) => entraDeviceId ?? []),
    );
    expect(told[0]?.rotatedWithoutKeyIds).toHaveLength(20);
    expect(told[0]?.rotatedWithoutKeyIds.every((id) => ofRule.has(id))).toBe(true);
  });
});
