/** Three months of an app and a fleet: ticks, requests, other people's rotations, weather; with a pause to look around now and then. */
import { scheduledTick } from '../../src/app/scheduled-tick.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { withStorage } from '../app/faults/failing-storage.ts';
import type { AgreementCase } from './agreement-case.ts';
import { createPostbox, type Postbox } from './agreement-postbox.ts';
import { garbleLooks, raiseStorm, type Storm } from './agreement-storm.ts';
import { createWorld, DAY_MS, HOUR_MS, START_MS, type TestProcess, type World } from './world.ts';

export interface Life {
  readonly world: World;
  readonly process: TestProcess;
  readonly storm: Storm;
  readonly posted: Postbox['posted'];
  /** All that was shown or written, by whoever looked around. */
  readonly outputs: string[];
  /** Managed device ids of devices that someone else rotated, or deleted. */
  readonly meddledWith: ReadonlySet<string>;
}

/** When to look around. */
export interface Moment {
  /** The fleet is worth a look. */
  readonly showsFleet: boolean;
  /** Every run has ended. */
  readonly isLast: boolean;
}

/** Days after whose run the fleet is looked at: while devices are in progress, and with some forgotten by Intune. */
const FLEET_ON_DAY: ReadonlySet<number> = new Set([10, 27]);

/**
 * Days on which a run starts. The tick of the tenth finds what bad luck left undone, the next meets claims still pending, the one after it late
 * outcomes, and the last is past the 60 days.
 */
const TICKS_ON_DAY = [0, 10, 13, 27, 75] as const;
/** Days on which others meddle, and requests come. */
const BUSY_DAYS: ReadonlySet<number> = new Set([0, 13]);
const MEDDLERS = 12;
const DELETED = 4;

/** Lives through it, and calls `lookAround` when a run's looks are over. Everything has ended when it resolves, however bad the weather. */
export async function liveThrough(
  given: AgreementCase,
  lookAround: (life: Life, moment: Moment) => Promise<void>,
): Promise<Life> {
  const world = createWorld(given.options);
  const { clock, sim } = world;
  const random = createSeededRandom(given.seed + 1);
  const chance = createSeededRandom(given.seed + 2);
  const storm = raiseStorm(sim, clock, given.seed + 3, given.strength);
  const postbox = createPostbox(clock);
  const started = world.start(
    given.storageFailures === 0
      ? undefined
      : withStorage(() => storm.weather === 'storm' && chance.next() < given.storageFailures),
  );
  const process = { ...started, deps: { ...started.deps, notifier: postbox.notifier } };
  const meddledWith = new Set<string>();
  const life: Life = { world, process, storm, posted: postbox.posted, outputs: [], meddledWith };
  const devices = [...sim.truth.devices()].filter(({ kind }) => kind !== 'otherPlatform');
  const one = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;

  function meddle(fromMs: number): readonly Promise<void>[] {
    return Array.from({ length: MEDDLERS + DELETED }, async (_, i) => {
      // Of a device with two records a deleted one goes on counting as asked, for the referee.
      const { managedDeviceId } = one(i < MEDDLERS ? devices : devices.filter(({ kind }) => kind === 'coManaged'));
      await clock.sleep(fromMs + random.next() * 2 * DAY_MS - clock.nowMs());
      meddledWith.add(managedDeviceId);
      if (i < MEDDLERS) sim.rotateAsSomeoneElse(managedDeviceId);
      else sim.removeDevice(managedDeviceId);
    });
  }

  async function request(count: number, delayMs: number): Promise<void> {
    const targets = Array.from({ length: count }, (_, i) => {
      const { managedDeviceId, entraDeviceId } = one(devices);
      return i % 2 === 0 || /^[0-]+$/.test(entraDeviceId) ? { managedDeviceId } : { entraDeviceId };
    });
    const nobody = { managedDeviceId: random.guid() };
    const body = JSON.stringify({
      reason: 'after a disclosure',
      requestedBy: 'helpdesk',
      targets: [...targets, nobody],
    });
    await world.queues.sendRequest(body, delayMs);
  }

  async function stretch(untilMs: number): Promise<void> {
    await scheduledTick(process.deps).catch((error: unknown) => world.errors.push(error));
    await world.deliver(process, untilMs);
    await clock.sleep(untilMs - clock.nowMs());
  }

  if (given.isGarbled) garbleLooks(sim, clock, START_MS + 25 * 60_000);
  await clock.run(async () => {
    for (const [i, day] of TICKS_ON_DAY.entries()) {
      const fromMs = START_MS + day * DAY_MS;
      const untilMs = Math.min(fromMs + 12 * DAY_MS, START_MS + (TICKS_ON_DAY[i + 1] ?? Number.MAX_VALUE) * DAY_MS);
      await clock.sleep(fromMs - clock.nowMs());
      if (day === 0 && given.startsDry) {
        world.mode = 'dryRun';
        await stretch(clock.nowMs() + HOUR_MS);
        world.mode = 'live';
      }
      const meddling = BUSY_DAYS.has(day) ? meddle(fromMs) : [];
      if (BUSY_DAYS.has(day)) for (const hours of [0, 30]) await request(20, hours * HOUR_MS);
      await stretch(untilMs - HOUR_MS * 2);
      await Promise.all(meddling);
      await lookAround(life, { showsFleet: FLEET_ON_DAY.has(day), isLast: false });
    }
    storm.weather = 'calm';
    for (let more = 0; more < 3 && (await world.runs()).some(({ finishedAtMs }) => finishedAtMs === undefined); more++)
      await stretch(clock.nowMs() + 12 * DAY_MS);
    await world.deliver(process, Number.MAX_SAFE_INTEGER);
    await lookAround(life, { showsFleet: true, isLast: true });
  });
  return life;
}
