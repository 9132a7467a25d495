/** A request that Graph never takes is not made for ever. */
import { expect, it } from 'vitest';
import type { Fault } from '../../src/simulator/faults.ts';
import { DAY_MS, START_MS } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, FLEET_SIZE, statesOf } from './faults/fault-world.ts';

it.each<[string, Fault]>([
  ['500', { kind: 'status', status: 500 }],
  ['502', { kind: 'status', status: 502 }],
  ['503', { kind: 'status', status: 503 }],
  ['504', { kind: 'status', status: 504 }],
  ['no answer at all', { kind: 'resetBefore' }],
])(
  'asks a device whose requests always get %s three times, then counts it as refused and ends the run',
  async (_what, fault) => {
    const world = createFaultWorld({ settings: { ROTATION_CANARY_DEVICES: '0' } });
    const unlucky = world.sim.truth.device(7);
    const path = new RegExp(`/${unlucky?.managedDeviceId}/rotateBitLockerKeys$`);
    world.sim.script({ path, fault, times: 1_000 });
    await world.clock.run(async () => {
      const process = world.start();
      await process.tick();
      await world.deliver(process, START_MS + 60 * DAY_MS);
    });
    const [run] = await world.runs();
    expect(run).toMatchObject({ state: 'completed', finalCounts: { proven: FLEET_SIZE - 1, refused: 1 } });
    const rows = run === undefined ? [] : await world.rotations(run.runId);
    expect(statesOf(rows)).toEqual(run?.finalCounts);
    expect(rows.find(({ state }) => state === 'refused')).toMatchObject({ managedDeviceId: unlucky?.managedDeviceId });
    expect(world.sim.history.filter((entry) => path.test(entry.path))).toHaveLength(3);
    // Nothing of it can still take effect: a later run may ask it again.
    for await (const page of world.ledger.devicePages())
      for (const { value } of page) expect(value.claim).toBeUndefined();
    expect(world.queues.waiting()).toEqual([]);
    await expectHonest(world, { openEnded: true });
  },
);

it('shows of an attempt that got no answer nothing that an earlier one was answered', async () => {
  const world = createFaultWorld({ settings: { ROTATION_CANARY_DEVICES: '0' } });
  const unlucky = world.sim.truth.device(7);
  const path = new RegExp(`/${unlucky?.managedDeviceId}/rotateBitLockerKeys$`);
  world.sim.script({ path, fault: { kind: 'status', status: 503 }, times: 2 });
  world.sim.script({ path, fault: { kind: 'resetBefore' }, times: 1_000 });
  await world.clock.run(async () => {
    const process = world.start();
    await process.tick();
    await world.deliver(process, START_MS + 60 * DAY_MS);
  });
  const [run] = await world.runs();
  const rows = run === undefined ? [] : await world.rotations(run.runId);
  const row = rows.find(({ managedDeviceId }) => managedDeviceId === unlucky?.managedDeviceId);
  const posts = world.sim.history.filter((entry) => path.test(entry.path));
  expect(posts.map(({ status }) => status)).toEqual([503, 503, 0]);
  expect(row).toMatchObject({ state: 'refused', attempt: 2, clientRequestId: posts[2]?.clientRequestId });
  expect(row).not.toHaveProperty('httpStatus');
  expect(row).not.toHaveProperty('requestId');
});
