import { describe, expect, it } from 'vitest';
import { startFleetRun } from '../../../src/app/start-run.ts';
import { closingOf } from '../../../src/cli/drive/closing.ts';
import { countReading } from '../../../src/cli/drive/count-reading.ts';
import { type DriveEnd, driveRun, type Waiting } from '../../../src/cli/drive/drive-run.ts';
import { type RunStanding, watchRun } from '../../../src/cli/drive/watch-run.ts';
import type { Run } from '../../../src/domain/run.ts';
import { createWorld, DAY_MS, HOUR_MS, type World, type WorldOptions } from '../../support/world.ts';

const FLEET: WorldOptions = {
  devices: 60,
  fleet: 'healthy',
  settings: { ROTATION_CANARY_DEVICES: '5', CONFIRM_SCHEDULE: 'PT30M,PT2H,PT8H' },
};

interface Drive {
  readonly end: DriveEnd;
  readonly run: Run;
  readonly waits: readonly Waiting[];
}

/** One `keyturn run`, alone with the tenant: nobody delivers messages. */
async function drive(
  world: World,
  options: { readonly until: 'sent' | 'settled'; readonly signal?: AbortSignal; readonly mode?: Run['mode'] },
): Promise<Drive> {
  const { deps } = world.start();
  const { run } = await startFleetRun(deps, { trigger: 'commandLine', mode: options.mode ?? 'live' });
  const waits: Waiting[] = [];
  const end = await driveRun(deps, {
    runId: run.runId,
    until: options.until,
    signal: options.signal ?? new AbortController().signal,
    onWaiting: (waiting) => {
      if (waiting !== undefined) waits.push(waiting);
    },
  });
  return { end, run: await readRun(world, run), waits };
}

/** A test's body on the world's clock. */
function inWorld(options: WorldOptions, body: (world: World) => Promise<void>): () => Promise<void> {
  const world = createWorld(options);
  return () => world.clock.run(() => body(world));
}

async function readRun(world: World, run: Run): Promise<Run> {
  const found = await world.ledger.readRun(run.runId);
  if (found === undefined) throw new Error('the run vanished');
  return found.value;
}

describe('a run driven from the command line, with no function to help', () => {
  it(
    'looks at its canaries itself, sends the fleet and ends when the last request is sent',
    inWorld(FLEET, async (world) => {
      const { end, run, waits } = await drive(world, { until: 'sent' });
      expect(end).toEqual({ kind: 'sent' });
      expect(run.state).toBe('settling');
      expect(world.sim.referee.rotationsAccepted).toBe(60);
      expect(waits.map(({ because }) => because)).toContain('waiting for the canaries');
      // The canaries answer within the half hour before their first look.
      expect(run.rotatingEndedAtMs).toBeLessThan(run.createdAtMs + HOUR_MS);
      world.sim.referee.assertClean();
    }),
  );

  it(
    'settles every request as its look falls due, and ends with the run',
    inWorld(FLEET, async (world) => {
      const { end, run, waits } = await drive(world, { until: 'settled' });
      expect(end).toEqual({ kind: 'finished' });
      expect(run).toMatchObject({ state: 'completed', finalCounts: { proven: 60 } });
      expect(world.sim.truth.rotatedCount()).toBe(60);
      expect(waits.map(({ because }) => because)).toContain('waiting for the next look');
      expect(closingOf(end, run)).toEqual({ message: 'The run is complete.', exitCode: 0 });
    }),
  );

  it(
    'finishes what is in hand when told to stop, and is carried on by the next command without asking twice',
    inWorld({ ...FLEET, devices: 400, latencyMs: 200 }, async (world) => {
      const stopping = new AbortController();
      const watching = (async () => {
        while (world.sim.referee.rotationsAccepted < 150) await world.clock.sleep(100);
        stopping.abort(new Error('stopped'));
      })();
      const first = await drive(world, { until: 'settled', signal: stopping.signal });
      await watching;
      expect(first.end).toEqual({ kind: 'stopped' });
      expect(first.run.state).toBe('rotating');
      expect(first.run.leaseOwner).toBeUndefined();
      expect(closingOf(first.end, first.run)).toMatchObject({
        exitCode: 1,
        message: expect.stringContaining('`npx keyturn run --live`'),
      });

      const second = await drive(world, { until: 'settled' });
      expect(second.run.runId).toBe(first.run.runId);
      expect(second.run.finalCounts).toEqual({ proven: 400 });
      expect(world.sim.referee.rotationsAccepted).toBe(400);
      world.sim.referee.assertClean();
    }),
  );

  it(
    'waits while another process owns the run',
    inWorld(FLEET, async (world) => {
      const { deps } = world.start();
      const { run } = await startFleetRun(deps, { trigger: 'schedule', mode: 'live' });
      const found = await world.ledger.readRun(run.runId);
      const leaseUntilMs = world.clock.nowMs() + 9_000;
      await world.ledger.writeRun({ ...run, leaseOwner: 'someone', leaseUntilMs }, found?.version ?? '');
      const { end, waits } = await drive(world, { until: 'sent' });
      expect(end).toEqual({ kind: 'sent' });
      expect(waits[0]).toEqual({ because: 'another process may still be working on this run', untilMs: leaseUntilMs });
      expect(waits.filter(({ because }) => because.startsWith('another'))).toHaveLength(2);
    }),
  );

  it(
    'shares the work with a function app that acts on the messages',
    inWorld({ ...FLEET, devices: 300 }, async (world) => {
      const [{ end, run }] = await Promise.all([
        drive(world, { until: 'settled' }),
        world.clock.sleep(60_000).then(() => world.deliver(world.start(), world.clock.nowMs() + DAY_MS)),
      ]);
      expect(end).toEqual({ kind: 'finished' });
      expect(run.finalCounts).toEqual({ proven: 300 });
      expect(world.sim.referee.rotationsAccepted).toBe(300);
      world.sim.referee.assertClean();
    }),
  );

  it(
    'as a dry run plans and sends nothing',
    inWorld(FLEET, async (world) => {
      const { end, run } = await drive(world, { until: 'sent', mode: 'dryRun' });
      expect(end).toEqual({ kind: 'finished' });
      expect(run).toMatchObject({ state: 'completed', due: 60, finalCounts: { planned: 60 } });
      expect(world.sim.referee.rotationsAccepted).toBe(0);
      expect(closingOf(end, run)).toEqual({
        exitCode: 0,
        message: 'Nothing was sent. `npx keyturn run --live` does this.',
      });
      // Of named devices the command must name them again.
      expect(closingOf(end, { ...run, targets: [] }).message).toBe(
        'Nothing was sent. The same command with --live asks these devices.',
      );
    }),
  );

  it(
    'says that a live run needs a live mode, and sends nothing',
    inWorld(FLEET, async (world) => {
      const before = world.mode;
      world.mode = 'dryRun';
      const { end, run } = await drive(world, { until: 'sent' });
      expect(before).toBe('live');
      expect(end).toEqual({ kind: 'paused' });
      expect(world.sim.referee.rotationsAccepted).toBe(0);
      expect(closingOf(end, run)).toMatchObject({ exitCode: 2, message: expect.stringContaining('--live') });
    }),
  );

  it(
    'tells at once that Graph is out while nothing is planned yet',
    inWorld({ ...FLEET, faults: { unavailable: 1 } }, async (world) => {
      const { end, run } = await drive(world, { until: 'sent' });
      expect(end).toMatchObject({ kind: 'gaveUp', because: expect.stringContaining('try again later') });
      expect(closingOf(end, run)).toMatchObject({ exitCode: 1, message: expect.stringContaining('keeps its place') });
      expect(run.state).toBe('planning');
    }),
  );

  const broken = Array.from({ length: 10 }, () => ({ kind: 'deviceFailed' as const }));
  it(
    'ends with exit code 1 when the canaries fail',
    inWorld({ ...FLEET, devices: broken }, async (world) => {
      const { end, run } = await drive(world, { until: 'settled' });
      expect(run).toMatchObject({ state: 'aborted', abortReason: 'canaryFailed' });
      expect(closingOf(end, run)).toMatchObject({ exitCode: 1, message: expect.stringContaining('too few canaries') });
      expect(world.sim.referee.rotationsAccepted).toBe(5);
    }),
  );
});

describe('watching a run', () => {
  it(
    'shows every stage, with counts that add up and a rate while it sends',
    inWorld({ ...FLEET, devices: 1_000 }, async (world) => {
      const { deps } = world.start();
      const { run } = await startFleetRun(deps, { trigger: 'commandLine', mode: 'live' });
      const standings: RunStanding[] = [];
      const watch = watchRun({
        ledger: world.ledger,
        clock: world.clock,
        runId: run.runId,
        writeBudget: world.settings.budgets.write,
        everyMs: 1_000,
        onStanding: (standing) => standings.push(standing),
        onFault: (error) => {
          throw error;
        },
      });
      const options = { runId: run.runId, signal: new AbortController().signal, onWaiting: () => undefined };
      await driveRun(deps, { ...options, until: 'settled' });
      await watch.stop();
      const stages = standings.map(({ stage }) => stage).filter((stage, i, all) => stage !== all[i - 1]);
      expect(stages).toEqual(['planning', 'canary', 'rotating', 'settling', 'finished']);
      for (const { report } of standings) {
        expect(Object.values(report.counts).reduce((sum, n) => sum + n, 0)).toBe(report.devices);
      }
      const rates = standings.filter(({ stage }) => stage === 'rotating').map(({ quotaShare }) => quotaShare ?? 0);
      expect(Math.max(...rates)).toBeGreaterThan(0.5);
      expect(Math.max(...rates)).toBeLessThanOrEqual(1);
    }),
  );

  it(
    'goes on after a reading that failed',
    inWorld(FLEET, async (world) => {
      const { deps } = world.start();
      const { run } = await startFleetRun(deps, { trigger: 'commandLine', mode: 'live' });
      let readings = 0;
      const faults: unknown[] = [];
      const standings: RunStanding[] = [];
      const ledger = {
        ...world.ledger,
        readRun: (id: Run['runId']) => {
          readings += 1;
          return readings === 1 ? Promise.reject(new Error('storage is out')) : world.ledger.readRun(id);
        },
      };
      const watch = watchRun({
        ledger,
        clock: world.clock,
        runId: run.runId,
        writeBudget: world.settings.budgets.write,
        everyMs: 1_000,
        onStanding: (standing) => standings.push(standing),
        onFault: (error) => faults.push(error),
      });
      await world.clock.sleep(2_500);
      await watch.stop();
      expect(faults).toEqual([new Error('storage is out')]);
      expect(standings.length).toBeGreaterThanOrEqual(2);
    }),
  );
});

describe('counting what planning reads', () => {
  it(
    'counts devices and keys as they are listed',
    inWorld(FLEET, async (world) => {
      const { deps } = world.start();
      const counted = countReading(deps.tenant);
      expect(counted.counts()).toEqual({ devices: 0, keys: 0 });
      const { run } = await startFleetRun(deps, { trigger: 'commandLine', mode: 'dryRun' });
      const options = { runId: run.runId, signal: new AbortController().signal, onWaiting: () => undefined };
      await driveRun({ ...deps, tenant: counted.tenant }, { ...options, until: 'sent' });
      const { devices, keys } = counted.counts();
      expect(devices).toBe(60);
      expect(keys).toBeGreaterThanOrEqual(60);
    }),
  );
});
