import { expect, it } from 'vitest';
import { checkLedger } from '../../src/app/check-ledger.ts';
import type { DeviceRecord } from '../../src/domain/device-record.ts';
import type { EntraDeviceId, ManagedDeviceId, RunId } from '../../src/domain/ids.ts';
import { createWorld, DAY_MS, HOUR_MS, START_MS } from '../support/world.ts';

const claimedAt = (atMs: number, pendingSinceMs?: number): DeviceRecord['claim'] => ({
  runId: 'run-1' as RunId,
  order: 0,
  attempt: 0,
  token: 'token',
  claimedAtMs: atMs,
  sendByMs: atMs + 1,
  ...(pendingSinceMs === undefined
    ? {}
    : { pending: { sinceMs: atMs + DAY_MS, acceptedAfterMs: atMs, acceptedByMs: pendingSinceMs } }),
});

function record(digit: number, claim?: DeviceRecord['claim']): DeviceRecord {
  const id = `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;
  return {
    entraDeviceId: id as EntraDeviceId,
    managedDeviceId: id as ManagedDeviceId,
    ...(claim === undefined ? {} : { claim }),
  };
}

async function lineOf(records: readonly DeviceRecord[], quarantined: number): Promise<unknown> {
  const world = createWorld({ devices: 1 });
  const { deps } = world.start();
  await deps.ledger.writeDevices(records.map((one) => ({ record: one, version: undefined })));
  for (let n = 0; n < quarantined; n++) {
    await deps.ledger.quarantine({
      id: `q-${n}`,
      queue: 'rotation-runs',
      reasons: ['x'],
      message: '{}',
      devices: [],
      atMs: 1,
    });
  }
  await checkLedger(deps);
  return world.log
    .map((line) => JSON.parse(line) as { message: string })
    .find(({ message }) => message === 'ledger checked');
}

it('counts quarantined messages and devices without an answer, and says how old the oldest is', async () => {
  const records = [
    record(1),
    record(2, claimedAt(START_MS - HOUR_MS)),
    record(3, claimedAt(START_MS - 9 * DAY_MS, START_MS - 8 * DAY_MS)),
  ];
  expect(await lineOf(records, 2)).toMatchObject({ quarantined: 2, unproven: 2, oldestUnprovenMs: 8 * DAY_MS });
});

it('leaves the age out when nothing waits for an answer', async () => {
  const line = await lineOf([record(1)], 0);
  expect(line).toMatchObject({ quarantined: 0, unproven: 0 });
  expect(line).not.toHaveProperty('oldestUnprovenMs');
});
