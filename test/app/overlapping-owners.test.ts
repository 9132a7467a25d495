/** Two owners of one run at once: no rotation is lost between them, and a lease is kept or lost for a reason. */
import { describe, expect, it } from 'vitest';
import { advanceRun } from '../../src/app/advance-run.ts';
import { DEFAULT_TIMING, type Deps } from '../../src/app/deps.ts';
import { rotateBlock } from '../../src/app/rotate-block.ts';
import { LeaseLostError, type RunLease, takeLease } from '../../src/app/run-lease.ts';
import { startFleetRun } from '../../src/app/start-run.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import type { Run } from '../../src/domain/run.ts';
import { StorageError } from '../../src/domain/storage-error.ts';
import { withHooks } from '../support/hooked.ts';
import { DAY_MS, HOUR_MS, START_MS } from '../support/world.ts';
import { expectHonest } from './faults/expect-honest.ts';
import { createFaultWorld, type FaultWorld, FLEET_SIZE, statesOf } from './faults/fault-world.ts';

/** A run that is planned, with nothing asked for yet. */
async function planned(world: FaultWorld, deps: Deps): Promise<Run> {
  world.mode = 'dryRun';
  const { run } = await startFleetRun(deps, { trigger: 'schedule', mode: 'live' });
  const bounds = { deadlineAtMs: world.clock.nowMs() + HOUR_MS, signal: new AbortController().signal };
  await advanceRun(deps, { tenantId: run.tenantId, runId: run.runId, checkpoint: 0 }, bounds);
  world.mode = 'live';
  const now = (await world.ledger.readRun(run.runId))?.value;
  expect(now).toMatchObject({ state: 'rotating', due: FLEET_SIZE });
  return now ?? run;
}

describe('two owners in one block', () => {
  it.each(['the one that lost its lease', 'its successor'])(
    'leave every rotation in the slice when %s writes it last, and all are proven',
    async (last) => {
      const world = createFaultWorld({
        latencyMs: 0,
        settings: { ROTATION_CANARY_DEVICES: '0', GRAPH_WRITE_BUDGET: '100/PT20S' },
      });
      await world.clock.run(async () => {
        const process = world.start();
        const { deps } = process;
        const run = await planned(world, deps);
        const rows = await world.ledger.readRotations(run.runId, 0, run.due);
        const lost = new AbortController();
        const claimsSeen = Promise.withResolvers<void>();
        const recorded = Promise.withResolvers<void>();
        const opened = Promise.withResolvers<void>();
        const isLast = (owner: string) => owner === last;
        const opening = (owner: string) => ({
          before: () => (isLast(owner) ? opened.promise : undefined),
          after: () => (isLast(owner) ? undefined : opened.resolve()),
        });

        // The first owner asks for a few; then its lease is gone, and its successor finds its claims.
        const ofFirst = opening('the one that lost its lease');
        let requests = 0;
        const first: Deps = {
          ...deps,
          tenant: {
            ...deps.tenant,
            requestRotation: async (target, options) => {
              requests += 1;
              if (requests > 10) {
                await claimsSeen.promise;
                lost.abort(new LeaseLostError('another owner'));
              }
              return deps.tenant.requestRotation(target, options);
            },
          },
          ledger: withHooks('ledger', deps.ledger, {
            before: ({ name }) => (name === 'writeSlices' ? ofFirst.before() : undefined),
            after: ({ name }) => {
              if (name === 'writeRotations') recorded.resolve();
              if (name === 'writeSlices') ofFirst.after();
            },
          }),
        };
        const ofSecond = opening('its successor');
        const second: Deps = {
          ...deps,
          ledger: withHooks('ledger', deps.ledger, {
            before: async ({ name }) => {
              if (name === 'writeRotations') {
                claimsSeen.resolve();
                await recorded.promise;
              }
              if (name === 'writeSlices') await ofSecond.before();
            },
            after: ({ name }) => (name === 'writeSlices' ? ofSecond.after() : undefined),
          }),
        };
        const bounds = (signal: AbortSignal) => ({ deadlineAtMs: world.clock.nowMs() + HOUR_MS, signal });
        const one = rotateBlock(first, run, rows, bounds(lost.signal));
        await world.clock.sleep(5);
        await Promise.all([one, rotateBlock(second, run, rows, bounds(new AbortController().signal))]);

        const { requested = 0, uncertain = 0 } = statesOf(await world.rotations(run.runId));
        expect(requested).toBeGreaterThan(0);
        expect(uncertain).toBeGreaterThan(0);
        const slices = [];
        for await (const slice of world.ledger.listSlices(run.runId, {})) slices.push(slice.value);
        expect(slices.flatMap(({ orders }) => orders)).toEqual(rows.map((row) => row.value.order));
        expect(slices[0]?.counts).toEqual({ requested, uncertain });

        // The successor goes on as the walk does: past the block, with the looks to come.
        const stored = await world.ledger.readRun(run.runId);
        await world.ledger.writeRun({ ...run, nextOrder: run.due }, stored?.version ?? '');
        await world.queues.sendContinuation(
          { tenantId: run.tenantId, runId: run.runId, checkpoint: run.checkpoint },
          0,
        );
        await world.deliver(process, START_MS + 30 * DAY_MS);
        expect((await world.runs())[0]).toMatchObject({ state: 'completed', finalCounts: { proven: FLEET_SIZE } });
      });
      await expectHonest(world);
    },
  );
});

describe('a lease', () => {
  const { leaseMs } = DEFAULT_TIMING;

  /** A lease held by an owner for whom writes of the run row fail while `isAway` says so. */
  async function held(
    world: FaultWorld,
    isAway: (writes: number) => boolean,
  ): Promise<{ lease: RunLease; other: Deps }> {
    const { deps } = world.start();
    const { run } = await startFleetRun(deps, { trigger: 'schedule', mode: 'live' });
    let writes = 0;
    const ledger: Ledger = {
      ...world.ledger,
      writeRun: async (value, version) => {
        writes += 1;
        if (isAway(writes)) throw new StorageError('unreachable', 'storage is away');
        return world.ledger.writeRun(value, version);
      },
    };
    const answer = await takeLease({ ...deps, ledger }, run.runId);
    if (answer.kind !== 'leased') throw new Error(`the lease is ${answer.kind}`);
    return { lease: answer.lease, other: world.start().deps };
  }

  it.each([2, 3])('survives a renewal that failed (write %i), and goes on being renewed', async (failing) => {
    const world = createFaultWorld();
    await world.clock.run(async () => {
      const { lease, other } = await held(world, (writes) => writes === failing);
      const { runId } = lease.run();
      for (let waited = 0; waited < 6 * leaseMs; waited += leaseMs / 2) {
        await world.clock.sleep(leaseMs / 2);
        expect((await takeLease(other, runId)).kind).toBe('held');
      }
      expect(lease.lost.aborted).toBe(false);
      await lease.release({});
    });
  });

  it('that ran out while storage was away is lost, although nobody took it', async () => {
    const world = createFaultWorld();
    await world.clock.run(async () => {
      let isAway = false;
      const { lease, other } = await held(world, () => isAway);
      isAway = true;
      await world.clock.sleep(leaseMs / 2);
      expect(lease.lost.aborted).toBe(false);
      await world.clock.sleep(leaseMs);
      expect(lease.lost.aborted).toBe(true);
      isAway = false;
      await expect(lease.update({ nextOrder: 1 })).rejects.toThrow(LeaseLostError);
      const next = await takeLease(other, lease.run().runId);
      expect(next.kind).toBe('leased');
      if (next.kind === 'leased') await next.lease.release({});
    });
  });
});
