/** An aborted run: nothing more is asked, what was asked is settled, and what was not is free. */
import { describe, expect, it } from 'vitest';
import { giveBackClaims } from '../../src/app/settle-claims.ts';
import { startFleetRun } from '../../src/app/start-run.ts';
import type { Claim } from '../../src/domain/device-record.ts';
import { parseEntraDeviceId, parseManagedDeviceId } from '../../src/domain/ids.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import { createLife, ProcessDied } from '../support/mortal.ts';
import { DAY_MS, HOUR_MS, START_MS, type TestProcess } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, type FaultWorld, firstRows, firstRun, live, statesOf } from './faults/fault-world.ts';
import { ROTATION } from './faults/places.ts';

const UNTIL_MS = START_MS + 60 * DAY_MS;
const FAILING = 25;
const UNHEARD = 5;
const UNHEARD_OF = { kind: 'status', status: 503 } as const;

/** Devices that say no within minutes, and some whose requests Graph never takes. */
function worldOfFailures(): FaultWorld {
  const world = createFaultWorld({
    devices: Array.from({ length: FAILING + UNHEARD }, () => ({ behaviour: 'fails', checkInDelayMs: 600_000 })),
    settings: { ROTATION_CANARY_DEVICES: '0', GRAPH_WRITE_BUDGET: '200/PT20S' },
  });
  for (let i = FAILING; i < FAILING + UNHEARD; i++) {
    world.sim.script({ path: rotationPath(world, i), fault: UNHEARD_OF, times: 1_000 });
  }
  return world;
}

function rotationPath(world: FaultWorld, index: number): RegExp {
  return new RegExp(`/${world.sim.truth.device(index)?.managedDeviceId}/rotateBitLockerKeys$`);
}

async function claims(world: FaultWorld): Promise<readonly Claim[]> {
  const held: Claim[] = [];
  for await (const page of world.ledger.devicePages()) held.push(...page.flatMap(({ value }) => value.claim ?? []));
  return held;
}

async function slicesDueAgain(world: FaultWorld): Promise<number> {
  const run = await firstRun(world);
  let count = 0;
  if (run !== undefined) for await (const _slice of world.ledger.listSlices(run.runId, { state: 'again' })) count += 1;
  return count;
}

/** The process dies as soon as the abort is on the run's row. */
function dyingAtAbort(process: TestProcess): TestProcess {
  const { ledger } = process.deps;
  const writeRun: Ledger['writeRun'] = async (run, version) => {
    const written = await ledger.writeRun(run, version);
    if (run.abortReason === undefined) return written;
    process.life.kill();
    throw new ProcessDied('the process died right behind the abort');
  };
  return { ...process, deps: { ...process.deps, ledger: { ...ledger, writeRun } } };
}

async function deliverUntilDeath(world: FaultWorld, process: TestProcess): Promise<void> {
  await expect(world.deliver(process, UNTIL_MS)).rejects.toThrow(ProcessDied);
}

/** A new process, the next morning. */
async function carryOn(world: FaultWorld): Promise<void> {
  const next = world.start();
  world.mode = 'off';
  await next.tick();
  world.mode = 'live';
  await world.deliver(next, UNTIL_MS);
}

describe('a run that is aborted while rotations are due again', () => {
  it.each(['undisturbed', 'after a crash right behind the abort'])(
    'ends, and their devices are free: %s',
    async (how) => {
      const world = worldOfFailures();
      await world.clock.run(async () => {
        const process = world.start(createLife());
        await process.tick();
        if (how === 'undisturbed') return world.deliver(process, UNTIL_MS);
        await deliverUntilDeath(world, dyingAtAbort(process));
        expect(await firstRun(world)).toMatchObject({ state: 'settling', abortReason: 'circuitBreaker' });
        expect(await slicesDueAgain(world)).toBe(1);
        await carryOn(world);
      });
      expect(await firstRun(world)).toMatchObject({
        state: 'aborted',
        abortReason: 'circuitBreaker',
        finalCounts: { failed: FAILING, planned: UNHEARD },
      });
      expect(await slicesDueAgain(world)).toBe(0);
      expect(await claims(world)).toEqual([]);
      await expectHonest(world, { openEnded: true });
    },
  );

  it('looks at those that a dead owner had asked again already, and nobody asks them meanwhile', async () => {
    const late = { checkInDelayMs: 5 * DAY_MS };
    const world = createFaultWorld({
      devices: [
        ...Array(FAILING).fill({ behaviour: 'fails', checkInDelayMs: 3 * HOUR_MS }),
        ...Array(UNHEARD).fill(late),
      ],
      settings: { ROTATION_CANARY_DEVICES: '0', GRAPH_WRITE_BUDGET: '200/PT20S' },
    });
    for (let i = FAILING; i < FAILING + UNHEARD; i++)
      world.sim.script({ path: rotationPath(world, i), fault: UNHEARD_OF });
    await world.clock.run(async () => {
      const process = world.start(createLife());
      const { ledger } = process.deps;
      await process.tick();
      const writeRotations: Ledger['writeRotations'] = async (runId, changes) => {
        if (changes.some(({ value }) => value.attempt === 1 && value.state === 'requested')) {
          process.life.kill();
          throw new ProcessDied('the process died between request and record');
        }
        return ledger.writeRotations(runId, changes);
      };
      await deliverUntilDeath(world, { ...process, deps: { ...process.deps, ledger: { ...ledger, writeRotations } } });
      expect(world.sim.referee.rotationsAccepted).toBe(FAILING + UNHEARD);

      // Nothing is sent for a day, in which enough devices fail for the breaker to trip; then the app is live again, with a run a day.
      const next = world.start();
      world.mode = 'dryRun';
      await world.deliver(next, START_MS + DAY_MS);
      world.mode = 'live';
      await live(world, next, 12);
    });
    expect(await firstRun(world)).toMatchObject({
      state: 'aborted',
      abortReason: 'circuitBreaker',
      finalCounts: { failed: FAILING, proven: UNHEARD },
    });
    await expectHonest(world);
  });
});

describe('a rotation that an aborted run finds never accepted', () => {
  it('counts as planned, frees its device and is not asked for again', async () => {
    const world = createFaultWorld({
      devices: 40,
      settings: { ROTATION_CANARY_DEVICES: '0', GRAPH_WRITE_BUDGET: '200/PT20S' },
    });
    // The breaker trips on refusals at once; the first five requests are only found lost at later looks.
    world.sim.script({ ...ROTATION, fault: { kind: 'status', status: 503 }, times: 5 });
    world.sim.script({ ...ROTATION, fault: { kind: 'status', status: 400 }, times: 1_000 });
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, UNTIL_MS);
    });
    const run = await firstRun(world);
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'circuitBreaker' });
    const rows = await firstRows(world);
    expect(statesOf(rows)).toEqual({ planned: 5, refused: 35 });
    expect(rows.filter(({ state, attempt }) => state === 'planned' && attempt === 1)).toHaveLength(5);
    expect(world.sim.history.filter(({ path }) => path.endsWith('/rotateBitLockerKeys'))).toHaveLength(40);
    expect(await claims(world)).toEqual([]);
    // As if they had never been meant to be asked: tomorrow's run may.
    for await (const page of world.ledger.devicePages())
      for (const { value } of page) if (value.lastState === undefined) expect(value.lastRequestAtMs).toBeUndefined();
    await expectHonest(world, { openEnded: true });
  });
});

describe('giving claims back', () => {
  it.each([
    [0, 'frees the device of a request that was found never accepted', false],
    [1, 'leaves a claim of the same attempt alone, with which the device may have been asked once more', true],
  ])('(attempt %i) %s', async (attempt, _what, isKept) => {
    const world = createFaultWorld();
    const { deps } = world.start();
    const { run } = await startFleetRun(deps, { trigger: 'schedule', mode: 'live' });
    const device = world.sim.truth.device(0);
    const managedDeviceId = parseManagedDeviceId(device?.managedDeviceId);
    const entraDeviceId = parseEntraDeviceId(device?.entraDeviceId);
    if (entraDeviceId === undefined) throw new Error('device 0 has no Entra device id');
    const claim = { runId: run.runId, order: 0, attempt, token: 'dead', claimedAtMs: START_MS, sendByMs: START_MS };
    await world.ledger.writeDevices([{ record: { entraDeviceId, managedDeviceId, claim }, version: undefined }]);
    const rotation = {
      order: 0,
      entraDeviceId,
      managedDeviceId,
      deviceName: 'LT-0',
      state: 'planned',
      attempt: 1,
    } as const;
    await giveBackClaims(deps, run, [rotation]);
    expect(await claims(world)).toEqual(isKept ? [claim] : []);
  });
});
