/** Keys that are put into escrow beside runs that rotate: none of them may ever pass as the proof of a rotation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scheduledTick } from '../../../src/app/scheduled-tick.ts';
import type { EscrowVolume } from '../../../src/domain/escrow.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { DeviceSpec } from '../../../src/simulator/devices/device-profile.ts';
import type { Hooks, Operation } from '../../support/hooked.ts';
import { DAY_MS, HOUR_MS, type TestProcess } from '../../support/world.ts';
import { expectHonest } from '../faults/expect-honest.ts';
import { createFaultWorld, type FaultWorld, live } from '../faults/fault-world.ts';
import { counts, createEscrowIn } from './escrow-world.ts';

const SILENT: DeviceSpec = { name: 'SILENT', behaviour: 'neverChecksIn', keyAgeDays: 100 };
const SLOW: DeviceSpec = { name: 'SLOW', behaviour: 'rotates', checkInDelayMs: 3 * HOUR_MS, keyAgeDays: 100 };
/** Due again a day after its newest key, so that an imported key keeps nobody from being asked for long. */
const SETTINGS = {
  ROTATION_CANARY_DEVICES: '0',
  ROTATION_SEEN_WITHIN: 'P400D',
  ROTATION_MAX_KEY_AGE: 'P1D',
  ROTATION_MIN_KEY_AGE: 'PT1H',
};
const OS_KEY = [{ device: 0, volumeType: 'operatingSystemVolume' }] as const;

function createWorld(device: DeviceSpec, settings: Readonly<Record<string, string>> = {}) {
  const world = createFaultWorld({ devices: [device], settings: { ...SETTINGS, ...settings } });
  return { world, app: world.start(), escrow: createEscrowIn(world) };
}

/** One tick and what falls due within minutes of it: a run that asks whom it may. */
async function ask(world: FaultWorld, app: TestProcess): Promise<void> {
  await scheduledTick(app.deps);
  await world.deliver(app, world.clock.nowMs() + 60_000);
}

/** Every rotation of every run that was asked for. */
async function asked(world: FaultWorld): Promise<readonly Rotation[]> {
  const rows = await Promise.all((await world.runs()).map(({ runId }) => world.rotations(runId)));
  return rows.flat().filter(({ claimedAtMs }) => claimedAtMs !== undefined);
}

const provenOf = (rows: readonly Rotation[]) => rows.filter(({ state }) => state === 'proven');

/** Acts once, around the nth write of a device record. */
function atWrite(nth: number, when: keyof Hooks, act: (operation: Operation) => Promise<void>): Hooks {
  let writes = 0;
  return {
    async [when](operation: Operation) {
      if (operation.name !== 'writeDevices') return;
      writes += 1;
      if (writes === nth) await act(operation);
    },
  };
}

describe('a key put into escrow', () => {
  it('before a rotation is requested proves nothing, though the device never answers', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    await world.clock.run(async () => {
      expect((await escrow.start(OS_KEY)).counts).toEqual(counts({ escrowed: 1 }));
      await live(world, app, 16);
    });
    expect(escrow.received(0)).toBe(1);
    expect(world.sim.truth.device(0)?.requested).toBe(1);
    expect((await asked(world)).map(({ state }) => state)).toEqual(['overdue']);
    await expectHonest(world);
  });

  it('makes the key of its device look young: it is not due before that key is old', async () => {
    const { world, app, escrow } = createWorld(SILENT, { ROTATION_MAX_KEY_AGE: 'P5D', ROTATION_MIN_KEY_AGE: 'P3D' });
    await world.clock.run(async () => {
      await escrow.start(OS_KEY);
      await live(world, app, 7);
    });
    const oldestFirst = [...(await world.runs())].reverse();
    const rows = await Promise.all(oldestFirst.map(({ runId }) => world.rotations(runId)));
    const story = rows.flat().map(({ skipReason, state }) => skipReason ?? state);
    expect(story).toEqual([...Array(3).fill('keyTooYoung'), 'notDue', 'notDue', 'requested', 'rotationPending']);
  });

  it('alone does not make its device look as if it had been asked before', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    await world.clock.run(async () => {
      await escrow.start([{ device: 0, volumeType: 'fixedDataVolume' }]);
      expect(await escrow.recordOf(0)).toEqual({
        entraDeviceId: escrow.deviceOf(0),
        importedKeyIds: world.sim.truth.escrowed.map(({ keyId }) => keyId),
        importUntilMs: expect.any(Number),
      });
      await world.clock.sleep(HOUR_MS);
      await ask(world, app);
    });
    expect(world.sim.truth.device(0)?.requested).toBe(1);
  });
});

describe('a key for a device that a run has asked', () => {
  it.each(['add', 'update'] as const)(
    'is not sent by %s, and by the same journal once it has settled',
    async (operation) => {
      const { world, app, escrow } = createWorld(SLOW);
      await world.clock.run(async () => {
        await ask(world, app);
        const beside = await escrow.start(OS_KEY, { operation });
        expect(beside).toEqual({ counts: counts({ rotationPending: 1 }) });
        expect(escrow.told).toEqual([{ line: 2, what: 'rotationPending' }]);
        expect(escrow.lines).toEqual([]);
        expect(world.sim.truth.escrowed).toEqual([]);
        await live(world, app, 1);
        expect(provenOf(await asked(world))).toHaveLength(1);
        await expectHonest(world);
        expect((await escrow.start(OS_KEY, { operation })).counts).toEqual(counts({ escrowed: 1 }));
      });
    },
  );

  it('is not sent either while the claim is pending, long after the last look', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    await world.clock.run(async () => {
      await live(world, app, 14);
      expect((await asked(world)).map(({ state }) => state)).toEqual(['overdue']);
      expect((await escrow.start(OS_KEY)).counts).toEqual(counts({ rotationPending: 1 }));
    });
    expect(world.sim.truth.escrowed).toEqual([]);
  });

  it('is left where other rows go on', async () => {
    const world = createFaultWorld({ devices: [SILENT, { name: 'YOUNG', keyAgeDays: 0 }], settings: SETTINGS });
    const escrow = createEscrowIn(world);
    await world.clock.run(async () => {
      await ask(world, world.start());
      const end = await escrow.start([{ device: 0 }, { device: 1 }, { device: 0 }]);
      expect(end).toEqual({ counts: counts({ rotationPending: 2, escrowed: 1 }) });
    });
  });
});

describe('a run that comes between', () => {
  it('the look at the device and its hold keeps the key from being sent', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    await world.clock.run(async () => {
      const hooks = atWrite(1, 'before', () => ask(world, app));
      expect((await escrow.start(OS_KEY, { hooks })).counts).toEqual(counts({ rotationPending: 1 }));
      await live(world, app, 14);
    });
    expect(world.sim.truth.escrowed).toEqual([]);
    expect((await asked(world)).map(({ state }) => state)).toEqual(['overdue']);
  });

  it('the hold and the request leaves the device alone, and asks it later', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    await world.clock.run(async () => {
      const hooks = atWrite(1, 'after', () => ask(world, app));
      expect((await escrow.start(OS_KEY, { hooks })).counts).toEqual(counts({ escrowed: 1 }));
      const [run] = await world.runs();
      expect(await world.rotations(run?.runId as never)).toMatchObject([
        { state: 'skipped', skipReason: 'keyTooYoung' },
      ]);
      expect(world.sim.truth.device(0)?.requested).toBe(0);
      await live(world, app, 16);
    });
    expect((await asked(world)).map(({ state }) => state)).toEqual(['overdue']);
    await expectHonest(world);
  });

  it('and knows of no holds is still not proven by the key, at no look and in no later plan', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    const claimAnyway = async (): Promise<void> => {
      const id = escrow.deviceOf(0);
      const stored = (await world.ledger.readDevices([id])).get(id);
      await world.ledger.writeDevices([{ record: { entraDeviceId: id }, version: stored?.version }]);
      await ask(world, app);
      // Far enough from the request that only the key's id tells that it is none of the device's own.
      await world.clock.sleep(30_000);
    };
    await world.clock.run(async () => {
      const hooks = atWrite(1, 'after', claimAnyway);
      expect((await escrow.start(OS_KEY, { hooks })).counts).toEqual(counts({ escrowed: 1 }));
      expect(world.sim.truth.device(0)).toMatchObject({ requested: 1, rotated: 0 });
      const [row] = await asked(world);
      expect(row?.acceptedByMs).toBeLessThan(world.sim.truth.escrowed[0]?.atMs ?? 0);
      await live(world, app, 20);
    });
    expect((await asked(world)).map(({ state }) => state)).toEqual(['overdue']);
    expect((await escrow.recordOf(0))?.claim?.pending).toBeDefined();
    await expectHonest(world);
  });
});

describe('a crash between the answer and the record', () => {
  /** The hold is the first write of the device's record, the key's id the second. */
  const crash = () =>
    atWrite(2, 'before', async () => {
      throw new Error('killed');
    });

  it('is made good by the same journal, which finds the key and records it', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    await world.clock.run(async () => {
      await expect(escrow.start(OS_KEY, { hooks: crash() })).rejects.toThrow('killed');
      expect((await escrow.recordOf(0))?.importedKeyIds).toBeUndefined();
      expect(escrow.lines).toHaveLength(1);
      expect((await escrow.start(OS_KEY)).counts).toEqual(counts({ found: 1 }));
      const { importedKeyIds } = (await escrow.recordOf(0)) ?? {};
      expect(importedKeyIds).toEqual(world.sim.truth.escrowed.map(({ keyId }) => keyId));
      await live(world, app, 16);
    });
    expect(escrow.received(0)).toBe(1);
    expect(provenOf(await asked(world))).toEqual([]);
    await expectHonest(world);
  });

  it.each(['while it is under way', 'after it has settled'])(
    'is told apart from a rotation that was requested since, %s',
    async (when) => {
      const { world, app, escrow } = createWorld(SLOW);
      await world.clock.run(async () => {
        await expect(escrow.start(OS_KEY, { hooks: crash() })).rejects.toThrow('killed');
        await world.clock.sleep(2 * DAY_MS);
        await ask(world, app);
        await world.clock.sleep(4 * HOUR_MS);
        expect(world.sim.truth.device(0)).toMatchObject({ requested: 1, rotated: 1 });
        if (when === 'after it has settled') await world.deliver(app, world.clock.nowMs() + HOUR_MS);
        expect((await escrow.start(OS_KEY)).counts).toEqual(counts({ found: 1 }));
        const { importedKeyIds } = (await escrow.recordOf(0)) ?? {};
        expect(importedKeyIds).toEqual(world.sim.truth.escrowed.map(({ keyId }) => keyId));
        await world.deliver(app, world.clock.nowMs() + HOUR_MS);
      });
      const [row] = await asked(world);
      expect(row).toMatchObject({ state: 'proven', keyAfterId: world.sim.truth.device(0)?.newestKey?.keyId });
      await expectHonest(world);
    },
  );

  it('that nobody carries on proves nothing either', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    await world.clock.run(async () => {
      // Read and hold, then read for the record: the process dies there, and its journal with it.
      await expect(escrow.start(OS_KEY, { dieAtLedger: 3 })).rejects.toThrow('killed');
      await ask(world, app);
      expect(world.sim.truth.device(0)?.requested).toBe(0);
      await world.clock.sleep(2 * DAY_MS);
      await live(world, app, 14);
    });
    expect(world.sim.truth.escrowed).toHaveLength(1);
    expect((await asked(world)).map(({ state }) => state)).toEqual(['overdue']);
    await expectHonest(world);
  });
});

describe('a slow quota', () => {
  it('keeps the device held for as long as it takes, and no longer than the key needs', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    const retryAfterMs = 20 * 60_000;
    world.sim.script({
      method: 'POST',
      path: /\/recoveryKeys$/,
      fault: { kind: 'throttle', retryAfter: 'seconds', retryAfterMs },
      times: 2,
    });
    await world.clock.run(async () => {
      const startedAtMs = world.clock.nowMs();
      expect((await escrow.start(OS_KEY)).counts).toEqual(counts({ escrowed: 1 }));
      expect(world.clock.nowMs() - startedAtMs).toBeGreaterThanOrEqual(2 * retryAfterMs);
      const { importUntilMs = 0 } = (await escrow.recordOf(0)) ?? {};
      expect(importUntilMs).toBeGreaterThan(world.clock.nowMs());
      expect(importUntilMs - world.clock.nowMs()).toBeLessThanOrEqual(180_000);
      await live(world, app, 16);
    });
    expect(escrow.received(0)).toBe(1);
    expect(escrow.lines.filter((line) => line.includes('"intent"'))).toHaveLength(1);
    await expectHonest(world);
  });

  it('gives way to a run that asks the device meanwhile: the row is open again', async () => {
    const { world, app, escrow } = createWorld(SILENT);
    const fault = { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: 20 * 60_000 } as const;
    world.sim.script({ method: 'POST', path: /\/recoveryKeys$/, fault });
    await world.clock.run(async () => {
      const [end] = await Promise.all([
        escrow.start(OS_KEY),
        world.clock.sleep(10 * 60_000).then(() => ask(world, app)),
      ]);
      expect(end.counts).toEqual(counts({ rotationPending: 1 }));
    });
    expect(world.sim.truth.device(0)?.requested).toBe(1);
    expect(escrow.lines.map((line) => JSON.parse(line))).toMatchObject([{ event: 'intent' }, { outcome: 'notSent' }]);
    expect(world.sim.truth.escrowed).toEqual([]);
  });
});

describe('runs and imports in any order', () => {
  it('never call a device rotated that is not, and tell its own new key from those that were brought', async () => {
    const volume: fc.Arbitrary<EscrowVolume> = fc.constantFrom('operatingSystemVolume', 'fixedDataVolume');
    const step = fc.record({
      afterMs: fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 0, max: 2 * DAY_MS })),
      what: fc.oneof(
        fc.constant('tick' as const),
        fc.record({ volume, dieAtLedger: fc.option(fc.integer({ min: 1, max: 8 })) }),
      ),
    });
    const behaviour = fc.constantFrom('neverChecksIn' as const, 'rotates' as const);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), behaviour, async (steps, how) => {
        const device = { name: 'ONE', behaviour: how, checkInDelayMs: 2 * HOUR_MS, keyAgeDays: 100 };
        const { world, app, escrow } = createWorld(device);
        const rows: { device: number; volumeType: EscrowVolume }[] = [];
        await world.clock.run(async () => {
          for (const { afterMs, what } of steps) {
            await world.deliver(app, world.clock.nowMs() + afterMs);
            await world.clock.sleep(afterMs);
            if (what === 'tick') {
              await scheduledTick(app.deps);
              continue;
            }
            rows.push({ device: 0, volumeType: what.volume });
            const death = what.dieAtLedger === null ? {} : { dieAtLedger: what.dieAtLedger };
            await escrow.start(rows, death).catch((error: unknown) => {
              if (!(error instanceof Error && error.message === 'killed')) throw error;
            });
          }
          await world.deliver(app, world.clock.nowMs() + 14 * DAY_MS);
        });
        const proven = provenOf(await asked(world));
        const brought = new Set(world.sim.truth.escrowed.map(({ keyId }) => keyId));
        expect(proven.filter(({ keyAfterId }) => brought.has(keyAfterId ?? ''))).toEqual([]);
        expect(proven.length).toBeLessThanOrEqual(world.sim.truth.device(0)?.rotated ?? 0);
        if (how === 'neverChecksIn') expect(proven).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
