/** The promise about priority: on-demand work waits for quota, never for the run. */
import pLimit from 'p-limit';
import { expect, it } from 'vitest';
import { acceptRequest } from '../../src/app/accept-request.ts';
import type { Deps } from '../../src/app/deps.ts';
import { createWorld, HOUR_MS, START_MS, type World } from '../support/world.ts';

const BULK = 2_000;
const EXTRA = 500;
const WINDOW_MS = 20_000;
/** What the promise adds to one quota window. */
const MARGIN_MS = 5_000;
/** Source: host.json, `batchSize` and `newBatchThreshold`. */
const AT_ONCE = 40;
const ROTATE = /^\/deviceManagement\/managedDevices\/([^/]+)\/rotateBitLockerKeys$/;

interface Message {
  readonly atMs: number;
  readonly runId: string;
  readonly targets: readonly string[];
}

/** When each device's one accepted request arrived. @throws {Error} for a second one. */
function acceptedAt(world: World): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { path, status, atMs } of world.sim.history) {
    const id = ROTATE.exec(path)?.[1];
    if (id === undefined || status !== 204) continue;
    if (times.has(id)) throw new Error(`device ${id} was asked twice`);
    times.set(id, atMs);
  }
  return times;
}

it.each([
  ['the same process', [0]],
  ['another process', [1]],
  ['two processes by turns', [0, 1]],
])(
  'requests that arrive in %s throughout a bulk run of 2,000 devices are sent within a quota window and 5 s',
  async (_where, takers) => {
    const world = createWorld({
      devices: BULK + EXTRA,
      fleet: 'healthy',
      seed: 3,
      latencyMs: [20, 120],
      budgetLatencyMs: 25,
      historyLimit: 100_000,
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_MAX_DEVICES: String(BULK) },
    });
    const { clock, sim } = world;
    // The bulk run takes the oldest keys: these devices are beyond its cap, and those it will come to last.
    const byAge = [...sim.truth.devices()].sort(
      (a, b) => (b.newestKey?.createdAtMs ?? 0) - (a.newestKey?.createdAtMs ?? 0),
    );
    const extra = byAge.slice(0, EXTRA).map((device) => device.managedDeviceId);
    const contested = byAge.slice(EXTRA, EXTRA + 20).map((device) => device.managedDeviceId);
    const messages: Message[] = [];

    await clock.run(async () => {
      const processes = [world.start(), world.start()].map(({ deps }) => ({ deps, host: pLimit(AT_ONCE) }));
      const bulkProcess = world.start();
      const [first] = processes;
      if (first === undefined) throw new Error('no process');
      // The first process is the one that carries the bulk run.
      processes[0] = { ...first, deps: bulkProcess.deps };
      await bulkProcess.tick();
      const bulk = world.deliver(bulkProcess, START_MS + HOUR_MS / 4);
      const handled: Promise<unknown>[] = [];

      function arrive(targets: readonly string[]): void {
        if (targets.length === 0) return;
        const taker = processes[takers[messages.length % takers.length] ?? 0];
        if (taker === undefined) throw new Error('no process takes it');
        const messageId = `message-${messages.length}`;
        messages.push({ atMs: clock.nowMs(), runId: messageId, targets });
        const message = { reason: 'test', targets: targets.map((managedDeviceId) => ({ managedDeviceId })) };
        handled.push(taker.host(() => deliver(taker.deps, JSON.stringify(message), messageId)));
      }

      function deliver(deps: Deps, message: string, messageId: string) {
        const bounds = {
          deadlineAtMs: clock.nowMs() + world.settings.timeBudgetMs,
          signal: new AbortController().signal,
        };
        return acceptRequest(deps, { message, messageId }, bounds);
      }

      while ((await world.runs())[0]?.state !== 'rotating') await clock.sleep(100);
      const left = [...extra];
      for (let second = 0; left.length > 0; second++) {
        // One device every other second, with a rush in between: many small messages, then one large one.
        if (second % 60 === 20) for (let i = 0; i < 100; i++) arrive(left.splice(0, 1));
        if (second % 60 === 25) arrive(left.splice(0, 50));
        if (second % 8 === 4) arrive(contested.splice(0, 1));
        if (second % 2 === 0) arrive(left.splice(0, 1));
        await clock.sleep(1_000);
      }
      await Promise.all([bulk, ...handled]);
    });

    const sentAt = acceptedAt(world);
    const waits: number[] = [];
    for (const { atMs, runId, targets } of messages) {
      const rows = await world.rotations(runId as Parameters<World['rotations']>[0]);
      for (const row of rows) {
        // A contested device may be the bulk run's already: it is not asked a second time.
        if (row.state === 'skipped')
          expect([row.skipReason, extra.includes(row.managedDeviceId)]).toEqual(['rotationPending', false]);
        else waits.push((sentAt.get(row.managedDeviceId) ?? Number.POSITIVE_INFINITY) - atMs);
      }
      expect(rows.map((row) => row.managedDeviceId).sort()).toEqual([...targets].sort());
    }
    expect(waits.length).toBeGreaterThanOrEqual(EXTRA);
    expect(Math.max(...waits)).toBeLessThanOrEqual(WINDOW_MS + MARGIN_MS);

    expect(world.errors).toEqual([]);
    sim.referee.assertClean();
    const { write, any, key } = sim.referee.classes;
    expect({ write: write.throttled, any: any.throttled, key: key.throttled }).toEqual({ write: 0, any: 0, key: 0 });
    expect(write.maxInWindow).toBeLessThanOrEqual(200);
    expect(any.maxInWindow).toBeLessThanOrEqual(2_000);
    // The bulk run had the rest of the quota: everybody was asked, once.
    expect(sentAt.size).toBe(BULK + EXTRA);
    expect((write.lastAtMs ?? 0) - (write.firstAtMs ?? 0)).toBeLessThan(1.25 * ((BULK + EXTRA) / 200) * WINDOW_MS);
  },
);
