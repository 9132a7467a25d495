import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/app/report-run.ts';
import { parseRunId, parseTenantId } from '../../src/domain/ids.ts';
import { createSimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { runCli } from '../cli/cli-process.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';
import { putForeign, reportOf } from '../support/evidence-files.ts';

const TENANT = '7e570000-0000-4000-8000-0000000000e2';
const HOUR_MS = 3_600_000;
const clock = createSystemClock();
const azurite = useAzurite();
let server: SimulatorServer;
let settings: Readonly<Record<string, string>>;
let storage: Storage;
let folder = '';
let runId = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-report-'));
  const tenant = createSimulatedTenant({ clock, devices: 20, fleet: 'healthy', speed: 900, tenantId: TENANT });
  server = await createSimulatorServer({ tenant, clock });
  const schedule = { confirmScheduleMs: [HOUR_MS / 2, HOUR_MS, HOUR_MS], canaryWaitMs: 4 * HOUR_MS };
  settings = { ...settingsFor(server, schedule), AzureWebJobsStorage: azurite.connectionString() };
  const { code, stdout } = await runCli(['run', '--live', '--wait', '--json'], settings);
  expect(code).toBe(0);
  runId = (JSON.parse(stdout) as { readonly run: RunReport }).run.runId;
  storage = createStorage({
    connection: connectionOf(azurite.connectionString()),
    tenantId: parseTenantId(TENANT),
    clock,
    random: createSystemRandom(),
  });
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

/** Where a number stands that can only be an instant: no duration is that long, and no count. */
function instantsIn(value: unknown, place: string): readonly string[] {
  if (typeof value === 'number') return value > Date.UTC(2020, 0) ? [`${place}: ${value}`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => instantsIn(item, `${place}.${name}`));
}

it('prints every instant as ISO text in every document', async () => {
  const device = server.tenant.truth.asked()[0];
  const evidence = path.join(folder, 'instants.csv');
  const commands = [
    ['report', runId, '--csv', evidence],
    ['verify', evidence, '--graph'],
    ['status'],
    ['status', runId],
    ['status', '--device', device?.managedDeviceId ?? ''],
    ['fleet'],
    ['plan'],
    ['doctor'],
    ['request', '--reason', 'INC-1', '--serial', 'PF-0001', '--not-before', '2099-01-01T00:00:00Z'],
    ['requeue', '--all'],
  ];
  for (const command of commands) {
    const { stdout, stderr } = await runCli([...command, '--json'], settings);
    expect(stdout, stderr).not.toBe('');
    expect([command, instantsIn(JSON.parse(stdout), '')]).toEqual([command, []]);
  }
});

describe('keyturn report', () => {
  it('writes what the app left in storage, byte for byte', async () => {
    const [page, evidence] = [path.join(folder, 'report.html'), path.join(folder, 'evidence.csv')];
    const { code, stdout, stderr } = await runCli(['report', runId, '--html', page, '--csv', evidence], settings);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('20 of 20 due keys are rotated and proven.');
    expect(stdout).toContain(`Written: ${page}`);
    expect(await readFile(page)).toEqual(await reportOf(storage.reportFiles, `${runId}/report-1.html`));
    expect(await readFile(evidence)).toEqual(await reportOf(storage.reportFiles, `${runId}/evidence-1.csv`));
  });

  it('says of a run that still settles nothing that only its end will tell', async () => {
    const row = (await storage.ledger.readRun(parseRunId(runId)))?.value;
    if (row === undefined) throw new Error('the run is gone');
    const { evidence: _evidence, finishedAtMs: _finished, finalCounts: _counts, ...open } = row;
    await storage.ledger.createRun({ ...open, runId: parseRunId('still-settling'), state: 'settling' });
    const { code, stdout, stderr } = await runCli(['report', 'still-settling', '--json'], settings);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({ state: 'settling', run: { runId: 'still-settling', dryRun: false } });
    for (const name of ['outcome', 'evidence', 'writtenAt']) expect(said.run).not.toHaveProperty(name);
  });

  it('says the same to scripts', async () => {
    const { code, stdout } = await runCli(['report', runId, '--json'], settings);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: { tone: 'good' },
      state: 'completed',
      funnel: { due: 20, requested: 20, confirmed: 20, proven: 20 },
      figures: { devices: 20, states: { proven: 20 } },
      evidence: { version: 1, lines: 23 },
      needAttention: 0,
      files: {},
    });
  });

  it.each([
    ['a run nobody knows', () => ['report', 'no-such-run'], 'No run is called no-such-run'],
    ['one file for both', () => ['report', runId, '--html', 'x', '--csv', './x'], 'name the same file'],
    [
      'a folder that is not there',
      () => ['report', runId, '--html', '/no/such/folder/x'],
      'cannot be written (ENOENT)',
    ],
  ] as const)('refuses %s', async (_what, args, complaint) => {
    const { code, stderr } = await runCli([...args()], settings);
    expect(stderr).toContain(complaint);
    expect(code).toBe(2);
  });

  it('of evidence that is missing, or is not what was written, is a fault; what was there before stays', async () => {
    const [page, evidence] = [path.join(folder, 'kept.html'), path.join(folder, 'kept.csv')];
    for (const file of [page, evidence]) await writeFile(file, 'before');
    const name = `${runId}/evidence-1.csv`;
    const whole = await reportOf(storage.reportFiles, name);
    const expectFault = async (words: string) => {
      const { code, stdout, stderr } = await runCli(['report', runId, '--html', page, '--csv', evidence], settings);
      expect(stderr).toBe(`error: ${name} ${words}.\n`);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      for (const file of [page, evidence]) expect(await readFile(file, 'utf8')).toBe('before');
    };
    await storage.reportFiles.delete(name);
    await expectFault('is not in the container reports');
    await putForeign(storage.reportFiles, name);
    await expectFault('is not what was written: keyturn verify says where it differs');
    await storage.reportFiles.delete(name);
    await storage.reportFiles.create({
      name,
      contentType: 'text/csv',
      content: (async function* () {
        yield whole;
      })(),
      metadata: () => ({}),
    });
    expect((await runCli(['report', runId], settings)).code).toBe(0);
  });
});
