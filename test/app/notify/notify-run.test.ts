import { describe, expect, it } from 'vitest';
import type { Deps } from '../../../src/app/deps.ts';
import { notifyDanger, notifyEnded } from '../../../src/app/notify/notify-run.ts';
import { takeLease } from '../../../src/app/run-lease.ts';
import { scheduledTick } from '../../../src/app/scheduled-tick.ts';
import type { Notifier, NotifyOutcome, RunNotification } from '../../../src/domain/notification.ts';
import { StorageError } from '../../../src/domain/storage-error.ts';
import { CANARY_SECRETS } from '../../../src/simulator/canary-secrets.ts';
import { createLogger } from '../../../src/system/logger.ts';
import { sampleRotation, sampleRun } from '../../contracts/samples.ts';
import { withHooks } from '../../support/hooked.ts';
import { createLife, mortal, ProcessDied } from '../../support/mortal.ts';
import { DAY_MS, START_MS, type TestProcess, type WorldOptions } from '../../support/world.ts';
import { createFaultWorld, type FaultWorld, firstRun, live, logLines, settle } from '../faults/fault-world.ts';
import { createPlanning, HOUR_MS } from '../plan/planning.ts';

interface Told {
  readonly world: FaultWorld;
  readonly told: RunNotification[];
  process(): TestProcess;
}

/** A world whose processes tell a webhook that answers so. */
function worldWith(
  options: WorldOptions,
  answer: (n: RunNotification) => NotifyOutcome = () => ({ kind: 'sent' }),
): Told {
  const world = createFaultWorld(options);
  const told: RunNotification[] = [];
  const notifier: Notifier = {
    async send(notification) {
      told.push(notification);
      return answer(notification);
    },
  };
  const process = () => {
    const started = world.start();
    return { ...started, deps: { ...started.deps, notifier } };
  };
  return { world, told, process };
}

async function runWith(...given: Parameters<typeof worldWith>): Promise<Told> {
  const all = worldWith(...given);
  await all.world.clock.run(() => settle(all.world, all.process()));
  return all;
}

const FAILED: NotifyOutcome = { kind: 'failed', because: 'the webhook refused', status: 410 };

describe('the webhook', () => {
  it('is told once when a run ends, with the figures of its row and of the log', async () => {
    const { world, told } = await runWith({});
    const run = await firstRun(world);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      event: 'runEnded',
      runId: run?.runId,
      state: 'completed',
      devices: run?.devices,
      due: run?.due,
      counts: run?.finalCounts,
      skipped: run?.skipped,
      rotatedWithoutKey: 0,
      evidence: { digest: run?.evidence?.digest, lines: run?.evidence?.lines, version: 1 },
    });
    const [line] = logLines(world, 'run completed');
    expect(line?.counts).toEqual(told[0]?.counts);
    expect(run?.notified?.endedAtMs).toBeDefined();
  });

  it('is told of the first dangerous device days before the end, and of all of them at the end', async () => {
    const devices = [
      { name: 'GOOD' },
      ...['A', 'B'].map((name) => ({ name, behaviour: 'saysDone' as const })),
      { name: 'SILENT', behaviour: 'neverChecksIn' as const },
    ];
    const { world, told } = await runWith({
      devices,
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_ABORT_FAILURE_RATE: '1' },
    });
    expect(told.map(({ event }) => event)).toEqual(['deviceInDanger', 'runEnded']);
    const [danger, end] = told;
    expect(Date.parse(danger?.at ?? '') - START_MS).toBeLessThan(2 * DAY_MS);
    const ids = ['A', 'B'].map((name) => world.sim.truth.device(name)?.entraDeviceId);
    expect(ids).toEqual(expect.arrayContaining([...(danger?.rotatedWithoutKeyIds ?? [])]));
    expect(end?.rotatedWithoutKey).toBe(2);
    expect(end?.rotatedWithoutKeyIds.toSorted()).toEqual(ids.toSorted());
  });

  it('is told when a run is aborted, and when that one has ended', async () => {
    const { told } = await runWith({
      devices: Array.from({ length: 12 }, () => ({ behaviour: 'fails' as const })),
      settings: { ROTATION_CANARY_DEVICES: '6' },
    });
    expect(told.map(({ event, state, abortReason }) => [event, state, abortReason])).toEqual([
      ['runAborted', 'settling', 'canaryFailed'],
      ['runEnded', 'aborted', 'canaryFailed'],
    ]);
  });

  it('is told with the abort already how many devices rotated without a key', async () => {
    const { told } = await runWith({
      devices: Array.from({ length: 12 }, () => ({ behaviour: 'saysDone' as const })),
      settings: { ROTATION_CANARY_DEVICES: '6' },
    });
    expect(told.map(({ event, rotatedWithoutKey }) => [event, rotatedWithoutKey])).toEqual([
      ['deviceInDanger', 6],
      ['runAborted', 6],
      ['runEnded', 6],
    ]);
  });

  it.each([
    ['dryRun', 'schedule', 1],
    ['dryRun', 'commandLine', 0],
  ] as const)('of a %s by %s is told %i times', async (mode, trigger, times) => {
    const { world, told, process } = worldWith({ settings: { ROTATION_MODE: mode } });
    await world.clock.run(async () => {
      const one = process();
      await scheduledTick(one.deps);
      const run = await firstRun(world);
      const stored = run === undefined ? undefined : await world.ledger.readRun(run.runId);
      if (stored !== undefined) await world.ledger.writeRun({ ...stored.value, trigger }, stored.version);
      await world.deliver(one, START_MS + DAY_MS);
    });
    expect((await firstRun(world))?.state).toBe('completed');
    expect(told).toHaveLength(times);
  });

  it('that fails never fails a run, and is reported once', async () => {
    const { world, told } = await runWith(
      {
        devices: [{ name: 'GOOD' }, { name: 'A', behaviour: 'saysDone' }],
        settings: { ROTATION_CANARY_DEVICES: '0' },
      },
      () => FAILED,
    );
    expect(told).toHaveLength(2);
    expect((await firstRun(world))?.state).toBe('completed');
    const warnings = logLines(world, 'the webhook could not be told of the run, which goes on');
    expect(warnings).toMatchObject([{ reason: 'the webhook refused', status: 410 }]);
    expect(world.errors).toEqual([]);
  });

  it('is told of a device that is found done by a later plan, and not of one its own run saw done', async () => {
    const { world, told, process } = worldWith({
      devices: [
        { name: 'LATE', behaviour: 'saysDone', checkInDelayMs: 15 * DAY_MS },
        { name: 'SEEN', behaviour: 'saysDone' },
      ],
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_SEEN_WITHIN: 'P400D', ROTATION_ABORT_FAILURE_RATE: '1' },
    });
    await world.clock.run(() => live(world, process(), 17));
    const run = await firstRun(world);
    const dangers = told.filter(({ event, runId }) => event === 'deviceInDanger' && runId === run?.runId);
    expect(dangers.map(({ rotatedWithoutKeyIds }) => rotatedWithoutKeyIds)).toEqual([
      [world.sim.truth.device('SEEN')?.entraDeviceId],
      [world.sim.truth.device('LATE')?.entraDeviceId],
    ]);
  });

  it('is told nothing twice, whatever is delivered twice', async () => {
    const { world, told, process } = worldWith({
      devices: [{ name: 'GOOD' }, { name: 'A', behaviour: 'saysDone' }],
      settings: { ROTATION_CANARY_DEVICES: '0' },
    });
    await world.clock.run(async () => {
      const one = process();
      await scheduledTick(one.deps);
      await world.deliver(one, START_MS + 30 * DAY_MS, { copies: 3 });
    });
    expect(told.map(({ event }) => event)).toEqual(['deviceInDanger', 'runEnded']);
  });

  it.each([
    ['sent', { kind: 'sent' }, {}],
    ['failed', FAILED, { failedAtMs: START_MS }],
  ] as const)('leaves what others note of the run meanwhile as it is: %s', async (_kind, outcome, noted) => {
    const world = createPlanning();
    const run = sampleRun({ state: 'settling' });
    await world.ledger.createRun(run);
    const notifier: Notifier = {
      async send() {
        const stored = await world.ledger.readRun(run.runId);
        if (stored === undefined) throw new Error('there is no run');
        const changed = { ...stored.value, lateNotices: 3, notified: { dangerAtMs: 7 } };
        expect(await world.ledger.writeRun(changed, stored.version)).toBeDefined();
        return outcome;
      },
    };
    await world.clock.run(async () => {
      const deps = world.deps({ notifier });
      const answer = await takeLease(deps, run.runId);
      if (answer.kind !== 'leased') throw new Error('the lease is not free');
      await notifyEnded(deps, answer.lease, { states: {}, skipped: {} }, { state: 'completed' });
      await answer.lease.release({});
    });
    const { lateNotices, notified } = await world.run(run.runId);
    expect({ lateNotices, notified }).toEqual({
      lateNotices: 3,
      notified: { dangerAtMs: 7, endedAtMs: START_MS, ...noted },
    });
  });

  it.each(['readRun', 'writeRun', 'listSlices'])(
    'that cannot be told because %s fails, fails no look',
    async (name) => {
      const world = createPlanning();
      const run = sampleRun({ state: 'settling', due: 1 });
      await world.ledger.createRun(run);
      const told: RunNotification[] = [];
      const before = (operation: { readonly name: string }) => {
        if (operation.name === name) throw new StorageError('unreachable', 'the table is busy');
      };
      const log: string[] = [];
      const deps = world.deps({
        notifier: {
          async send(notification) {
            told.push(notification);
            return { kind: 'sent' };
          },
        },
        logger: createLogger({ level: 'debug', write: (_level, line) => log.push(line) }),
      });
      const found = [sampleRotation(0, { state: 'confirmed' })];
      await notifyDanger({ ...deps, ledger: withHooks('ledger', world.ledger, { before }) }, run, found);
      expect(told).toEqual([]);
      expect(log.join('')).toContain('the webhook was not told of a device in danger');
    },
  );

  /** A run, looks at it that all find the same device in danger, and what a webhook is told. */
  async function createLooks() {
    const world = createPlanning();
    const run = sampleRun({ state: 'settling', due: 1 });
    await world.ledger.createRun(run);
    const told: RunNotification[] = [];
    const notifier: Notifier = {
      async send(notification) {
        told.push(notification);
        return { kind: 'sent' };
      },
    };
    const look = async (ports: Partial<Deps> = {}) =>
      notifyDanger(world.deps({ notifier, ...ports }), await world.run(run.runId), [
        sampleRotation(0, { state: 'confirmed' }),
      ]);
    return { world, notifier, told, look };
  }

  it('is told once of a device in danger that several looks find at once', async () => {
    const { told, look } = await createLooks();
    await Promise.all([look(), look(), look()]);
    await look();
    expect(told.map(({ event }) => event)).toEqual(['deviceInDanger']);
  });

  it('is told of a device in danger whatever step the process dies at, by the next look if need be', async () => {
    for (let dieAt = 1; ; dieAt++) {
      const { world, notifier, told, look } = await createLooks();
      const life = createLife(dieAt);
      const ports = { ledger: mortal(world.ledger, life, 'ledger'), notifier: mortal(notifier, life, 'notifier') };
      const death: unknown = await look(ports).catch((error: unknown) => error);
      await world.clock.run(() => world.clock.sleep(HOUR_MS));
      await look();
      await look();
      if (death === undefined) {
        expect(told).toHaveLength(1);
        expect(dieAt).toBeGreaterThan(10);
        return;
      }
      expect(death).toBeInstanceOf(ProcessDied);
      // Twice when it died with the answer in its hands.
      expect({ diedAt: life.diedAt, times: told.length }).toEqual({
        diedAt: life.diedAt,
        times: expect.toSatisfy((times: number) => times === 1 || times === 2),
      });
    }
  });

  it('is told ids and counts: no name, no user, no reason, no secret', async () => {
    const { world, told } = await runWith({});
    const all = JSON.stringify(told);
    for (const device of world.sim.truth.devices()) expect(all).not.toContain(device.deviceName);
    for (const secret of [...CANARY_SECRETS, ...world.sim.issuedTokens]) expect(all.includes(secret)).toBe(false);
  });
});
