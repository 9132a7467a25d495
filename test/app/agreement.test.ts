import { describe, expect, it } from 'vitest';
import { DUE_OUTCOMES } from '../../src/domain/report/device-outcome.ts';
import { SKIP_REASONS } from '../../src/domain/rotation.ts';
import { DEVICE_KINDS } from '../../src/simulator/devices/device-kind.ts';
import { FAULT_NAMES } from '../../src/simulator/faults.ts';
import { agreementCase } from '../support/agreement-case.ts';
import { outcomeOf } from '../support/agreement-csv.ts';
import { expectFleet, viewInRoughWeather } from '../support/agreement-fleet.ts';
import { type Life, liveThrough, type Moment } from '../support/agreement-life.ts';
import { listTenant } from '../support/agreement-listing.ts';
import { expectOneStory } from '../support/agreement-outputs.ts';
import { expectProofsStand } from '../support/agreement-proofs.ts';
import { expectTrue, type Story } from '../support/agreement-truth.ts';
import { expectNoSecret } from '../support/expect-no-secret.ts';

/** Each is a fleet of its own; the number of one that fails repeats it. */
const CASES = Array.from({ length: 12 }, (_, number) => number);

interface Lived {
  readonly life: Life;
  readonly stories: readonly Story[];
}

const lived = new Map<number, Promise<Lived>>();

/** Lives through the case, once, and compares at every pause what is said by then with each other and with the truth. */
function live(number: number): Promise<Lived> {
  const known = lived.get(number);
  if (known !== undefined) return known;
  const stories = new Map<string, Story>();
  const living = liveThrough(agreementCase(number), (life, moment) => compare(life, moment, stories)).then((life) => ({
    life,
    stories: [...stories.values()],
  }));
  lived.set(number, living);
  return living;
}

async function compare(life: Life, moment: Moment, stories: Map<string, Story>): Promise<void> {
  const { world, storm } = life;
  const { weather } = storm;
  const view = moment.showsFleet ? await viewInRoughWeather(life) : undefined;
  storm.weather = 'calm';
  const listing = await listTenant(world.sim, world.clock);
  const runs = await world.runs();
  if (view !== undefined) await expectFleet(life, view, runs, listing);
  const fresh: Story[] = [];
  for (const run of runs) {
    const isKnown = stories.get(run.runId)?.run.evidence?.version === run.evidence?.version;
    if (run.finishedAtMs === undefined || isKnown) continue;
    const story = { run, sheet: await expectOneStory(life, run) };
    stories.set(run.runId, story);
    fresh.push(story);
  }
  await expectTrue(life, moment.isLast ? [...stories.values()] : fresh, listing, moment);
  if (moment.isLast) await expectProofsStand(life, [...stories.values()]);
  storm.weather = weather;
}

describe('of random fleets in a storm of faults, evidence, report, status, log, webhook and fleet agree with each other, and with the truth, every proof stands when Graph is asked again, and no secret is in any of it', () => {
  it.each(CASES)('fleet %i', async (number) => {
    const { life, stories } = await live(number);
    expect(stories).toHaveLength((await life.world.runs()).length);
    life.world.sim.referee.assertClean();
    const { world, outputs, posted } = life;
    expectNoSecret(world.sim, [...outputs, ...world.log, ...posted.map(({ body }) => body)]);
  });

  it('which are more than 10,000 devices, and meet every kind of device, fault, outcome and skip reason there is', async () => {
    const all = await Promise.all(CASES.map(live));
    const lines = all.flatMap(({ stories }) => stories.flatMap(({ sheet }) => sheet.devices));
    const runs = all.flatMap(({ stories }) => stories.map(({ run }) => run));
    const truths = all.flatMap(({ life }) => [...life.world.sim.truth.devices()]);
    expect(new Set(truths.map(({ entraDeviceId }) => entraDeviceId)).size).toBeGreaterThan(10_000);
    const missing = (what: readonly string[], met: readonly (string | undefined)[]) => {
      const names = new Set(met);
      return what.filter((name) => !names.has(name)).sort();
    };
    expect({
      kinds: missing(
        DEVICE_KINDS,
        truths.map(({ kind }) => kind),
      ),
      faults: missing(
        FAULT_NAMES,
        all.flatMap(({ life }) => [...life.storm.struck.keys()]),
      ),
      outcomes: missing([...DUE_OUTCOMES, ...SKIP_REASONS], lines.map(outcomeOf)),
      late: missing(
        ['proven', 'confirmed', 'failed', 'expired'],
        lines.map(({ lateState }) => lateState),
      ),
      aborts: missing(
        ['canaryFailed', 'circuitBreaker'],
        runs.map(({ abortReason }) => abortReason),
      ),
      triggers: missing(
        ['schedule', 'onDemand'],
        runs.map(({ trigger }) => trigger),
      ),
      modes: missing(
        ['live', 'dryRun'],
        runs.map(({ mode }) => mode),
      ),
    }).toEqual({
      kinds: [],
      faults: [],
      // Nobody with that many keys is asked, what is not Windows is not listed, no line is of a newer version, and nothing waits in the end.
      outcomes: ['escrowFull', 'notWindows', 'unknown', 'waiting'],
      late: [],
      aborts: [],
      triggers: [],
      modes: [],
    });
  });
});
