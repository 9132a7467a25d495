import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { addCounts } from '../../src/domain/run.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';
import { type KillableApp, type KillPoint, startKillableApp } from './support/killable-app.ts';

const azurite = useAzurite();
const ROTATE = /rotateBitLockerKeys$/;
const BATCH = /\$batch$/;
/** Check-ins within seconds, a quota of 60 rotations in half a second: a run takes a few seconds. */
const SPEED = 1_000;
const DEVICES = 700;
const TENANT = {
  seed: 9,
  speed: SPEED,
  fleet: 'healthy',
  throttling: { limits: { write: { limit: 60, windowMs: 500_000 } } },
} as const;
const SETTINGS = {
  CONFIRM_SCHEDULE: 'PT1S,PT1S,PT1S,PT2S,PT3S,PT4S,PT8S,PT8S',
  ROTATION_CANARY_DEVICES: '5',
  ROTATION_CANARY_WAIT: 'PT20S',
  ROTATION_CANARY_MIN_PROVEN: '0.6',
};

/** Every stage: listing, canaries, the fleet, looks; before an effect, after it, and a moment later, between two writes. */
const KILLS: readonly KillPoint[] = [
  { path: /managedDevices$/, nth: 1, when: 'before' },
  { path: /recoveryKeys$/, nth: 1, when: 'after' },
  { path: /recoveryKeys$/, nth: 1, when: 60 },
  { path: ROTATE, nth: 1, when: 'before' },
  { path: BATCH, nth: 1, when: 'after' },
  { path: BATCH, nth: 2, when: 'before' },
  { path: ROTATE, nth: 9, when: 'after' },
  { path: ROTATE, nth: 12, when: 'before' },
  { path: ROTATE, nth: 70, when: 10 },
  { path: ROTATE, nth: 5, when: 150 },
  { path: BATCH, nth: 3, when: 20 },
  { path: BATCH, nth: 1, when: 'after' },
];

describe('separate processes on Azurite', () => {
  let app: KillableApp;
  beforeAll(async () => {
    app = await startKillableApp(
      azurite.connectionString(),
      { ...TENANT, devices: DEVICES, tenantId: randomUUID() },
      SETTINGS,
    );
  });
  afterAll(() => app.close());

  it('lose no device and ask none twice, killed at every stage and started again at once', async () => {
    let kills = 0;
    for (const kill of KILLS) {
      const { code } = await app.run({}, kill);
      if (code !== null) break;
      kills += 1;
    }
    const last = await app.run();
    expect(last.code, last.output).toBe(0);
    // How far the run gets between two kills is the machine's business; every stage up to the fleet's has been struck by then.
    expect(kills).toBeGreaterThanOrEqual(8);

    expect(app.sim.referee.violations).toEqual([]);
    expect(app.sim.referee.classes.write.throttled).toBe(0);
    const tenantId = parseTenantId(app.sim.tenantId);
    const storage = createStorage({
      connection: connectionOf(azurite.connectionString()),
      tenantId,
      clock: createSystemClock(),
      random: createSystemRandom(),
    });
    let proven = 0;
    for await (const run of storage.ledger.listRuns({ unfinished: false })) {
      expect(run.state).toBe('completed');
      const counts = [];
      for await (const page of storage.ledger.rotationPages(run.runId))
        counts.push(...page.map((row) => ({ [row.state]: 1 })));
      expect(counts).toHaveLength(run.devices);
      expect(addCounts(...counts)).toEqual(run.finalCounts);
      proven += run.finalCounts?.proven ?? 0;
    }
    expect(proven).toBe(DEVICES);
    expect(app.sim.truth.rotatedCount()).toBe(DEVICES);
  });
});

describe('runs over the same devices at the same time', () => {
  it('never have two requests outstanding for one device', async () => {
    const app = await startKillableApp(
      azurite.connectionString(),
      { ...TENANT, devices: 60, tenantId: randomUUID() },
      SETTINGS,
    );
    const devices = [...app.sim.truth.devices()].map((device) => device.managedDeviceId);
    const ended = await Promise.all([
      app.run(),
      app.run(),
      app.run({ TEST_DEVICES: devices.slice(0, 40).join(',') }),
      app.run({ TEST_DEVICES: devices.slice(20, 60).join(',') }),
    ]);
    await app.close();
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(app.sim.referee.violations).toEqual([]);
    expect(app.sim.referee.classes.write.throttled).toBe(0);
    expect(app.sim.truth.asked()).toHaveLength(60);
    expect(app.sim.truth.asked().filter((device) => device.requested > 1)).toEqual([]);
    expect(app.sim.truth.rotatedCount()).toBe(60);
  });
});
