/** Planning ends, however long what it reads takes: nothing starts over in every invocation. */
import { expect, it } from 'vitest';
import type { Deps } from '../../src/app/deps.ts';
import { parseEntraDeviceId, parseManagedDeviceId, parseRunId } from '../../src/domain/ids.ts';
import { createWorld, DAY_MS, HOUR_MS, START_MS, type World } from '../support/world.ts';

const DEVICES = 400;

/** Every device has a claim that an earlier run gave up, and that nothing settles. */
async function giveUpAll(world: World): Promise<void> {
  const longAgoMs = START_MS - 20 * DAY_MS;
  for (let order = 0; order < DEVICES; order++) {
    const device = world.sim.truth.device(order);
    const entraDeviceId = parseEntraDeviceId(device?.entraDeviceId);
    if (entraDeviceId === undefined) throw new Error(`device ${order} has no Entra device id`);
    const pending = { sinceMs: START_MS - 10 * DAY_MS, acceptedAfterMs: longAgoMs, acceptedByMs: longAgoMs };
    const claim = { order, attempt: 0, token: 'old', claimedAtMs: longAgoMs, sendByMs: longAgoMs, pending };
    const record = {
      entraDeviceId,
      managedDeviceId: parseManagedDeviceId(device?.managedDeviceId),
      lastRequestAtMs: longAgoMs,
      lastState: 'overdue' as const,
      claim: { runId: parseRunId('old'), ...claim },
    };
    await world.ledger.writeDevices([{ record, version: undefined }]);
  }
}

async function plan(world: World, change: (deps: Deps) => Deps = (deps) => deps) {
  await world.clock.run(async () => {
    const process = world.start();
    await giveUpAll(world);
    await process.tick();
    await world.deliver({ ...process, deps: change(process.deps) }, START_MS + 12 * HOUR_MS);
  });
  expect(world.errors).toEqual([]);
  const [run] = await world.runs();
  return run;
}

it('goes on when there is no time to look at all pending claims: those not looked at stand, and nobody of them is asked', async () => {
  // Looking at them takes 400 slots of twenty in twenty seconds; the invocation lasts two minutes.
  const settings = { GRAPH_ANY_BUDGET: '20/PT20S', ROTATION_TIME_BUDGET: 'PT2M', ROTATION_CANARY_DEVICES: '0' };
  const run = await plan(createWorld({ devices: DEVICES, fleet: 'healthy', seed: 5, settings }));
  expect(run).toMatchObject({ state: 'completed', devices: DEVICES, due: 0 });
  expect(run?.skipped).toEqual({ rotationPending: DEVICES });
  expect(run?.checkpoint).toBeLessThan(10);
});

it('reads the device records to their end, even when that takes longer than an invocation', async () => {
  const settings = { ROTATION_TIME_BUDGET: 'PT2M', ROTATION_CANARY_DEVICES: '0' };
  const world = createWorld({ devices: DEVICES, fleet: 'healthy', seed: 5, settings });
  const run = await plan(world, (deps) => ({
    ...deps,
    ledger: {
      ...deps.ledger,
      async *devicePages() {
        for await (const page of deps.ledger.devicePages()) {
          for (let i = 0; i < page.length; i += 50) {
            await deps.clock.sleep(60_000);
            yield page.slice(i, i + 50);
          }
        }
      },
    },
  }));
  expect(run).toMatchObject({ state: 'completed', devices: DEVICES });
  expect(run?.skipped).toEqual({ rotationPending: DEVICES });
  expect(run?.checkpoint).toBeLessThan(10);
});
