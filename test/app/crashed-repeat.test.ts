/** A crash while rotations are asked for a second time leaves no device claimed for ever. */
import { expect, it } from 'vitest';
import type { Deps } from '../../src/app/deps.ts';
import { parseEntraDeviceId } from '../../src/domain/ids.ts';
import { createLife, ProcessDied } from '../support/mortal.ts';
import { DAY_MS, START_MS } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, FLEET_SIZE } from './faults/fault-world.ts';

it('frees a device that was refused the second time, although its owner died before it could', async () => {
  const world = createFaultWorld({ settings: { ROTATION_CANARY_DEVICES: '0' } });
  const device = world.sim.truth.device(7);
  const id = parseEntraDeviceId(device?.entraDeviceId);
  if (id === undefined) throw new Error('device 7 has no Entra device id');
  const path = new RegExp(`/${device?.managedDeviceId}/rotateBitLockerKeys$`);
  world.sim.script({ path, fault: { kind: 'status', status: 503 } });
  world.sim.script({ path, fault: { kind: 'status', status: 400 } });
  await world.clock.run(async () => {
    const life = createLife();
    const process = world.start(life);
    const { ledger } = process.deps;
    const deps: Deps = {
      ...process.deps,
      ledger: {
        ...ledger,
        writeRotations: async (runId, changes) => {
          const lost = await ledger.writeRotations(runId, changes);
          if (changes.some(({ value }) => value.state === 'refused')) {
            life.kill();
            throw new ProcessDied('the process died between the record and the release');
          }
          return lost;
        },
      },
    };
    await process.tick();
    await expect(world.deliver({ ...process, deps }, START_MS + 20 * DAY_MS)).rejects.toThrow(ProcessDied);
    expect((await world.ledger.readDevices([id])).get(id)?.value.claim).toMatchObject({ attempt: 1 });

    const next = world.start();
    await world.deliver(next, START_MS + 20 * DAY_MS);
    const [run] = await world.runs();
    expect(run).toMatchObject({ state: 'completed', finalCounts: { proven: FLEET_SIZE - 1, refused: 1 } });
    const record = (await world.ledger.readDevices([id])).get(id)?.value;
    expect(record).toMatchObject({ lastState: 'refused' });
    expect(record?.claim).toBeUndefined();

    // A month later it is asked like any other that failed before.
    await world.clock.sleep(START_MS + 31 * DAY_MS - world.clock.nowMs());
    await next.tick();
    await world.deliver(next, START_MS + 50 * DAY_MS);
    const [later] = await world.runs();
    const rows = later === undefined ? [] : await world.rotations(later.runId);
    expect(rows.find(({ entraDeviceId }) => entraDeviceId === id)?.state).toBe('proven');
  });
  await expectHonest(world);
});
