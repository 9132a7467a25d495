import { describe, expect, it } from 'vitest';
import { checkProofs, FileChangedError } from '../../../src/app/evidence/check-proofs.ts';
import { evidenceName } from '../../../src/app/evidence/evidence-head.ts';
import { sha256 } from '../../../src/app/evidence/sha256.ts';
import type { Run } from '../../../src/domain/run.ts';
import { reportOf } from '../../support/evidence-files.ts';
import { deviceLinesOf } from '../../support/expect-evidence.ts';
import { DAY_MS, START_MS, type World } from '../../support/world.ts';
import { createFaultWorld, firstRun, live, settle } from '../faults/fault-world.ts';
import { ROTATION, WHOLE_BATCH } from '../faults/places.ts';

/** A fleet of every kind, rotated and settled. */
async function rotated(): Promise<{ readonly world: World; readonly run: Run }> {
  const world = createFaultWorld({ devices: 250, fleet: 'mixed', seed: 6, pageSize: 100 });
  const run = await world.clock.run(() => settle(world));
  return { world, run };
}

async function check(world: World, run: Run, edit: (text: string) => string = (text) => text, hash?: string) {
  const told: number[] = [];
  const { tenant } = world.start().deps;
  const call = {
    priority: 'bulk',
    deadlineAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  } as const;
  const text = (await reportOf(world.reportFiles, evidenceName(run.runId, run.evidence?.version ?? 1))).toString();
  const file = Buffer.from(edit(text));
  const content = (async function* () {
    for (let at = 0; at < file.length; at += 10_000) yield file.subarray(at, at + 10_000);
  })();
  return world.clock.run(async () => {
    const given = { content, sha256: hash ?? sha256(file) };
    const found = await checkProofs(tenant, given, call, (checked) => told.push(checked));
    return { ...found, told };
  });
}

describe('asking Graph again', () => {
  it('finds every proof of an honest run where it was, a hundred devices at a time', async () => {
    const { world, run } = await rotated();
    const proven = run.finalCounts?.proven ?? 0;
    expect(proven).toBeGreaterThan(100);
    const found = await check(world, run);
    expect(found).toMatchObject({ proven, agreed: proven, disagreements: [], unchecked: [] });
    expect(found.told).toEqual([100, proven]);
    expect(Object.values(found.actions).reduce((sum, n) => sum + n, 0)).toBe(proven);
    world.sim.referee.assertClean();
  });

  it('finds a device that only the file calls proven', async () => {
    const { world, run } = await rotated();
    const rows = await world.rotations(run.runId);
    const overdue = rows.find(({ state }) => state === 'overdue');
    if (overdue === undefined) throw new Error('no device is overdue');
    const before = (await check(world, run)).proven;
    const found = await check(world, run, (text) =>
      text
        .split('\r\n')
        .map((line) => (line.includes(overdue.managedDeviceId) ? line.replace(',overdue,', ',proven,') : line))
        .join('\r\n'),
    );
    expect(found).toMatchObject({ proven: before + 1, agreed: before });
    expect(found.disagreements).toMatchObject([
      { deviceName: overdue.deviceName, entraDeviceId: overdue.entraDeviceId },
    ]);
  });

  it('asks nothing for a file without proofs, nor about what is no id', async () => {
    const { world, run } = await rotated();
    const before = world.sim.history.length;
    expect(await check(world, run, (text) => text.replaceAll(',proven,', ',overdue,'))).toMatchObject({
      proven: 0,
      told: [],
    });
    expect(world.sim.history.length).toBe(before);
    const row = (await world.rotations(run.runId)).find(({ state }) => state === 'proven');
    const found = await check(world, run, (text) => text.replaceAll(row?.entraDeviceId ?? '-', "x'/../y"));
    expect(found.disagreements).toMatchObject([{ because: 'the line names no Entra device id' }]);
  });

  it('says of a device that Intune and escrow no longer have that it cannot be checked, which is no agreement', async () => {
    const world = createFaultWorld({ devices: 6 });
    const run = await world.clock.run(() => settle(world));
    const [row] = (await world.rotations(run.runId)).filter(({ state }) => state === 'proven');
    if (row === undefined) throw new Error('no device is proven');
    world.sim.removeDevice(row.managedDeviceId);
    // Its Entra device still has the key: that is all a proof is made of.
    expect(await check(world, run)).toMatchObject({ agreed: 6, disagreements: [], unchecked: [] });
    const forged = (text: string) => text.replace(row.keyAfterId ?? '-', '00000000-0000-4000-8000-00000000dead');
    expect(await check(world, run, forged)).toMatchObject({
      agreed: 5,
      disagreements: [],
      unchecked: [{ deviceName: row.deviceName, because: expect.stringContaining('Intune no longer has the device') }],
    });
  });

  it('finds a late proof where it was, though its key is older than the send deadline: the line tells when the action began', async () => {
    const world = createFaultWorld({
      devices: [{ name: 'LATE', checkInDelayMs: 40_000, escrowDelayMs: 20_000 }],
      settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_MAX_KEY_AGE: 'P30D' },
    });
    // The answer to the request is lost, and looks make no sense until the slice is given up.
    const isFirstDay = () => world.clock.nowMs() < START_MS + DAY_MS;
    world.sim.script({ ...ROTATION, fault: { kind: 'statusAfterEffect', status: 504 }, when: isFirstDay });
    const html = { kind: 'malformed', variant: 'html' } as const;
    world.sim.script({ ...WHOLE_BATCH, fault: html, times: 10_000, when: isFirstDay });
    await world.clock.run(() => live(world, world.start(), 40));

    const run = await firstRun(world);
    if (run === undefined) throw new Error('no run');
    const [line] = await deviceLinesOf(world, run, run.evidence?.version ?? 0);
    expect(line).toMatchObject({ state: 'abandoned', uncertain: 'yes', lateState: 'proven', lateActionState: 'done' });
    expect(line).toMatchObject({ acceptedBy: '', actionStartedAt: '', lateUnconfirmed: '' });
    expect(Date.parse(line?.lateKeyAt ?? '')).toBeLessThan(Date.parse(line?.sendBy ?? ''));
    expect(await check(world, run)).toMatchObject({
      proven: 1,
      agreed: 1,
      disagreements: [],
      unchecked: [],
    });
  });

  it('says nothing of a file that is another one than the one whose chain was checked', async () => {
    const world = createFaultWorld({ devices: 6 });
    const run = await world.clock.run(() => settle(world));
    const whole = sha256(await reportOf(world.reportFiles, evidenceName(run.runId, 1)));
    await expect(check(world, run, (text) => text.replace('proven', 'Proven'), whole)).rejects.toThrow(
      FileChangedError,
    );
    await expect(check(world, run, (text) => text, whole)).resolves.toMatchObject({ agreed: 6 });
  });
});
