import { describe, expect, it } from 'vitest';
import { advanceRun } from '../../../src/app/advance-run.ts';
import type { Deps } from '../../../src/app/deps.ts';
import { evidenceName, headMetadata } from '../../../src/app/evidence/evidence-head.ts';
import { createEvidenceFile } from '../../../src/app/evidence/evidence-lines.ts';
import { renewDueEvidence } from '../../../src/app/evidence/renew-evidence.ts';
import { finishUnowned } from '../../../src/app/finish-run.ts';
import { reportName } from '../../../src/app/report/report-name.ts';
import { scheduledTick } from '../../../src/app/scheduled-tick.ts';
import type { RunId } from '../../../src/domain/ids.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import { isEvidenceDue, type Run } from '../../../src/domain/run.ts';
import type { Settings } from '../../../src/domain/settings.ts';
import type { ReportFiles, ReportMetadata } from '../../../src/domain/stored-files.ts';
import { newRunId, sampleRotations, sampleRun } from '../../contracts/samples.ts';
import { joined, pagesOf, putForeign, reportOf, verified } from '../../support/evidence-files.ts';
import { expectEvidence } from '../../support/expect-evidence.ts';
import { createLife, ProcessDied } from '../../support/mortal.ts';
import { createWorld, DAY_MS, START_MS, type World } from '../../support/world.ts';

const BOUNDS = { deadlineAtMs: Number.POSITIVE_INFINITY, signal: new AbortController().signal };

/** A world with a dry run of three devices that has nothing left to do but to end. */
async function worldWithRun(runId: RunId = newRunId()): Promise<{ readonly world: World; readonly runId: RunId }> {
  const world = createWorld({ devices: 1, seed: 3 });
  await addRun(world, runId);
  return { world, runId };
}

async function addRun(world: World, runId: RunId): Promise<void> {
  const run = sampleRun({
    tenantId: world.settings.tenantId,
    runId,
    trigger: 'commandLine',
    mode: 'dryRun',
    state: 'settling',
    createdAtMs: START_MS,
    devices: 3,
    due: 3,
  });
  await world.ledger.createRun(run);
  await world.ledger.writePlannedRotations(runId, sampleRotations(3));
}

async function runOf(world: World, runId: RunId): Promise<Run> {
  const found = await world.ledger.readRun(runId);
  if (found === undefined) throw new Error('no run');
  return found.value;
}

function errorsOf(world: World): readonly Readonly<Record<string, unknown>>[] {
  const lines = world.log.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return lines.filter(({ level }) => level === 'error');
}

/** What may stand under the name of the first evidence, and is not it. */
function strangers(world: World, runId: RunId): readonly (readonly [string, ReportMetadata])[] {
  const head = { version: 1, lines: 6, digest: 'ab'.repeat(32), lateNotices: 0 };
  const ours = headMetadata(sampleRun({ tenantId: world.settings.tenantId, runId }), head);
  return [
    ['has no metadata', {}],
    ['is of another run', { ...ours, runid: 'another' }],
    ['is of another tenant', { ...ours, tenantid: '7e570000-0000-4000-8000-00000000ffff' }],
    ['is a copy of another version', { ...ours, version: '7' }],
    ['says no digest', { ...ours, digest: 'x' }],
    ['says no number of lines', { ...ours, lines: 'many' }],
    ['follows another file', { ...ours, previous: 'cd'.repeat(32) }],
  ];
}

/** Evidence of the run as its ledger has it, but for what is given. */
interface Forgery {
  readonly rows?: (rows: readonly Rotation[]) => readonly Rotation[];
  readonly run?: Partial<Run>;
  readonly settings?: Partial<Settings>;
  readonly version?: string;
  readonly writtenAtMs?: number;
  readonly edit?: (text: string) => string;
  readonly content?: string;
  readonly metadata?: ReportMetadata;
}

function withLateProof(rotation: Rotation): Rotation {
  return { ...rotation, late: { state: 'proven', atMs: START_MS + 60_000 } };
}

/** Puts it under the name of the first evidence; its digest. */
async function forge(world: World, runId: RunId, forgery: Forgery): Promise<string> {
  const { rows = (all) => all, edit = (text) => text } = forgery;
  const run = { ...(await runOf(world, runId)), ...forgery.run };
  const { deps } = world.start();
  const file = createEvidenceFile(pagesOf(rows(await world.rotations(runId))), {
    run,
    settings: { ...deps.settings, ...forgery.settings },
    version: forgery.version ?? deps.version,
    nowMs: forgery.writtenAtMs ?? START_MS,
  });
  const genuine = (await joined(file.content)).toString();
  const { lines, digest } = file.end();
  const content = (async function* () {
    yield Buffer.from(forgery.content ?? edit(genuine));
  })();
  await world.reportFiles.create({
    name: evidenceName(runId, 1),
    contentType: 'text/csv',
    content,
    metadata: () => ({
      ...headMetadata(run, { version: 1, lines, digest, lateNotices: 0 }),
      ...forgery.metadata,
    }),
  });
  return digest;
}

describe('a blob under the name of evidence', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('keeps no run from ending when it is none of ours (%i)', async (which) => {
    const { world, runId } = await worldWithRun();
    const [, metadata] = strangers(world, runId)[which] ?? [];
    const name = evidenceName(runId, 1);
    await world.clock.run(async () => {
      await putForeign(world.reportFiles, name, metadata);
      await finishUnowned(world.start().deps, runId);
    });
    expect(await runOf(world, runId)).toMatchObject({ state: 'completed', evidence: { version: 2 } });
    expect(await world.reportFiles.metadata(evidenceName(runId, 2))).not.toHaveProperty('previous');
    expect(errorsOf(world)).toMatchObject([{ blob: name, evidence: 2, runId }]);
  });

  it.each<[string, Forgery]>([
    [
      'says of its devices what the ledger does not',
      { rows: (rows) => rows.map((row) => ({ ...row, deviceName: 'X' })) },
    ],
    ['has a device less', { rows: (rows) => rows.slice(1) }],
    ['has a device more', { rows: (rows) => [...rows, ...sampleRotations(1)] }],
    ['tells a late outcome that the ledger does not know', { rows: (rows) => rows.map(withLateProof) }],
    ['was written of other settings', { settings: { maxKeyAgeMs: DAY_MS } }],
    ['is of a live run', { run: { mode: 'live' } }],
    ['is told another digest by its metadata', { metadata: { digest: 'ab'.repeat(32) } }],
    ['is told other lines by its metadata', { metadata: { lines: '7' } }],
    ['is no evidence but by its metadata', { content: 'not ours', metadata: { latenotices: '99999999' } }],
    ['lost a line', { edit: (text) => text.replace(/^4,.*\r\n/m, '') }],
    ['was changed in a cell', { edit: (text) => text.replace('LAPTOP-1', 'LAPTOP-9') }],
  ])('is not taken for evidence that %s', async (_what, forgery) => {
    const { world, runId } = await worldWithRun();
    await world.clock.run(async () => {
      await forge(world, runId, forgery);
      await finishUnowned(world.start().deps, runId);
    });
    expect(await runOf(world, runId)).toMatchObject({ state: 'completed', evidence: { version: 2, lateNotices: 0 } });
    expect(errorsOf(world)).toMatchObject([{ blob: evidenceName(runId, 1), evidence: 2, runId }]);
    const second = await reportOf(world.reportFiles, evidenceName(runId, 2));
    expect((await verified(second)).head).toMatchObject({ leftOut: [1] });
  });

  it('is evidence when a writer left it that died, whichever version of Keyturn it was', async () => {
    const { world, runId } = await worldWithRun();
    await world.clock.run(async () => {
      await forge(world, runId, { version: '0.0.1', writtenAtMs: START_MS - 60_000 });
      await finishUnowned(world.start().deps, runId);
    });
    const { digest } = await verified(await reportOf(world.reportFiles, evidenceName(runId, 1)));
    expect((await runOf(world, runId)).evidence).toEqual({ version: 1, lines: 6, digest, lateNotices: 0 });
    expect(errorsOf(world)).toEqual([]);
  });

  it('is evidence that lacks what came late since, which gets a version of its own', async () => {
    const { world, runId } = await worldWithRun();
    await world.clock.run(async () => {
      const { deps } = world.start();
      await forge(world, runId, {});
      const rows = await world.ledger.readRotations(runId, 0, 3);
      await world.ledger.writeRotations(
        runId,
        rows.map(({ value, version }) => ({ value: withLateProof(value), version })),
      );
      const found = await world.ledger.readRun(runId);
      if (found === undefined) throw new Error('no run');
      await world.ledger.writeRun({ ...found.value, lateNotices: 1 }, found.version);
      await finishUnowned(deps, runId);
      expect((await runOf(world, runId)).evidence).toMatchObject({ version: 1, lateNotices: 0 });
      await renewDueEvidence(deps);
    });
    expect((await runOf(world, runId)).evidence).toMatchObject({ version: 2, lateNotices: 1 });
    const one = await verified(await reportOf(world.reportFiles, evidenceName(runId, 1)));
    const two = await verified(await reportOf(world.reportFiles, evidenceName(runId, 2)));
    expect(two.head).toMatchObject({ previousDigest: one.digest, leftOut: [] });
    expect(two.figures.late).toEqual({ proven: 3 });
    expect(errorsOf(world)).toEqual([]);
  });

  it('is left out between two versions, of which the later names the earlier', async () => {
    const { world, runId } = await worldWithRun();
    await world.clock.run(async () => {
      const { deps } = world.start();
      await putForeign(world.reportFiles, evidenceName(runId, 2));
      await finishUnowned(deps, runId);
      const found = await world.ledger.readRun(runId);
      if (found === undefined) throw new Error('no run');
      await world.ledger.writeRun({ ...found.value, lateNotices: 1 }, found.version);
      await renewDueEvidence(deps);
    });
    expect((await runOf(world, runId)).evidence).toMatchObject({ version: 3, lateNotices: 1 });
    expect(errorsOf(world)).toMatchObject([{ blob: evidenceName(runId, 2), evidence: 3 }]);
    await expectEvidence(world);
  });

  it.each([
    ['without metadata', false],
    ['with the metadata of the report', true],
  ])('that has the name of the report, %s, is named in the log, and the report is left out', async (_how, isCopied) => {
    const { world, runId } = await worldWithRun();
    await world.clock.run(async () => {
      const { deps } = world.start();
      const digest = await forge(world, runId, {});
      await putForeign(world.reportFiles, reportName(runId, 1), isCopied ? { evidence: digest } : {});
      await finishUnowned(deps, runId);
    });
    expect(await runOf(world, runId)).toMatchObject({ state: 'completed', evidence: { version: 1 } });
    expect(errorsOf(world)).toMatchObject([{ blob: reportName(runId, 1), runId }]);
  });
});

describe('a run that finds every name taken', () => {
  it('ends without evidence, says so, blocks no plan and no other run, and is made good by a later tick', async () => {
    const { world, runId } = await worldWithRun('blocked' as RunId);
    await world.clock.run(async () => {
      await addRun(world, 'other' as RunId);
      const { deps } = world.start();
      const taken = new Set(Array.from({ length: 500 }, (_, i) => evidenceName(runId, i + 1)));
      const blocked: Deps = { ...deps, reportFiles: withTaken(deps.reportFiles, taken) };
      await finishUnowned(blocked, runId);
      await finishUnowned(blocked, 'other' as RunId);
      const run = await runOf(world, runId);
      expect(run).toMatchObject({ state: 'completed', finalCounts: { planned: 3 } });
      expect(run).not.toHaveProperty('evidence');
      expect(run).not.toHaveProperty('leaseOwner');
      expect(isEvidenceDue(run)).toBe(true);
      expect(await runOf(world, 'other' as RunId)).toMatchObject({ evidence: { version: 1 } });
      const [error, ...more] = errorsOf(world);
      expect(more).toEqual([]);
      expect(error).toMatchObject({ runId, message: expect.stringContaining('no evidence is written') });
      expect(String(error?.blob).split(', ')).toHaveLength(20);
      // The tick asks for it, and starts its own run all the same.
      await scheduledTick(blocked);
      expect((await world.ledger.readCurrentRun())?.value.runId).toBeDefined();
      const asked = world.queues.sent().map(({ body }) => body as unknown as { runId: RunId; checkpoint: number });
      const message = asked.find((body) => body.runId === runId);
      if (message === undefined) throw new Error('nothing was asked');
      const { tenantId } = world.settings;
      expect(await advanceRun(blocked, { tenantId, ...message }, BOUNDS)).toEqual({ kind: 'finished' });
      expect(await runOf(world, runId)).not.toHaveProperty('evidence');
      // Once somebody has cleared the names.
      expect(await advanceRun(deps, { tenantId, ...message }, BOUNDS)).toEqual({ kind: 'finished' });
      expect(await runOf(world, runId)).toMatchObject({ state: 'completed', evidence: { version: 1 } });
    });
  });

  it('and one whose evidence cannot be written hold no other up that is due', async () => {
    const { world } = await worldWithRun('first' as RunId);
    const ids = ['second' as RunId, 'third' as RunId];
    await world.clock.run(async () => {
      for (const id of ids) await addRun(world, id);
      const { deps } = world.start();
      for (const id of ['first' as RunId, ...ids]) {
        await finishUnowned(deps, id);
        const found = await world.ledger.readRun(id);
        if (found !== undefined) await world.ledger.writeRun({ ...found.value, lateNotices: 1 }, found.version);
      }
      const create: ReportFiles['create'] = (report) =>
        report.name.startsWith('second/') ? Promise.reject(new Error('full')) : deps.reportFiles.create(report);
      await renewDueEvidence({ ...deps, reportFiles: { ...deps.reportFiles, create } });
    });
    const versions = await Promise.all(['first', 'second', 'third'].map((id) => runOf(world, id as RunId)));
    expect(versions.map(({ evidence }) => evidence?.version)).toEqual([2, 1, 2]);
    expect(versions.map(({ leaseOwner }) => leaseOwner)).toEqual([undefined, undefined, undefined]);
    expect(errorsOf(world)).toMatchObject([{ runId: 'second' }]);
  });
});

describe('a run whose first name is taken', () => {
  /** Ends it, the first process dying at that step; how many steps there were. */
  async function end(dieAt?: number): Promise<number> {
    const { world, runId } = await worldWithRun();
    const life = createLife(dieAt);
    await world.clock.run(async () => {
      await putForeign(world.reportFiles, evidenceName(runId, 1));
      await finishUnowned(world.start(life).deps, runId).catch((error: unknown) => {
        if (!(error instanceof ProcessDied)) throw error;
      });
      await world.clock.sleep(30_000);
      // Delivered twice, at the same time and once more.
      const { deps } = world.start();
      const message = { tenantId: world.settings.tenantId, runId, checkpoint: 0 };
      await Promise.all([advanceRun(deps, message, BOUNDS), advanceRun(deps, message, BOUNDS)]);
      await advanceRun(deps, message, BOUNDS);
    });
    expect(await runOf(world, runId)).toMatchObject({ state: 'completed', evidence: { version: 2 } });
    const names = [evidenceName(runId, 1), evidenceName(runId, 2), reportName(runId, 2)];
    expect(await world.reportFiles.list(`${runId}/`)).toEqual(names);
    await expectEvidence(world);
    return life.steps;
  }

  it('ends with the same evidence, whatever step its process dies at, and however often it is delivered', async () => {
    const steps = await end();
    expect(steps).toBeGreaterThan(20);
    for (let dieAt = 1; dieAt <= steps; dieAt++) await end(dieAt);
  });
});

/** The same, with names that something else has. */
function withTaken(files: ReportFiles, taken: ReadonlySet<string>): ReportFiles {
  return {
    ...files,
    create: async (report) => (taken.has(report.name) ? false : files.create(report)),
    metadata: async (name) => (taken.has(name) ? {} : files.metadata(name)),
  };
}
