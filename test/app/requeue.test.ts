/** Requests and continuations that were poisoned are put back; what cannot be is told, and stays. */
import { describe, expect, it } from 'vitest';
import { noteDelivery } from '../../src/app/note-fault.ts';
import { quarantineMessage } from '../../src/app/quarantine-message.ts';
import { requeue } from '../../src/app/requeue.ts';
import type { RunId } from '../../src/domain/ids.ts';
import type { QuarantineEntry } from '../../src/domain/ledger.ts';
import { collect } from '../contracts/samples.ts';
import { createLife, ProcessDied } from '../support/mortal.ts';
import { DAY_MS, HOUR_MS, START_MS, type TestProcess } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, errorMessages, type FaultWorld, firstRun } from './faults/fault-world.ts';
import { type Place, WHOLE_BATCH } from './faults/places.ts';

const UNTIL_MS = START_MS + 20 * DAY_MS;
const REQUEST_ID = '7e57ab1e-0000-4000-8000-000000000001';

const createSmallWorld = (settings: Readonly<Record<string, string>> = {}) =>
  createFaultWorld({
    devices: Array.from({ length: 6 }, () => ({ checkInDelayMs: HOUR_MS })),
    settings: { ROTATION_CANARY_DEVICES: '0', ...settings },
  });

const GARBLED = { kind: 'malformed', variant: 'html' } as const;
const UNAUTHORIZED = { kind: 'status', status: 401 } as const;

/** For three hours: long enough for every delivery. */
function broken(world: FaultWorld, place: Place, fault: typeof GARBLED | typeof UNAUTHORIZED): void {
  const untilMs = world.clock.nowMs() + 3 * HOUR_MS;
  world.sim.script({ ...place, fault, times: 10_000, when: () => world.clock.nowMs() < untilMs });
}

const entries = (world: FaultWorld): Promise<readonly QuarantineEntry[]> => collect(world.ledger.listQuarantine());

async function onlyEntry(world: FaultWorld): Promise<QuarantineEntry> {
  const [entry, ...others] = await entries(world);
  if (entry === undefined || others.length > 0) throw new Error(`${others.length} other entries`);
  return entry;
}

function targetOf(world: FaultWorld, index: number) {
  return { managedDeviceId: world.sim.truth.device(index)?.managedDeviceId ?? '' };
}

describe('a request that fails at every delivery', () => {
  async function poisoned(
    request: object,
  ): Promise<{ world: FaultWorld; process: TestProcess; entry: QuarantineEntry }> {
    const world = createSmallWorld();
    const process = world.start();
    broken(world, WHOLE_BATCH, UNAUTHORIZED);
    await world.clock.run(async () => {
      await world.queues.sendRequest(JSON.stringify({ targets: [targetOf(world, 2)], ...request }), 0);
      await world.deliver(process, START_MS + 4 * HOUR_MS);
      await world.clock.sleep(4 * HOUR_MS);
    });
    return { world, process, entry: await onlyEntry(world) };
  }

  it('is kept with the error of its last delivery, its targets and its run, and done once it is put back', async () => {
    const { world, process, entry } = await poisoned({ requestId: REQUEST_ID, reason: 'INC-1' });
    const target = targetOf(world, 2);
    expect(entry).toMatchObject({
      queue: 'rotation-requests',
      reasons: ['the request failed at every delivery', `GraphError: ${errorMessages(world).at(-1)}`],
      message: JSON.stringify({ targets: [target], requestId: REQUEST_ID, reason: 'INC-1' }),
      devices: [`managedDeviceId ${target.managedDeviceId}`],
      runId: REQUEST_ID,
    });
    await world.clock.run(async () => {
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({ outcome: 'requeued', runId: REQUEST_ID });
      expect(await entries(world)).toEqual([]);
      await world.deliver(process, UNTIL_MS);
    });
    expect(await world.runs()).toMatchObject([{ runId: REQUEST_ID, finalCounts: { proven: 1 } }]);
    await expectHonest(world, { openEnded: true });
  });

  it('without an id of its own is carried on by the run its deliveries had made, however often it is put back', async () => {
    const { world, process, entry } = await poisoned({});
    expect(await world.runs()).toMatchObject([{ runId: 'message-1', state: 'planning' }]);
    expect(entry.runId).toBe('message-1');
    await world.clock.run(async () => {
      const results = [await requeue(process.deps, entry, 'really')];
      // The deletion was lost.
      await world.ledger.quarantine(entry);
      results.push(await requeue(world.start().deps, entry, 'really'));
      expect(results).toMatchObject(Array(2).fill({ outcome: 'requeued', runId: 'message-1' }));
      await world.deliver(process, UNTIL_MS);
    });
    expect(await world.runs()).toMatchObject([{ runId: 'message-1', finalCounts: { proven: 1 } }]);
    expect(world.sim.truth.asked()).toMatchObject([{ requested: 1, rotated: 1 }]);
    expect(await entries(world)).toEqual([]);
  });

  it.each([
    ['with an id of its own', { requestId: REQUEST_ID }, REQUEST_ID] as const,
    ['without', {}, 'message-1'] as const,
  ])(
    'is settled once a tick has carried its run on, %s: days later nobody is asked again',
    async (_, request, runId) => {
      const { world, process, entry } = await poisoned(request);
      await world.clock.run(async () => {
        world.mode = 'off';
        await process.tick();
        world.mode = 'live';
        await world.deliver(process, UNTIL_MS);
        await world.clock.sleep(3 * DAY_MS);
        expect(await world.runs()).toMatchObject([{ runId, state: 'completed' }]);
        const sent = world.queues.sent().length;
        expect(await requeue(process.deps, entry, 'really')).toMatchObject({ outcome: 'settled', runId });
        expect(world.queues.sent()).toHaveLength(sent);
      });
      expect(await entries(world)).toEqual([]);
      expect(world.sim.truth.asked()).toMatchObject([{ requested: 1 }]);
    },
  );

  it('is known by its run when the poison queue brings it twice, and when each delivery died', async () => {
    const world = createSmallWorld();
    const { deps } = world.start();
    const delivery = { queue: 'rotation-requests', message: { targets: [targetOf(world, 0)] }, messageId: 'a-message' };
    await noteDelivery(deps, delivery);
    for (let i = 0; i < 2; i++) await quarantineMessage(deps, delivery.queue, delivery.message);
    expect(await onlyEntry(world)).toMatchObject({
      runId: 'a-message',
      reasons: ['the request failed at every delivery', expect.stringMatching(/^no delivery left an error/)],
    });
  });

  /** As it is when the message failed before anything was made of it. */
  async function unmade(message: object) {
    const world = createSmallWorld();
    const process = world.start();
    await quarantineMessage(process.deps, 'rotation-requests', message);
    return { world, process, entry: await onlyEntry(world) };
  }

  it('without an id of its own, and without a run, gets one, so that putting it back twice asks once', async () => {
    const { world, process, entry } = await unmade({
      targets: [{ managedDeviceId: '00000000-0000-4000-8000-000000000001' }],
    });
    await world.clock.run(async () => {
      const first = await requeue(process.deps, entry, 'really');
      expect(first.runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      // The deletion was lost.
      await world.ledger.quarantine(entry);
      expect(await requeue(world.start().deps, entry, 'really')).toEqual(first);
      await world.deliver(process, UNTIL_MS);
      await world.ledger.quarantine(entry);
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({ outcome: 'settled', runId: first.runId });
      expect(await world.runs()).toHaveLength(1);
    });
    const other = { ...entry, atMs: entry.atMs + 1 };
    const { runId } = await requeue(process.deps, other, 'dryRun');
    expect((await world.runs()).map((run) => run.runId)).not.toContain(runId);
  });

  it('stays when its id is used by a request for other targets', async () => {
    const { world, process, entry } = await poisoned({ requestId: REQUEST_ID });
    const message = JSON.stringify({ requestId: REQUEST_ID, targets: [targetOf(world, 0), targetOf(world, 1)] });
    const other = { ...entry, message };
    expect(await requeue(process.deps, other, 'really')).toMatchObject({
      outcome: 'stays',
      message: expect.stringMatching(
        /^it would be refused again: requestId \S+ was used at .* for a request for 1 target/,
      ),
    });
    expect(await entries(world)).toEqual([entry]);
  });

  it('is planned as a dry run while ROTATION_MODE is dryRun, which is said, and stays that', async () => {
    const { world, process, entry } = await unmade({ requestId: REQUEST_ID, targets: [{ serialNumber: 'S-1' }] });
    await world.clock.run(async () => {
      world.mode = 'dryRun';
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({
        outcome: 'requeued',
        message: expect.stringContaining('to be planned as a dry run'),
      });
      await world.deliver(process, UNTIL_MS);
      expect(await world.runs()).toMatchObject([{ runId: REQUEST_ID, mode: 'dryRun' }]);
      await world.ledger.quarantine(entry);
      world.mode = 'live';
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({
        outcome: 'stays',
        message: `it would be refused again: request ${REQUEST_ID} was planned as a dry run; send it with a new requestId`,
      });
    });
  });

  it('without an id of its own gets a live run although its first one was a dry run', async () => {
    const { world, process, entry } = await poisoned({});
    const run = (await world.ledger.readRun('message-1' as RunId)) ?? expect.unreachable();
    await world.ledger.writeRun({ ...run.value, mode: 'dryRun' }, run.version);
    await world.clock.run(async () => {
      const { runId } = await requeue(process.deps, entry, 'really');
      await world.deliver(process, UNTIL_MS);
      expect((await world.ledger.readRun(runId ?? expect.unreachable()))?.value).toMatchObject({
        mode: 'live',
        due: 1,
      });
    });
  });

  it('goes back as it is when an id would make it longer than a queue takes', async () => {
    const world = createSmallWorld();
    const process = world.start();
    const targets = Array.from({ length: 296 }, (_, i) => ({ serialNumber: `${i}`.padStart(200, 'x') }));
    const room = 65_536 - JSON.stringify({ targets, reason: '' }).length;
    const full = JSON.stringify({ targets, reason: 'x'.repeat(Math.min(room - 20, 1_000)) });
    expect(65_536 - full.length).toBeLessThan(50);
    await quarantineMessage(process.deps, 'rotation-requests', full);
    const result = await requeue(process.deps, await onlyEntry(world), 'really');
    expect(result.outcome).toBe('requeued');
    expect(result).not.toHaveProperty('runId');
    expect(world.queues.sent().map(({ body }) => body)).toEqual([full]);
  });

  it('is not deleted when it is in quarantine again by then', async () => {
    const { world, process, entry } = await poisoned({ requestId: REQUEST_ID });
    const { queues, ledger } = process.deps;
    const again = { ...entry, reasons: ['refused anew'], atMs: entry.atMs + 1 };
    const sendContinuation: typeof queues.sendContinuation = async (message, delayMs) => {
      await queues.sendContinuation(message, delayMs);
      await ledger.quarantine(again);
    };
    await requeue({ ...process.deps, queues: { ...queues, sendContinuation } }, entry, 'really');
    expect(await entries(world)).toEqual([again]);
  });

  it.each([1, 2, 3, 4])('survives a crash at step %i of putting it back', async (dieAt) => {
    const { world, process, entry } = await poisoned({ requestId: REQUEST_ID });
    await world.clock.run(async () => {
      const doomed = world.start(createLife(dieAt));
      await expect(requeue(doomed.deps, entry, 'really')).rejects.toThrow(ProcessDied);
      for (const left of await entries(world)) await requeue(process.deps, left, 'really');
      await world.deliver(process, UNTIL_MS);
    });
    expect(await entries(world)).toEqual([]);
    expect(world.sim.truth.asked()).toMatchObject([{ requested: 1, rotated: 1 }]);
  });
});

describe('a continuation that fails at every delivery', () => {
  const LISTING = { method: 'GET', path: /managedDevices$/ };

  async function poisoned() {
    const world = createSmallWorld();
    const process = world.start();
    broken(world, LISTING, GARBLED);
    await world.clock.run(async () => {
      await process.tick();
      await world.deliver(process, START_MS + 4 * HOUR_MS);
      await world.clock.sleep(4 * HOUR_MS);
    });
    return { world, process, entry: await onlyEntry(world) };
  }

  it('is sent anew for the checkpoint of today, and the run goes on without a tick', async () => {
    const { world, process, entry } = await poisoned();
    await world.clock.run(async () => {
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({ outcome: 'requeued', runId: entry.runId });
      await world.deliver(process, UNTIL_MS);
    });
    expect(await entries(world)).toEqual([]);
    expect(await firstRun(world)).toMatchObject({ state: 'completed', finalCounts: { proven: 6 } });
  });

  it('needs nothing once its run has ended', async () => {
    const { world, process, entry } = await poisoned();
    await world.clock.run(async () => {
      await process.tick();
      await world.deliver(process, UNTIL_MS);
      const sent = world.queues.sent().length;
      expect(await requeue(process.deps, entry, 'really')).toMatchObject({ outcome: 'settled' });
      expect(world.queues.sent()).toHaveLength(sent);
    });
    expect(await entries(world)).toEqual([]);
  });

  it('names the devices that its run had not asked yet, a thousand of them, and says how many more', async () => {
    const world = createFaultWorld({ devices: 1_400, pageSize: 1_000, settings: { ROTATION_CANARY_DEVICES: '0' } });
    const process = world.start();
    await world.clock.run(async () => {
      await process.tick();
      await world.deliver(process, START_MS + 30_000);
      const run = (await firstRun(world)) ?? expect.unreachable();
      expect(run.nextOrder).toBeGreaterThan(0);
      const { tenantId, runId, checkpoint } = run;
      await quarantineMessage(process.deps, 'rotation-runs', { tenantId, runId, checkpoint });
      const { devices } = await onlyEntry(world);
      const rows = await world.rotations(runId);
      const waiting = rows.filter(({ state, order }) => state === 'planned' && order >= run.nextOrder);
      expect(devices.slice(0, -1)).toEqual(
        waiting.slice(0, devices.length - 1).map(({ entraDeviceId }) => entraDeviceId),
      );
      expect(devices.at(-1)).toMatch(/^and \d+ more$/);
      expect(devices.length).toBeGreaterThan(900);
    });
  });
});

describe('what cannot be put back', () => {
  const runId = 'a-run' as RunId;
  const otherTenant = '00000000-0000-4000-8000-00000000000f';

  it.each([
    ['rotation-requests', 'no JSON', 'it would be refused again: the message is neither JSON nor base64 of it'],
    [
      'rotation-requests',
      '{"targets":[]}',
      'it would be refused again: targets must be a list of 1 to 5000 targets, got 0',
    ],
    [
      'rotation-requests',
      JSON.stringify({ tenantId: otherTenant, targets: [] }),
      /refused again: tenantId must be .*, got .* \(and 1 more\)/,
    ],
    [
      'rotation-requests',
      '{"targets":[{"serialNumber":"A"}],"targets":[{"serialNumber":"B"}]}',
      'it would be refused again: "targets" is there twice',
    ],
    ['rotation-requests', '{"reason":"[redacted]","targets":[]}', 'what was redacted in it is kept nowhere'],
    ['rotation-runs', '[]', 'nobody can act on it: message must be a JSON object'],
    [
      'rotation-runs',
      JSON.stringify({ tenantId: otherTenant, runId, checkpoint: 0 }),
      `it is a message of tenant ${otherTenant}`,
    ],
    ['encryption-states', 'x', 'nobody can act on it: message must be a JSON object'],
    [
      'encryption-states',
      JSON.stringify({ tenantId: otherTenant, runId, sliceId: '0000000-0', look: 0 }),
      `it is a message of tenant ${otherTenant}`,
    ],
    ['another-queue', '{}', 'no queue of this app is called another-queue'],
  ])('a message of %s is told why, and stays: %s', async (queue, message, why) => {
    const world = createSmallWorld();
    const process = world.start();
    await quarantineMessage(process.deps, queue, message);
    const entry = await onlyEntry(world);
    expect(entry.message).toBe(message);
    const result = await requeue(process.deps, entry, 'really');
    expect(result).toMatchObject({
      outcome: 'stays',
      message: typeof why === 'string' ? expect.stringContaining(why) : expect.stringMatching(why),
    });
    expect(await entries(world)).toEqual([entry]);
    expect(world.queues.sent()).toEqual([]);
  });

  it.each([
    ['rotation-runs', { checkpoint: 0 }, 'the ledger knows no run a-run'],
    ['encryption-states', { sliceId: '0000000-0', look: 0 }, 'the ledger knows no slice 0000000-0 of run a-run'],
  ])('a message of %s about a run that nobody knows stays', async (queue, rest, why) => {
    const world = createSmallWorld();
    const process = world.start();
    await quarantineMessage(process.deps, queue, { tenantId: world.settings.tenantId, runId, ...rest });
    expect(await requeue(process.deps, await onlyEntry(world), 'really')).toMatchObject({
      outcome: 'stays',
      message: why,
    });
    expect(await entries(world)).toHaveLength(1);
  });

  it('a request stays while the kill switch is on', async () => {
    const world = createSmallWorld();
    const process = world.start();
    await quarantineMessage(process.deps, 'rotation-requests', { targets: [targetOf(world, 0)] });
    world.mode = 'off';
    expect(await requeue(process.deps, await onlyEntry(world), 'really')).toMatchObject({
      outcome: 'stays',
      message: 'it would be refused again: ROTATION_MODE is off',
    });
    expect(await entries(world)).toHaveLength(1);
  });
});
