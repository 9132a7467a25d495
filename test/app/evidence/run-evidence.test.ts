import { describe, expect, it } from 'vitest';
import { evidenceName } from '../../../src/app/evidence/evidence-head.ts';
import { noteLateOutcomes } from '../../../src/app/evidence/note-late-outcomes.ts';
import { renewDueEvidence, renewEvidence } from '../../../src/app/evidence/renew-evidence.ts';
import { writeEvidence } from '../../../src/app/evidence/write-evidence.ts';
import { scheduledTick } from '../../../src/app/scheduled-tick.ts';
import { startTargetedRun } from '../../../src/app/start-run.ts';
import { type ManagedDeviceId, parseRunId, type RunId } from '../../../src/domain/ids.ts';
import { CANARY_SECRETS } from '../../../src/simulator/canary-secrets.ts';
import { sampleRotations } from '../../contracts/samples.ts';
import { putForeign, reportOf } from '../../support/evidence-files.ts';
import { deviceLinesOf, expectEvidence, reportTexts } from '../../support/expect-evidence.ts';
import { createWorld, DAY_MS, START_MS, type World } from '../../support/world.ts';
import { createFaultWorld, firstRun, live, logLines, settle } from '../faults/fault-world.ts';

const NEVER = new AbortController().signal;

async function evidenceFiles(world: World): Promise<readonly string[]> {
  return (await world.reportFiles.list('')).filter((name) => name.endsWith('.csv'));
}

describe('a run that ends', () => {
  it('leaves evidence of every device, which agrees with its counts, with the ledger, and with what devices really did', async () => {
    const world = createFaultWorld({ devices: 300, fleet: 'mixed', seed: 3, pageSize: 100 });
    const run = await world.clock.run(() => settle(world));
    expect(run.state).toBe('completed');
    await expectEvidence(world);
    const lines = await deviceLinesOf(world, run, 1);
    const proven = lines.filter(({ state }) => state === 'proven');
    expect(proven.length).toBeGreaterThan(50);
    for (const line of proven) {
      const truth = world.sim.truth.device(line.managedDeviceId ?? '');
      expect(truth).toMatchObject({ rotated: 1, newestKey: { keyId: line.keyAfterId } });
      expect(Date.parse(line.keyAfterAt ?? '')).toBeGreaterThan(Date.parse(line.acceptedBy ?? ''));
    }
    expect(proven).toHaveLength(world.sim.truth.rotatedCount());
  });

  it('tells of each step by whose ids it can be found again', async () => {
    const world = createFaultWorld({ devices: 30 });
    const run = await world.clock.run(() => settle(world));
    const paths = new Map(world.sim.history.map(({ clientRequestId, path }) => [clientRequestId, path]));
    const proven = (await deviceLinesOf(world, run, 1)).filter(({ state }) => state === 'proven');
    expect(proven).toHaveLength(30);
    for (const line of proven) {
      expect(paths.get(line.clientRequestId)).toBe(
        `/deviceManagement/managedDevices/${line.managedDeviceId}/rotateBitLockerKeys`,
      );
      expect(paths.get(line.actionClientRequestId)).toBe('/$batch');
      expect(paths.get(line.keyClientRequestId)).toBe('/$batch');
      expect(paths.get(line.encryptionStateClientRequestId)).toBe('/$batch');
      const reads = [line.actionClientRequestId, line.keyClientRequestId, line.encryptionStateClientRequestId];
      expect(new Set(reads).size).toBe(3);
      for (const id of [line.requestId, line.actionRequestId, line.keyRequestId, line.encryptionStateRequestId])
        expect(id).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('says its digest in the log twice', async () => {
    const world = createFaultWorld();
    const run = await world.clock.run(() => settle(world));
    const { digest } = run.evidence ?? {};
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(logLines(world, 'run completed')).toMatchObject([{ digest, evidence: 1 }]);
    expect(logLines(world, 'evidence written')).toMatchObject([{ digest, evidence: 1, lines: run.devices + 3 }]);
  });

  it('shows no secret that the tenant planted, and no token', async () => {
    const world = createFaultWorld({
      devices: 200,
      fleet: 'mixed',
      seed: 9,
      faults: { serverError: 0.05, throttle: 0.02 },
    });
    await world.clock.run(() => settle(world));
    const all = (await reportTexts(world)).join('\n');
    expect(all.length).toBeGreaterThan(100_000);
    for (const secret of [...CANARY_SECRETS, ...world.sim.issuedTokens]) {
      // Compared as flags: a failing test must not print the secret itself.
      expect(all.includes(secret)).toBe(false);
      expect(all.includes(secret.slice(-40))).toBe(false);
    }
  });

  it('dry, says so in every line, and what would have been asked', async () => {
    const world = createFaultWorld({ settings: { ROTATION_MODE: 'dryRun' } });
    const run = await world.clock.run(() => settle(world));
    await expectEvidence(world);
    const lines = await deviceLinesOf(world, run, 1);
    expect(lines.every(({ mode }) => mode === 'dryRun')).toBe(true);
    expect(lines.filter(({ decision, state }) => decision === 'due' && state === 'planned')).toHaveLength(run.due);
    expect(world.sim.truth.asked()).toEqual([]);
  });

  it('aborted, leaves evidence of why, and of what was asked until then', async () => {
    const devices = Array.from({ length: 60 }, (_, i) => ({ behaviour: i % 2 === 0 ? 'refuses' : 'rotates' }) as const);
    const world = createFaultWorld({ devices, settings: { ROTATION_CANARY_DEVICES: '0' } });
    const run = await world.clock.run(() => settle(world));
    expect(run).toMatchObject({ state: 'aborted', abortReason: 'circuitBreaker' });
    await expectEvidence(world);
    const text = (await reportOf(world.reportFiles, evidenceName(run.runId, 1))).toString();
    expect(text).toContain('""abortReason"":""circuitBreaker""');
    const refused = (await deviceLinesOf(world, run, 1)).filter(({ state }) => state === 'refused');
    expect(refused.length).toBeGreaterThan(5);
    expect(refused.every(({ httpStatus, requestId }) => httpStatus === '400' && requestId !== '')).toBe(true);
  });

  it('on demand, says who asked and by which way each device was asked', async () => {
    const world = createWorld({ devices: 12, fleet: 'healthy' });
    const targets = [
      { managedDeviceId: world.sim.truth.device(3)?.managedDeviceId as ManagedDeviceId },
      { deviceName: 'NOBODY' },
    ];
    await world.clock.run(async () => {
      const process = world.start();
      const { run } = await startTargetedRun(process.deps, {
        runId: parseRunId('on-demand'),
        trigger: 'onDemand',
        mode: 'live',
        targets,
        reason: '=HYPERLINK("http://x")',
        requestedBy: '+49 30',
      });
      await process.deps.queues.sendContinuation({ ...run, checkpoint: 0 }, 0);
      await world.deliver(process, START_MS + 30 * DAY_MS);
    });
    await expectEvidence(world);
    const [run] = await world.runs();
    if (run === undefined) throw new Error('no run');
    expect(await deviceLinesOf(world, run, 1)).toMatchObject([
      { decision: 'due', reason: 'named', route: 'managedDevice' },
    ]);
    const text = (await reportOf(world.reportFiles, evidenceName(run.runId, 1))).toString();
    expect(text).toContain('""unresolved"":[""deviceName NOBODY');
    expect(text).not.toMatch(/(^|,)"?[=+@-]/m);
  });
});

describe('writing evidence', () => {
  it('by two owners at the same time makes one file, and both know its digest', async () => {
    const world = createWorld({ devices: 40, fleet: 'healthy' });
    const { deps } = world.start();
    await world.clock.run(async () => {
      await scheduledTick(deps);
      const [run] = await world.runs();
      if (run === undefined) throw new Error('no run');
      await world.ledger.writePlannedRotations(run.runId, sampleRotations(2_500));
      const heads = await Promise.all([1, 2, 3].map(() => writeEvidence(deps, run, NEVER)));
      expect(new Set(heads.map((head) => head?.digest)).size).toBe(1);
      expect(heads[0]?.version).toBe(1);
      expect(await evidenceFiles(world)).toEqual([evidenceName(run.runId, 1)]);
    });
  });

  it('stops when its owner has lost the run, and leaves nothing', async () => {
    const world = createWorld({ devices: 40, fleet: 'healthy' });
    const { deps } = world.start();
    await world.clock.run(async () => {
      await scheduledTick(deps);
      const [run] = await world.runs();
      if (run === undefined) throw new Error('no run');
      await expect(writeEvidence(deps, run, AbortSignal.abort(new Error('lost')))).rejects.toThrow('lost');
      expect(await evidenceFiles(world)).toEqual([]);
    });
  });

  it('does not take a file for its own that is not: the run ends with the next number, and the file is named in the log', async () => {
    const world = createFaultWorld();
    await world.clock.run(async () => {
      const process = world.start();
      await scheduledTick(process.deps);
      const [run] = await world.runs();
      if (run === undefined) throw new Error('no run');
      await putForeign(world.reportFiles, evidenceName(run.runId, 1));
      await settle(world, process);
    });
    const run = await firstRun(world);
    expect(run).toMatchObject({ state: 'completed', evidence: { version: 2 } });
    expect(world.errors).toEqual([]);
    await expectEvidence(world);
    const blob = evidenceName(run?.runId as RunId, 1);
    expect(
      logLines(world, 'a name for evidence is taken by a blob that is not of this run: its number is left out'),
    ).toMatchObject([{ level: 'error', blob, evidence: 2 }]);
  });
});

describe('a device that obeys after its run gave up on it', () => {
  const OVERDUE = {
    devices: [
      { name: 'LATE', checkInDelayMs: 15 * DAY_MS },
      { name: 'NO', checkInDelayMs: 16 * DAY_MS, behaviour: 'fails' },
      { name: 'NEVER', behaviour: 'neverChecksIn' },
      { name: 'QUICK' },
    ],
    settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_SEEN_WITHIN: 'P400D', ROTATION_MAX_KEY_AGE: 'P8D' },
  } as const;

  it('is told in a further version, which names the one before; the first stays as it is, and so does every state', async () => {
    const world = createFaultWorld(OVERDUE);
    let first: Buffer | undefined;
    await world.clock.run(async () => {
      const process = world.start();
      await live(world, process, 12);
      const run = await firstRun(world);
      if (run === undefined) throw new Error('no run');
      expect(run.finalCounts).toEqual({ overdue: 3, proven: 1 });
      first = await reportOf(world.reportFiles, evidenceName(run.runId, 1));
      expect(await evidenceFiles(world)).not.toContain(evidenceName(run.runId, 2));
      await live(world, process, 70);
    });
    await expectEvidence(world);
    const run = await firstRun(world);
    if (run === undefined) throw new Error('no run');
    expect((await reportOf(world.reportFiles, evidenceName(run.runId, 1))).equals(first ?? Buffer.alloc(0))).toBe(true);
    const told = [];
    for (let version = 1; version <= (run.evidence?.version ?? 0); version++) {
      const lines = await deviceLinesOf(world, run, version);
      told.push(
        Object.fromEntries(lines.map(({ deviceName = '', state, lateState }) => [deviceName, `${state} ${lateState}`])),
      );
    }
    expect(told[0]).toEqual({ LATE: 'overdue ', NO: 'overdue ', NEVER: 'overdue ', QUICK: 'proven ' });
    expect(told.at(-1)).toEqual({
      LATE: 'overdue proven',
      NO: 'overdue failed',
      NEVER: 'overdue expired',
      QUICK: 'proven ',
    });
    // One version for each day on which something was found.
    expect(told.length).toBeLessThanOrEqual(4);
    const late = (await deviceLinesOf(world, run, told.length)).find(({ deviceName }) => deviceName === 'LATE');
    expect(late?.lateKeyId).not.toBe(late?.keyBeforeId);
    // Its key was enough to let it go: nobody asked whether its action was done.
    expect(late).toMatchObject({ lateUnconfirmed: 'yes', lateActionState: '' });
    const no = (await deviceLinesOf(world, run, told.length)).find(({ deviceName }) => deviceName === 'NO');
    expect(no).toMatchObject({ lateActionState: 'failed', lateRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  it('is told by the next tick when the message that asks for it was lost, and by none after that', async () => {
    const world = createFaultWorld({ ...OVERDUE, devices: [OVERDUE.devices[0], OVERDUE.devices[3]] });
    await world.clock.run(async () => {
      const process = world.start();
      await live(world, process, 15);
      const run = await firstRun(world);
      if (run === undefined) throw new Error('no run');
      for (let day = 0; day < 3 && run.lateNotices === (await firstRun(world))?.lateNotices; day++) {
        await scheduledTick(process.deps);
        const untilMs = world.clock.nowMs() + DAY_MS - 60_000;
        await world.deliver(process, untilMs, {
          lose: ({ body }) => typeof body === 'object' && body.runId === run.runId,
        });
        await world.clock.sleep(Math.max(0, untilMs + 60_000 - world.clock.nowMs()));
      }
      const noticed = await firstRun(world);
      expect(noticed?.lateNotices).toBeGreaterThan(noticed?.evidence?.lateNotices ?? 0);
      expect(noticed?.evidence?.version).toBe(1);
      await live(world, process, 1);
      expect((await firstRun(world))?.evidence?.version).toBe(2);
      // Again, and again: nothing is due any more.
      await renewEvidence(process.deps, run.runId);
      await renewDueEvidence(process.deps);
      expect((await firstRun(world))?.evidence?.version).toBe(2);
    });
    await expectEvidence(world);
  });

  it('is told at once by a process that has no functions around it', async () => {
    const world = createFaultWorld({ ...OVERDUE, devices: [OVERDUE.devices[0], OVERDUE.devices[3]] });
    await world.clock.run(async () => {
      const process = world.start();
      await live(world, process, 12);
      const run = await firstRun(world);
      if (run === undefined) throw new Error('no run');
      await noteLateOutcomes(process.deps, [
        { claim: { runId: run.runId, order: 0 }, outcome: { state: 'failed', atMs: 0 } },
      ]);
      await noteLateOutcomes(process.deps, [
        { claim: { runId: run.runId, order: 1 }, outcome: { state: 'failed', atMs: 0 } },
      ]);
      await renewDueEvidence(process.deps);
      const told = await firstRun(world);
      // Of the two, one was proven: of it nothing is told, nor noticed.
      expect(told).toMatchObject({ lateNotices: 1, evidence: { version: 2, lateNotices: 1 } });
    });
    await expectEvidence(world);
  });
});
