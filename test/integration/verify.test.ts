import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/app/report-run.ts';
import { readCells } from '../../src/domain/evidence/cell.ts';
import { EVIDENCE_COLUMNS } from '../../src/domain/evidence/evidence-columns.ts';
import { parseTenantId } from '../../src/domain/ids.ts';
import { createSimulatedTenant, type SimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { type Finished, runCli } from '../cli/cli-process.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';
import { linesOf, rehashedFrom, reportOf } from '../support/evidence-files.ts';

const TENANT = '7e570000-0000-4000-8000-0000000000e1';
const HOUR_MS = 3_600_000;
const CHAIN_HOLDS = 'chain    holds: every line is as it was written, where it was written';
const UNREACHABLE =
  'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Zm9v;BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;';
const clock = createSystemClock();
const azurite = useAzurite();
let server: SimulatorServer;
let tenant: SimulatedTenant;
let settings: Readonly<Record<string, string>>;
let folder = '';
let evidence: Buffer;
let runId = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-verify-'));
  tenant = createSimulatedTenant({ clock, devices: 30, fleet: 'healthy', speed: 900, tenantId: TENANT });
  server = await createSimulatorServer({ tenant, clock });
  const schedule = { confirmScheduleMs: [HOUR_MS / 2, HOUR_MS, HOUR_MS], canaryWaitMs: 4 * HOUR_MS };
  settings = { ...settingsFor(server, schedule), AzureWebJobsStorage: azurite.connectionString() };
  const { code, stdout } = await runCli(['run', '--live', '--wait', '--json'], settings);
  expect(code).toBe(0);
  const { run } = JSON.parse(stdout) as { readonly run: RunReport };
  expect(run.counts).toEqual({ proven: 30 });
  runId = run.runId;
  const storage = createStorage({
    connection: connectionOf(azurite.connectionString()),
    tenantId: parseTenantId(TENANT),
    clock,
    random: createSystemRandom(),
  });
  evidence = await reportOf(storage.reportFiles, `${runId}/evidence-1.csv`);
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

async function verify(file: Buffer, args: readonly string[], environment = {}): Promise<Finished> {
  const name = path.join(folder, 'evidence-1.csv');
  await writeFile(name, file);
  return runCli(['verify', name, ...args], environment);
}

describe('keyturn verify', () => {
  it('needs nothing but the file, and says that it compared it with nothing', async () => {
    const { code, stdout, stderr } = await verify(evidence, []);
    expect(stdout).toContain(`evidence 1 of run ${runId}`);
    expect(stdout).toContain('30 devices, 30 proven');
    expect(stdout).toContain('ledger   not compared: no ledger is configured (TENANT_ID, AzureWebJobsStorage)');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('compares it with the ledger where there is one, and with the tenant when asked to', async () => {
    const { code, stdout } = await verify(evidence, ['--graph', '--json'], settings);
    expect(JSON.parse(stdout)).toMatchObject({
      agrees: true,
      lines: 33,
      run: { runId, evidence: 1, dryRun: false },
      problems: [],
      differences: [],
      figures: { states: { proven: 30 } },
      ledger: { kind: 'agrees', with: 'run row' },
      graph: { proven: 30, agreed: 30, disagreements: [] },
    });
    expect(code).toBe(0);
    tenant.referee.assertClean();
  });

  it('ends with 1 and names the line that was changed', async () => {
    const tampered = Buffer.from(evidence.toString().replace(',proven,', ',failed,'));
    const { code, stdout } = await verify(tampered, []);
    expect(stdout).toContain('line 3 was changed');
    expect(stdout).toContain('devices that ended as proven: the last line says 30, counted again there are 29');
    expect(code).toBe(1);
  });

  it('finds by the ledger what was hashed anew to its end', async () => {
    const forged = Buffer.concat([...rehashedFrom(linesOf(evidence), 3, ',managedDevice,', ',comanagedDevice,')]);
    expect((await verify(forged, [])).code).toBe(0);
    const { code, stdout } = await verify(forged, [], settings);
    expect(stdout).toContain("ledger   DOES NOT HOLD: the run's row has digest");
    expect(code).toBe(1);
  });

  it('says what it could not compare with, and why', async () => {
    const other = { ...settings, TENANT_ID: '7e570000-0000-4000-8000-0000000000e2' };
    expect((await verify(evidence, [], other)).stdout).toContain(
      `ledger   not compared: the settings are of tenant ${other.TENANT_ID}`,
    );
    const wrong = { ...settings, NOTIFY_WEBHOOK: 'http://hook.example/x' };
    expect((await verify(evidence, [], wrong)).stdout).toContain(
      'ledger   not compared: the settings are wrong (NOTIFY_WEBHOOK)',
    );
    const { code, stdout, stderr } = await verify(evidence, ['--graph'], other);
    expect(stdout).toContain(CHAIN_HOLDS);
    expect(stderr).toContain(`the file is of ${TENANT}`);
    expect(code).toBe(2);
    const unreachable = await verify(evidence, [], { ...settings, AzureWebJobsStorage: UNREACHABLE });
    expect(unreachable.stdout).toContain('ledger   not compared: Azure Table Storage at 127.0.0.1:9');
    expect(unreachable.code).toBe(0);
  });

  it('asks the tenant without any storage, and says that its quota is its own', async () => {
    const { AzureWebJobsStorage: _none, ...auditor } = settings;
    const { code, stdout, stderr } = await verify(evidence, ['--graph'], auditor);
    expect(stdout).toContain(CHAIN_HOLDS);
    expect(stdout).toContain('ledger   not compared: no ledger is configured (AzureWebJobsStorage)');
    expect(stdout).toContain('graph    holds: 30 of 30 proofs still stand\n  asked within a quota shared with nobody');
    expect(code, stderr).toBe(0);
    tenant.referee.assertClean();
  });

  it('tells what the file says by itself when storage cannot be reached, and that neither ledger nor tenant was asked', async () => {
    const gone = { ...settings, AzureWebJobsStorage: UNREACHABLE };
    const { code, stdout } = await verify(evidence, ['--graph'], gone);
    expect(stdout).toContain(CHAIN_HOLDS);
    expect(stdout).toContain('figures  holds: counted again: 30 devices, 30 proven');
    expect(stdout).toContain('ledger   not compared: Azure Table Storage at 127.0.0.1:9');
    expect(stdout).toContain('graph    NOT CHECKED: Azure Table Storage at 127.0.0.1:9');
    expect(code).toBe(1);
    const { stdout: json } = await verify(evidence, ['--graph', '--json'], gone);
    expect(JSON.parse(json)).toMatchObject({
      agrees: false,
      problems: [],
      ledger: { kind: 'notCompared' },
      graph: { kind: 'notChecked', because: expect.stringContaining('127.0.0.1:9') },
    });
  });

  it.each([
    ['TENANT_ID', {}],
    ['AzureWebJobsStorage', { TENANT_ID: TENANT, AzureWebJobsStorage: 'nonsense' }],
  ])('tells what the file says by itself, and then that --graph needs another %s', async (name, environment) => {
    const { code, stdout, stderr } = await verify(evidence, ['--graph'], environment);
    expect(stdout).toContain(CHAIN_HOLDS);
    expect(stdout).toContain(`graph    NOT CHECKED: the settings do not allow it (${name})`);
    expect(new Set([...stderr.matchAll(/^- (\S+) /gm)].map(([, wrong]) => wrong))).toEqual(new Set([name]));
    expect(code).toBe(2);
    const json = await verify(evidence, ['--graph', '--json'], environment);
    expect(JSON.parse(json.stdout)).toMatchObject({ lines: 33, problems: [], graph: { kind: 'notChecked' } });
    expect(json.code).toBe(2);
  });

  it('finds by the tenant a proof that was made up, whatever the chain says', async () => {
    const lines = linesOf(evidence);
    const keyAfterId = readCells(lines[2]?.toString().trimEnd() ?? '')[EVIDENCE_COLUMNS.indexOf('keyAfterId')] ?? '';
    const madeUp = '00000000-0000-4000-8000-00000000dead';
    const forged = Buffer.concat([...rehashedFrom(lines, 3, keyAfterId, madeUp)]);
    const { code, stdout } = await verify(forged, ['--graph'], settings);
    expect(stdout).toContain('graph    DOES NOT HOLD: 29 of 30 proofs still stand');
    expect(stdout).toContain(`escrow holds no key ${madeUp} of the device`);
    expect(code).toBe(1);
  });

  it('lets a deleted Intune record be, as long as the key is in escrow', async () => {
    tenant.removeDevice(tenant.truth.device(4)?.managedDeviceId ?? '');
    const { code, stdout } = await verify(evidence, ['--graph'], settings);
    expect(stdout).toContain('graph    holds: 30 of 30 proofs still stand');
    expect(code).toBe(0);
  });

  it.each([
    [['verify'], 'missing required argument'],
    [['verify', '/nowhere/evidence-1.csv'], '/nowhere/evidence-1.csv cannot be read (ENOENT)'],
    [['verify', '/tmp'], '/tmp cannot be read (EISDIR)'],
  ])('ends %j with exit code 2 and says why', async (args, words) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(stderr).toContain(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('gives up on twenty million empty lines, and says why', async () => {
    const { code, stdout, stderr } = await verify(Buffer.alloc(20_000_000, '\n'), []);
    expect(stdout).toContain('does not hold: more than 2,000,000 lines are broken');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  });

  it('says the same to scripts of a file that was changed above its last line', async () => {
    const lines = linesOf(evidence);
    const changed = Buffer.concat(lines.with(4, Buffer.from(String(lines[4]).replace(',proven,', ',failed,'))));
    const { code, stdout } = await verify(changed, ['--json'], settings);
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({
      agrees: false,
      ledger: { kind: 'differs' },
      statedDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(said).not.toHaveProperty('digest');
    expect(code).toBe(1);
  });

  it('names the changed line of what comes through a pipe, reads it once, and does not ask Graph about it', async () => {
    const pipe = path.join(folder, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    const changed = Buffer.from(evidence.toString().replace(/,proven,/, ',failed,'));
    const [found] = await Promise.all([runCli(['verify', pipe, '--graph'], settings), writeFile(pipe, changed)]);
    expect(found.stdout).toMatch(/chain +DOES NOT HOLD[\s\S]*line 3 was changed/);
    expect(found.stderr).toContain(`${pipe} can be read only once. Save it first.`);
    expect(found.code).toBe(2);
  });

  it('takes any other file for what it is', async () => {
    const { code, stdout } = await verify(Buffer.from('PK\u0003\u0004 not evidence'), []);
    expect(stdout).toContain('does not say which run it is evidence of');
    expect(code).toBe(1);
  });
});
