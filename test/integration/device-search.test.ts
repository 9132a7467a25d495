/** A device is looked for by the server: what does not match stays there, and nobody who stopped waits for it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTenantId, type RunId } from '../../src/domain/ids.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { collect, newRunId, sampleDevice, sampleRotations } from '../contracts/samples.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';

const DEVICES = 2_500;
const azurite = useAzurite();
const NEVER = new AbortController().signal;
const sought = sampleDevice();
let tables: FaultyProxy;
let storage: Storage;
let runId: RunId;
let rotations: readonly Rotation[];

beforeAll(async () => {
  const { endpoints, authority } = connectionOf(azurite.connectionString());
  tables = await startFaultyProxy(new URL(endpoints.table).origin);
  const table = tables.origin + new URL(endpoints.table).pathname;
  storage = createStorage({
    connection: { endpoints: { ...endpoints, table }, authority },
    tenantId: parseTenantId(randomUUID()),
    clock: createSystemClock(),
    random: createSystemRandom(),
  });
  await storage.createAll();
  runId = newRunId();
  rotations = sampleRotations(DEVICES);
  await storage.ledger.writePlannedRotations(runId, rotations);
  const records = [sought, ...Array.from({ length: DEVICES }, () => sampleDevice())];
  for (let from = 0; from < records.length; from += 500) {
    await storage.ledger.writeDevices(
      records.slice(from, from + 500).map((record) => ({ record, version: undefined })),
    );
  }
});
afterAll(() => tables?.stop());

/** Bytes that came over the line meanwhile. */
async function bytesOf(work: () => Promise<unknown>): Promise<number> {
  const before = tables.answeredBytes();
  await work();
  return tables.answeredBytes() - before;
}

const { managedDeviceId = '' as Rotation['managedDeviceId'] } = sought;

describe('only what matches travels', () => {
  it('of the rows of a run', async () => {
    const wanted = rotations[2_000] as Rotation;
    const whole = await bytesOf(() => collect(storage.ledger.rotationPages(runId)));
    const one = await bytesOf(async () => {
      expect(await storage.ledger.rotationsOf(runId, [wanted.managedDeviceId], NEVER)).toEqual([wanted]);
    });
    expect(whole).toBeGreaterThan(DEVICES * 300);
    expect(one).toBeLessThan(2_000);
  });

  it('of the records of devices', async () => {
    const whole = await bytesOf(() => collect(storage.ledger.devicePages()));
    const one = await bytesOf(async () => {
      expect(await storage.ledger.devicesManagedAs(managedDeviceId, NEVER)).toEqual([sought]);
    });
    expect(whole).toBeGreaterThan(DEVICES * 200);
    expect(one).toBeLessThan(5_000);
  });
});

describe('who stops', () => {
  it.each([
    ['rows', 1, (signal: AbortSignal) => storage.ledger.rotationsOf(runId, [managedDeviceId], signal)],
    ['records', 16, (signal: AbortSignal) => storage.ledger.devicesManagedAs(managedDeviceId, signal)],
  ] as const)('waits for no answer about %s that is on its way, and asks no more', async (_what, most, look) => {
    const stopping = new AbortController();
    const reason = new Error('stopped');
    let asked = 0;
    const isAsked = new Promise<void>((resolve) => {
      tables.decide(() => {
        asked += 1;
        resolve();
        return 'hold';
      });
    });
    const looking = look(stopping.signal);
    await isAsked;
    stopping.abort(reason);
    await expect(looking).rejects.toBe(reason);
    expect(asked).toBeLessThanOrEqual(most);
    tables.decide(() => 'pass');
  });
});
