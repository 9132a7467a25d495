import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/simulator/faults.ts';
import { HOUR_MS } from '../../support/world.ts';
import { expectHonest } from './expect-honest.ts';
import { createFaultWorld, errorMessages, FLEET_SIZE, logLines, settle, statesOf } from './fault-world.ts';
import { LISTING_DEVICES, LISTING_KEYS, type Place, ROTATION, WHOLE_BATCH } from './places.ts';

const EVERYWHERE: Place = {};

/** The fault strikes every matching request from `fromHours` to `toHours` after the start. */
async function outage(place: Place, fault: Fault, [fromHours, toHours]: readonly [number, number]) {
  const world = createFaultWorld();
  const startMs = world.clock.nowMs();
  const isDown = () => {
    const hours = (world.clock.nowMs() - startMs) / HOUR_MS;
    return hours >= fromHours && hours < toHours;
  };
  const { when } = place;
  world.sim.script({ ...place, fault, times: 100_000, when: (target) => isDown() && (when?.(target) ?? true) });
  const run = await world.clock.run(() => settle(world));
  return { world, run, rows: await world.rotations(run.runId) };
}

const UNAVAILABLE: Fault = { kind: 'status', status: 503 };
const OUTAGES: readonly (readonly [string, Place, Fault, readonly [number, number]])[] = [
  ['everything is unavailable from the start', EVERYWHERE, UNAVAILABLE, [0, 3]],
  ['everything is unavailable once the canaries are asked', EVERYWHERE, UNAVAILABLE, [0.01, 5]],
  ['every connection dies', EVERYWHERE, { kind: 'resetBefore' }, [0, 3]],
  ['nothing is answered in time', EVERYWHERE, { kind: 'slow', latencyMs: 120_000 }, [0, 2]],
  ['devices cannot be listed', LISTING_DEVICES, UNAVAILABLE, [0, 3]],
  ['keys cannot be listed', LISTING_KEYS, UNAVAILABLE, [0, 3]],
  ['nothing can be looked at', WHOLE_BATCH, UNAVAILABLE, [0, 12]],
  ['looks end in a reset', WHOLE_BATCH, { kind: 'resetAfter' }, [0, 12]],
  ['requests end in a 503', ROTATION, UNAVAILABLE, [0, 2]],
  ['requests are accepted and end in a 504', ROTATION, { kind: 'statusAfterEffect', status: 504 }, [0, 12]],
  ['a 429 follows upon every 429', EVERYWHERE, { kind: 'throttle', retryAfter: 'absent' }, [0, 2]],
];

describe('an outage of Graph that lasts hours', () => {
  it.each(OUTAGES)('is waited out, and nothing is lost: %s', async (_what, place, fault, hours) => {
    const { world, run, rows } = await outage(place, fault, hours);
    expect(errorMessages(world)).toEqual([]);
    expect(run.state).toBe('completed');
    expect(statesOf(rows)).toEqual({ proven: FLEET_SIZE });
    expect(world.sim.referee.rotationsAccepted).toBe(FLEET_SIZE);
    await expectHonest(world, { openEnded: true });
  });

  it('is said in the log each time the run is put off, with what to check', async () => {
    const { world } = await outage(EVERYWHERE, UNAVAILABLE, [0, 1]);
    const [line] = logLines(world, 'the run is put off');
    expect(line).toMatchObject({ errorKind: 'unavailable', status: 503, retryAfterMs: 300_000 });
    expect(line?.errorMessage).toContain(
      'check the network, HTTPS_PROXY and GRAPH_ENDPOINT, and the service health of Intune',
    );
  });

  it('is said in the log each time a look is put off', async () => {
    const { world } = await outage(WHOLE_BATCH, UNAVAILABLE, [0, 2]);
    const lines = logLines(world, 'Graph could not be asked about this slice; looking again later');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines[0]).toMatchObject({ errorKind: 'unavailable', status: 503, retryAfterMs: 300_000 });
  });
});
