/** Quarantined messages that nobody needs any more are dismissed; those that work depends on are not. And what is told of each before. */
import { describe, expect, it } from 'vitest';
import type { Deps } from '../../src/app/deps.ts';
import { quarantineMessage } from '../../src/app/quarantine-message.ts';
import { reportQuarantine } from '../../src/app/report-quarantine.ts';
import { dismiss, requeue } from '../../src/app/requeue.ts';
import { startRequest } from '../../src/app/start-request.ts';
import type { RunId } from '../../src/domain/ids.ts';
import type { QuarantineEntry } from '../../src/domain/ledger.ts';
import { collect } from '../contracts/samples.ts';
import { DAY_MS, HOUR_MS, START_MS } from '../support/world.ts';
import { createFaultWorld, type FaultWorld, firstRun, logLines } from './faults/fault-world.ts';

const REQUEST_ID = '7e57ab1e-0000-4000-8000-000000000001' as RunId;
const NOTHING = 'no work depends on it';
const TARGETS = [{ serialNumber: 'S-1' }];

const createSmallWorld = () =>
  createFaultWorld({
    devices: Array.from({ length: 3 }, () => ({ checkInDelayMs: 5 * HOUR_MS })),
    settings: { ROTATION_CANARY_DEVICES: '0' },
  });

const entries = (world: FaultWorld): Promise<readonly QuarantineEntry[]> => collect(world.ledger.listQuarantine());

async function quarantined(world: FaultWorld, deps: Deps, queue: string, message: unknown): Promise<QuarantineEntry> {
  await quarantineMessage(deps, queue, message);
  const [entry, ...others] = await entries(world);
  if (entry === undefined || others.length > 0) throw new Error(`${others.length} other entries`);
  return entry;
}

/** The run of a request that has the id, before anything is done. */
async function requested(deps: Deps, mode: 'live' | 'dryRun', targets = TARGETS): Promise<void> {
  await startRequest(deps, { runId: REQUEST_ID, trigger: 'onDemand', mode, request: { targets } });
}

describe('dismissing', () => {
  it.each([
    ['rotation-requests', 'no JSON', NOTHING],
    ['rotation-requests', '{"reason":"[redacted]","targets":[]}', NOTHING],
    [
      'rotation-requests',
      { requestId: REQUEST_ID, targets: TARGETS },
      'it could have been put back; what it asks for is not done',
    ],
    ['rotation-runs', '[]', NOTHING],
    ['encryption-states', 'x', NOTHING],
    ['another-queue', '{}', NOTHING],
  ])(
    'a message of %s on which no work depends deletes it and says what goes with it: %j',
    async (queue, message, why) => {
      const world = createSmallWorld();
      const { deps } = world.start();
      const entry = await quarantined(world, deps, queue, message);
      const expected = { id: entry.id, queue, outcome: 'dismissed', message: why };
      expect(await dismiss(deps, entry, 'dryRun')).toEqual(expected);
      expect(await entries(world)).toEqual([entry]);
      expect(await dismiss(deps, entry, 'really')).toEqual(expected);
      expect(await entries(world)).toEqual([]);
      expect(logLines(world, 'quarantined message was dismissed')).toMatchObject([{ quarantineId: entry.id, queue }]);
      // Again, and with nothing to delete.
      expect(await dismiss(deps, entry, 'really')).toEqual(expected);
      expect(world.queues.sent()).toEqual([]);
    },
  );

  it('leaves a message that was quarantined anew since it was read', async () => {
    const world = createSmallWorld();
    const { deps } = world.start();
    const entry = await quarantined(world, deps, 'rotation-runs', '[]');
    await world.ledger.quarantine({ ...entry, atMs: entry.atMs + 1 });
    await dismiss(deps, entry, 'really');
    expect(await entries(world)).toHaveLength(1);
  });

  it.each(['live', 'dryRun', 'off'] as const)('keeps a request whose run has not ended, in mode %s', async (mode) => {
    const world = createSmallWorld();
    const { deps } = world.start();
    await requested(deps, 'live');
    world.mode = mode;
    const entry = await quarantined(world, deps, 'rotation-requests', { requestId: REQUEST_ID, targets: TARGETS });
    expect(await dismiss(deps, entry, 'really')).toEqual({
      id: entry.id,
      queue: 'rotation-requests',
      outcome: 'kept',
      message: `run ${REQUEST_ID} has not ended: put it back instead`,
    });
    expect(await entries(world)).toEqual([entry]);
  });

  it.each([
    ['was planned as a dry run, which asks nobody', 'dryRun', TARGETS],
    ['is of another request', 'live', [{ serialNumber: 'S-2' }]],
  ] as const)('deletes a request when the run that has its id %s', async (_what, mode, targets) => {
    const world = createSmallWorld();
    const { deps } = world.start();
    await requested(deps, mode, [...targets]);
    const entry = await quarantined(world, deps, 'rotation-requests', { requestId: REQUEST_ID, targets: TARGETS });
    expect(await dismiss(deps, entry, 'really')).toMatchObject({ outcome: 'dismissed' });
    expect(await entries(world)).toEqual([]);
  });

  it('keeps a continuation until its run has ended', async () => {
    const world = createSmallWorld();
    const process = world.start();
    await world.clock.run(async () => {
      await process.tick();
      const { tenantId, runId, checkpoint } = (await firstRun(world)) ?? expect.unreachable();
      const entry = await quarantined(world, process.deps, 'rotation-runs', { tenantId, runId, checkpoint });
      expect(await dismiss(process.deps, entry, 'really')).toMatchObject({ outcome: 'kept' });
      await world.deliver(process, START_MS + 20 * DAY_MS);
      expect(await dismiss(process.deps, entry, 'really')).toMatchObject({ outcome: 'dismissed' });
    });
    expect(await entries(world)).toEqual([]);
  });

  it('keeps a look as long as requests of its devices may take effect unseen; putting it back has them proven', async () => {
    const world = createSmallWorld();
    const process = world.start();
    await world.clock.run(async () => {
      await process.tick();
      await world.deliver(process, START_MS + 2 * HOUR_MS);
      const { tenantId, runId } = (await firstRun(world)) ?? expect.unreachable();
      const [slice] = await collect(world.ledger.listSlices(runId, {}));
      const { sliceId, look } = slice?.value ?? expect.unreachable();
      const entry = await quarantined(world, process.deps, 'encryption-states', { tenantId, runId, sliceId, look });
      expect(await dismiss(process.deps, entry, 'really')).toMatchObject({
        outcome: 'kept',
        message: 'requests of its devices may still take effect, and nobody looks at them: put it back instead',
      });
      expect(await reportQuarantine(process.deps, runId)).toMatchObject([
        { command: `npx keyturn requeue ${entry.id}`, devices: { length: 3 } },
      ]);
      await requeue(process.deps, entry, 'really');
      await world.deliver(process, START_MS + 20 * DAY_MS);
    });
    expect(world.sim.truth.asked()).toMatchObject(Array(3).fill({ requested: 1, rotated: 1 }));
    expect(await entries(world)).toEqual([]);
  });
});

describe('what is told of quarantine', () => {
  it('says of what can never be put back why, and how to dismiss it', async () => {
    const world = createSmallWorld();
    const { deps } = world.start();
    const { id } = await quarantined(world, deps, 'rotation-runs', '[]');
    await quarantineMessage(deps, 'rotation-requests', { targets: TARGETS });
    const [stays, goes] = (await reportQuarantine(deps)).toSorted((a, b) => b.queue.localeCompare(a.queue));
    expect(stays).toMatchObject({
      stays: 'nobody can act on it: message must be a JSON object',
      command: `npx keyturn requeue --dismiss ${id}`,
    });
    expect(goes).not.toHaveProperty('stays');
    expect(goes?.command).toBe(`npx keyturn requeue ${goes?.id}`);
  });

  it('about an id has the requests that came with it, whatever became of them, and no other', async () => {
    const world = createSmallWorld();
    const { deps } = world.start();
    await quarantineMessage(deps, 'rotation-requests', { requestId: REQUEST_ID.toUpperCase(), targets: [] });
    await quarantineMessage(
      deps,
      'rotation-requests',
      btoa(JSON.stringify({ requestId: REQUEST_ID, targets: TARGETS })),
    );
    await quarantineMessage(deps, 'rotation-requests', { targets: TARGETS, reason: REQUEST_ID });
    await quarantineMessage(deps, 'rotation-requests', 'no JSON');
    expect(await reportQuarantine(deps)).toHaveLength(4);
    const about = await reportQuarantine(deps, REQUEST_ID);
    expect(about.map(({ message }) => message).every((message) => /7e57ab1e/i.test(message))).toBe(true);
    expect(about).toHaveLength(2);
  });
});
