import { describe, expect, it } from 'vitest';
import { evidenceName } from '../../../src/app/evidence/evidence-head.ts';
import { isWhole, verifyEvidence } from '../../../src/app/evidence/verify-evidence.ts';
import { renderReport } from '../../../src/app/report/html/render-report.ts';
import { readReport } from '../../../src/app/report/read-report.ts';
import type { ReportModel } from '../../../src/domain/report/report-model.ts';
import type { Run } from '../../../src/domain/run.ts';
import { type RunThrottling, throttledOf } from '../../../src/domain/run-throttling.ts';
import { sampleRotation } from '../../contracts/samples.ts';
import { contentOf } from '../../support/expect-evidence.ts';
import { createLife } from '../../support/mortal.ts';
import { reportModel } from '../../support/report-models.ts';
import { HOUR_MS } from '../../support/world.ts';
import { createFaultWorld, type FaultWorld, FLEET_SIZE, runWith, settle } from '../faults/fault-world.ts';
import { ACTION_PART, ROTATION } from '../faults/places.ts';

async function modelOf(world: FaultWorld, run: Run): Promise<ReportModel> {
  return readReport(world.start().deps, run, new AbortController().signal);
}

const page = (model: ReportModel) => [...renderReport(model)].join('');

/** Answers to rotation requests that were 429, as the tenant remembers them. */
const rotations429 = ({ sim }: FaultWorld) =>
  sim.history.filter(({ status, path }) => status === 429 && path.includes('rotateBitLockerKeys')).length;

const sumOf = (throttling: RunThrottling | undefined) => throttledOf(throttling?.pauses ?? []);

describe('429s to rotation requests', () => {
  it.each(['absent', 'seconds', 'mixed'] as const)(
    'of a quota that other apps use too are in the run, its evidence and its report, all of them: Retry-After %s',
    async (retryAfter) => {
      const { world, run } = await runWith([], {
        devices: 60,
        throttling: { foreignShare: 0.6, retryAfter, limits: { write: { limit: 10, windowMs: 20_000 } } },
      });
      const refused = rotations429(world);
      expect(refused).toBeGreaterThan(1);
      expect(sumOf(run.throttling)).toBe(refused);
      expect(isWhole(await verifyEvidence(() => contentOf(world.reportFiles, evidenceName(run.runId, 1))))).toBe(true);

      const model = await modelOf(world, run);
      const { throttling, bars = [] } = model.rate ?? {};
      expect(throttling).toMatchObject({ throttled: refused, pauses: run.throttling?.pauses.length });
      expect(bars.reduce((sum, { throttled }) => sum + throttled, 0)).toBe(refused);
      expect(throttling?.pausedMs).toBeGreaterThan(0);
      expect(throttling?.lowestShare).toBeLessThan(1);
      // Made again, it is the same page to the letter, whatever was throttled since.
      expect(page(await modelOf(world, { ...run, throttling: { pauses: [] } }))).toBe(page(model));
      expect(page(model)).toContain(`Graph answered ${refused} times with 429`);
    },
  );

  it('of a repeat, long after the run was done with asking, are its own too', async () => {
    const { world, run } = await runWith([
      { ...ROTATION, fault: { kind: 'resetBefore' }, skip: FLEET_SIZE - 1 },
      { ...ROTATION, fault: { kind: 'throttle', retryAfter: 'absent' }, skip: FLEET_SIZE - 1 },
    ]);
    expect(rotations429(world)).toBe(1);
    expect(run.throttling?.pauses).toMatchObject([{ requestClass: 'write', throttled: 1 }]);
    expect(run.throttling?.pauses[0]?.fromMs).toBeGreaterThan(run.rotatingEndedAtMs ?? Number.POSITIVE_INFINITY);
  });

  it('that ask for hours hand the run back, and are a break that says so', async () => {
    const { world, run } = await runWith([
      { ...ROTATION, fault: { kind: 'throttle', retryAfter: { raw: '7200' } }, skip: 12 },
    ]);
    const { rate } = await modelOf(world, run);
    expect(rate?.throttling?.pausedMs).toBeGreaterThanOrEqual(2 * HOUR_MS);
    expect(rate?.breaks.filter(({ isPause }) => isPause)).toHaveLength(1);
    expect(page(await modelOf(world, run))).toContain('(Graph had asked for it)');
  });

  it('are noted by the next owner when the one that met them died', async () => {
    const world = createFaultWorld();
    world.sim.script({ ...ROTATION, fault: { kind: 'throttle', retryAfter: { raw: '30' } }, skip: 5 });
    const run = await world.clock.run(async () => {
      const life = createLife();
      const dying = world.start(life);
      const isOver = settle(world, dying).catch(() => undefined);
      while (!world.sim.history.some(({ status }) => status === 429)) await world.clock.sleep(100);
      await world.clock.sleep(2_000);
      life.kill();
      await isOver;
      return settle(world);
    });
    expect(run.state).toBe('completed');
    expect(run.throttling?.pauses).toHaveLength(1);
    expect(sumOf(run.throttling)).toBe(rotations429(world));
  });
});

describe('429s to reads', () => {
  it('that come while devices are asked hold rotation requests up too, and are told apart', async () => {
    const { world, run } = await runWith(
      [{ ...ACTION_PART, fault: { kind: 'throttle', retryAfter: 'absent' }, skip: 0 }],
      { devices: 60 },
    );
    const paused = run.throttling?.pauses.filter(({ requestClass }) => requestClass === 'any') ?? [];
    expect(paused).toHaveLength(1);
    expect((await modelOf(world, run)).rate?.throttling).toMatchObject({ othersPauses: 1 });
  });
});

describe('a report in words', () => {
  const rotations = [sampleRotation(0, { state: 'proven', acceptedByMs: Date.UTC(2026, 10, 22, 2), httpStatus: 204 })];

  it('says so when nothing was throttled', async () => {
    const { world, run } = await runWith([]);
    expect(run.throttling).toEqual({ pauses: [] });
    expect(page(await modelOf(world, run))).toContain('Graph throttled nothing: no 429 came, and nothing paused.');
    expect(run.devices).toBe(FLEET_SIZE);
  });

  it('claims nothing of a run whose version kept no record', () => {
    const text = page(reportModel(rotations));
    expect(text).toContain('429s and pauses were not recorded');
    expect(text).not.toContain('throttled nothing');
  });

  it('of named devices has no word of settings that do not apply, nor of a later run', () => {
    const young = sampleRotation(1, { state: 'skipped', skipReason: 'keyTooYoung' });
    const text = page(reportModel([...rotations, young], { targets: [{ deviceName: 'A' }], unresolved: ['<i>B</i>'] }));
    expect(text).not.toMatch(/ROTATION_CANARY|ROTATION_MAX_KEY_AGE|ROTATION_MIN_KEY_AGE|a later run takes it/);
    expect(text).toContain('Targets that named no device: &lt;i&gt;B&lt;/i&gt;');
    expect(text).toContain('younger than an hour');
    expect(text).toContain('5 lines, 2 of them a device each');
    expect(page(reportModel([young]))).toContain('ROTATION_MIN_KEY_AGE');
  });

  it('of a run that goes on is from the ledger, from its first to its last line', () => {
    const { evidence: _, ...model } = reportModel(rotations, { state: 'rotating' });
    const text = page(model);
    expect(text).toContain('from the ledger, as it stood, for run');
    expect(text).not.toContain('from the evidence of');
  });

  it('of names that no device has says so, and has no empty table', () => {
    const text = page(reportModel([], { targets: [{ deviceName: 'B' }], due: 0, unresolved: ['B'] }));
    expect(text).toContain('tone-warn');
    expect(text).toContain('No device was found by the name given');
    expect(text).toContain('There is no device in this run.');
  });
});
