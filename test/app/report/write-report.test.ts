import { describe, expect, it } from 'vitest';
import { evidenceName } from '../../../src/app/evidence/evidence-head.ts';
import { verifyEvidence } from '../../../src/app/evidence/verify-evidence.ts';
import { renderReport } from '../../../src/app/report/html/render-report.ts';
import { EvidenceChangedError, readReport } from '../../../src/app/report/read-report.ts';
import { reportName } from '../../../src/app/report/report-name.ts';
import { reportRun } from '../../../src/app/report-run.ts';
import { scheduledTick } from '../../../src/app/scheduled-tick.ts';
import type { Run } from '../../../src/domain/run.ts';
import type { ReportFiles } from '../../../src/domain/stored-files.ts';
import { reportOf } from '../../support/evidence-files.ts';
import { contentOf } from '../../support/expect-evidence.ts';
import { expectNoSecret } from '../../support/expect-no-secret.ts';
import { createFaultWorld, type FaultWorld, logLines, settle } from '../faults/fault-world.ts';

const NEVER = new AbortController().signal;

async function pageOf(world: FaultWorld, run: Run, version = 1): Promise<string> {
  return (await reportOf(world.reportFiles, reportName(run.runId, version))).toString();
}

/** A number as a page shows it, as the content of a cell. */
const cell = (value: number) => `>${value.toLocaleString('en-US')}<`;

describe('a run that ends', () => {
  it.each([3, 4, 5])(
    'leaves a report whose figures are those of its evidence, of its status and of the devices: seed %i',
    async (seed) => {
      const world = createFaultWorld({
        devices: 400,
        fleet: 'mixed',
        seed,
        pageSize: 100,
        settings: { ROTATION_CANARY_MIN_PROVEN: '0.5' },
        faults: { serverError: 0.03 },
      });
      const run = await world.clock.run(() => settle(world));
      expect(run.state).toBe('completed');
      const model = await readReport(world.start().deps, run, NEVER);
      const evidence = await verifyEvidence(() => contentOf(world.reportFiles, evidenceName(run.runId, 1)));
      expect(model.figures).toEqual(evidence.figures);
      const status = await reportRun(world.ledger, run);
      expect(model.figures.states).toEqual(status.counts);
      expect(model.figures.skipped).toEqual(status.skipped);
      expect(model.funnel.due).toBe(status.due);
      expect(model.outcomes.reduce((sum, { devices }) => sum + devices, 0)).toBe(status.devices);
      expect(model.funnel.proven).toBe(world.sim.truth.rotatedCount());
      expect(logLines(world, 'run completed')).toMatchObject([{ counts: model.figures.states }]);

      const page = await pageOf(world, run);
      expect(page).toBe([...renderReport(model)].join(''));
      expect(page).toContain(run.evidence?.digest ?? 'a digest');
      for (const step of Object.values(model.funnel)) expect(page).toContain(cell(step));
      for (const { devices } of model.outcomes) expect(page).toContain(cell(devices));
      expect(page).toContain(`npx keyturn verify evidence-1.csv`);
    },
  );

  it('shows no secret that the tenant planted, and no token', async () => {
    const world = createFaultWorld({
      devices: 200,
      fleet: 'mixed',
      seed: 9,
      faults: { serverError: 0.05, throttle: 0.02 },
    });
    const run = await world.clock.run(() => settle(world));
    const page = await pageOf(world, run);
    expect(page.length).toBeGreaterThan(20_000);
    expectNoSecret(world.sim, [page]);
  });

  it('ends all the same when its report cannot be written, and says so in the log', async () => {
    const world = createFaultWorld();
    const process = world.start();
    const failing: ReportFiles = {
      ...process.deps.reportFiles,
      create: (report) =>
        report.name.endsWith('.html') ? Promise.reject(new Error('no room')) : process.deps.reportFiles.create(report),
    };
    const run = await world.clock.run(() =>
      settle(world, { ...process, deps: { ...process.deps, reportFiles: failing } }),
    );
    expect(run).toMatchObject({ state: 'completed', evidence: { version: 1 } });
    expect(logLines(world, 'the report was not written; keyturn report makes it')).toHaveLength(1);
    expect(await world.reportFiles.list('')).toEqual([evidenceName(run.runId, 1)]);
  });
});

describe('the report of a run', () => {
  it('is of the ledger as it stands before the run has ended', async () => {
    const world = createFaultWorld();
    const process = world.start();
    await world.clock.run(async () => {
      await scheduledTick(process.deps);
      await world.deliver(process, world.clock.nowMs() + 60_000);
    });
    const [run] = await world.runs();
    if (run === undefined) throw new Error('there is no run');
    expect(run.finishedAtMs).toBeUndefined();
    const model = await readReport(process.deps, run, NEVER);
    expect(model).toMatchObject({ state: run.state, figures: { devices: run.devices } });
    expect(model).not.toHaveProperty('evidence');
    expect([...renderReport(model)].join('')).toContain('there is no evidence yet');
  });

  it.each([
    ['changed', (text: string) => text.replace(',proven,', ',failed,')],
    ['cut short', (text: string) => text.slice(0, text.length / 2)],
    ['gone', () => undefined],
  ] as const)('is not made of evidence that was %s', async (_how, change) => {
    const world = createFaultWorld();
    const run = await world.clock.run(() => settle(world));
    const text = change((await reportOf(world.reportFiles, evidenceName(run.runId, 1))).toString());
    const reportFiles: ReportFiles = {
      ...world.reportFiles,
      read: async () => (text === undefined ? undefined : chunks(text)),
    };
    const { deps } = world.start();
    await expect(readReport({ ...deps, reportFiles }, run, NEVER)).rejects.toThrow(EvidenceChangedError);
  });

  it('stops being read when it is told to', async () => {
    const world = createFaultWorld();
    const run = await world.clock.run(() => settle(world));
    const { deps } = world.start();
    await expect(readReport(deps, run, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
