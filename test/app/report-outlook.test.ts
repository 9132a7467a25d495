import { describe, expect, it } from 'vitest';
import { evidenceName } from '../../src/app/evidence/evidence-head.ts';
import { verifyEvidence } from '../../src/app/evidence/verify-evidence.ts';
import { reportOutlook } from '../../src/app/report-outlook.ts';
import { reportRun } from '../../src/app/report-run.ts';
import { scheduledTick } from '../../src/app/scheduled-tick.ts';
import { CANARY_SECRETS } from '../../src/simulator/canary-secrets.ts';
import { contentOf } from '../support/expect-evidence.ts';
import { DAY_MS, HOUR_MS, START_MS } from '../support/world.ts';
import { createFaultWorld, firstRun, logLines } from './faults/fault-world.ts';

const SETTINGS = { ROTATION_ABORT_FAILURE_RATE: '1', GRAPH_WRITE_BUDGET: '20/PT20S', ROTATION_CANARY_DEVICES: '5' };

describe('the outlook of a run', () => {
  it('holds: looked at every hour of its life, it never ends later than was said', async () => {
    const world = createFaultWorld({ devices: 200, fleet: 'mixed', pageSize: 100, settings: SETTINGS });
    const said: { readonly atMs: number; readonly endsBy: string | undefined; readonly kind: string }[] = [];
    const texts: string[] = [];
    await world.clock.run(async () => {
      const process = world.start();
      await scheduledTick(process.deps);
      for (let hour = 0; hour < 12 * 24; hour += 1) {
        await world.deliver(process, START_MS + hour * HOUR_MS);
        await world.clock.sleep(Math.max(0, START_MS + hour * HOUR_MS - world.clock.nowMs()));
        const run = await firstRun(world);
        if (run === undefined) throw new Error('there is no run');
        const report = await reportRun(world.ledger, run);
        const outlook = await reportOutlook(process.deps, run, report.counts);
        texts.push(JSON.stringify([report, outlook]));
        if (run.finishedAtMs !== undefined) break;
        said.push({ atMs: world.clock.nowMs(), endsBy: outlook.endsBy, kind: outlook.waitingFor.kind });
      }
    });
    const endedAtMs = (await firstRun(world))?.finishedAtMs ?? Number.NaN;
    expect(endedAtMs).toBeGreaterThan(START_MS + DAY_MS);
    const told = said.filter(({ endsBy }) => endsBy !== undefined);
    expect(told.length).toBeGreaterThan(100);
    // Reading and writing take the time they take: a minute in ten days.
    for (const { endsBy } of told) expect(Date.parse(endsBy ?? '')).toBeGreaterThan(endedAtMs - 60_000);
    // Once everything is sent, the last look is known: it does not move away.
    expect(new Set(told.slice(-20).map(({ endsBy }) => endsBy)).size).toBe(1);
    expect(new Set(said.map(({ kind }) => kind))).toContain('look');
    for (const secret of CANARY_SECRETS) expect(texts.some((text) => text.includes(secret))).toBe(false);
  });

  it('has the figures of the log and of the evidence, when the run is over', async () => {
    const world = createFaultWorld({ devices: 200, fleet: 'mixed', pageSize: 100, settings: SETTINGS });
    await world.clock.run(async () => {
      const process = world.start();
      await scheduledTick(process.deps);
      await world.deliver(process, START_MS + 30 * DAY_MS);
    });
    const run = await firstRun(world);
    if (run?.evidence === undefined) throw new Error('the run has no evidence');
    const report = await reportRun(world.ledger, run);
    const outlook = await world.clock.run(() => reportOutlook(world.start().deps, run, report.counts));
    const name = evidenceName(run.runId, run.evidence.version);
    const { figures } = await verifyEvidence(() => contentOf(world.reportFiles, name));
    const [line] = logLines(world, 'run completed');
    expect(report.counts).toEqual(figures.states);
    expect(report.skipped).toEqual(figures.skipped);
    expect(report.devices).toBe(figures.devices);
    expect(line?.counts).toEqual(report.counts);
    expect(line?.skipped).toEqual(report.skipped);
    expect(outlook).toEqual({ waitingFor: { kind: 'nothing' }, settled: run.due, toAsk: 0, needsLive: false });
  });
});
