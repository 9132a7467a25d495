import { expect, it } from 'vitest';
import { abandonSlice } from '../../src/app/abandon-slice.ts';
import type { Claim } from '../../src/domain/device-record.ts';
import { newRunId, sampleDevice, sampleRotation, sampleRun, sampleSlice } from '../contracts/samples.ts';
import { createWorld, START_MS } from '../support/world.ts';

it('a device that was claimed once more, and of which its row does not know, is given up with the time by which it was asked', async () => {
  const world = createWorld({ devices: 1, seed: 4 });
  const { tenantId } = world.settings;
  const runId = newRunId();
  const again = sampleRotation(0, { attempt: 1 });
  const free = sampleRotation(1, { attempt: 1 });
  const claim: Claim = {
    runId,
    order: 0,
    attempt: 1,
    token: 'token',
    claimedAtMs: START_MS,
    sendByMs: START_MS + 60_000,
  };
  await world.clock.run(async () => {
    await world.ledger.createRun(sampleRun({ tenantId, runId, state: 'settling', devices: 2, due: 2 }));
    await world.ledger.writePlannedRotations(runId, [again, free]);
    const slice = sampleSlice(0, { state: 'again', counts: { planned: 2 } });
    await world.ledger.writeSlices(runId, [{ slice, version: undefined }]);
    const { entraDeviceId = sampleDevice().entraDeviceId } = again;
    await world.ledger.writeDevices([{ record: { ...sampleDevice(), entraDeviceId, claim }, version: undefined }]);
    await abandonSlice(world.start().deps, runId, slice.sliceId);
  });
  const [asked, unasked] = await world.rotations(runId);
  expect(asked).toMatchObject({ state: 'abandoned', claimedAtMs: START_MS, sendByMs: START_MS + 60_000 });
  expect(unasked).toMatchObject({ state: 'abandoned' });
  expect(unasked).not.toHaveProperty('sendByMs');
});
