import { afterAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/app/report-run.ts';
import { parseTenantId } from '../../src/domain/ids.ts';
import { createSimulatedTenant, type SimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { runCli, startCli } from '../cli/cli-process.ts';
import { sampleRun } from '../contracts/samples.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';

const clock = createSystemClock();
const azurite = useAzurite();
const servers: SimulatorServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
});

interface TestTenant {
  readonly tenant: SimulatedTenant;
  readonly settings: Readonly<Record<string, string>>;
}

let tenants = 0;

/** A healthy fleet whose half hour takes two seconds, with a ledger of its own. */
async function tenantOf(devices: number, faults = {}): Promise<TestTenant> {
  tenants += 1;
  const tenantId = `7e570000-0000-4000-8000-00000000000${tenants}`;
  const tenant = createSimulatedTenant({ clock, devices, fleet: 'healthy', speed: 900, tenantId, ...faults });
  const server = await createSimulatorServer({ tenant, clock });
  servers.push(server);
  const hour = 3_600_000;
  const schedule = { confirmScheduleMs: [hour / 2, hour, hour], canaryWaitMs: 4 * hour };
  return { tenant, settings: { ...settingsFor(server, schedule), AzureWebJobsStorage: azurite.connectionString() } };
}

const total = ({ counts }: RunReport) => Object.values(counts).reduce((sum, n) => sum + n, 0);

describe('plan', () => {
  it('prints one JSON document, sends nothing, and leaves a run to look up', async () => {
    const { tenant, settings } = await tenantOf(130);
    const { code, stdout } = await runCli(['plan', '--json'], settings);
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { plan: RunReport; first: { canary?: true }[]; complete: boolean };
    expect(document).toMatchObject({
      complete: true,
      plan: { state: 'completed', mode: 'dryRun', devices: 130, due: 130 },
    });
    expect(document.first).toHaveLength(10);
    expect(document.first[0]?.canary).toBe(true);
    expect(total(document.plan)).toBe(130);
    expect(tenant.referee.rotationsAccepted).toBe(0);

    const status = await runCli(['status', document.plan.runId], settings);
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toContain(`Run ${document.plan.runId}  completed`);
  });

  it('works while the kill switch is on; run does not', async () => {
    const { settings } = await tenantOf(3);
    const off = { ...settings, ROTATION_MODE: 'off' };
    expect((await runCli(['plan'], off)).code).toBe(0);
    const { code, stdout, stderr } = await runCli(['run', '--live'], off);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('ROTATION_MODE is off');
  });
});

describe('run', () => {
  it('is a dry run unless armed, and prints what it would do', async () => {
    const { tenant, settings } = await tenantOf(5);
    const { code, stdout } = await runCli(['run'], settings);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing was sent');
    expect(stdout).toMatch(/5 due +would be asked/);
    expect(tenant.referee.rotationsAccepted).toBe(0);
  });

  it('--live --wait rotates and proves the fleet, with plain progress and no colours in a pipe', async () => {
    const { tenant, settings } = await tenantOf(60);
    const { code, stdout, stderr } = await runCli(['run', '--live', '--wait'], settings);
    expect(stdout).toMatch(/proven +60 /);
    expect(stdout).toContain('The run is complete.');
    expect(stderr).toContain('Canary: ');
    expect(stdout + stderr).not.toContain('\u001b');
    expect(code).toBe(0);
    expect(tenant.truth.rotatedCount()).toBe(60);
    tenant.referee.assertClean();

    const device = tenant.truth.device(0);
    const { stdout: about } = await runCli(['status', '--device', device?.managedDeviceId ?? '', '--json'], settings);
    expect(JSON.parse(about)).toMatchObject({
      record: { entraDeviceId: device?.entraDeviceId, lastState: 'proven' },
      rotation: { rotation: { state: 'proven', deviceName: device?.deviceName, keyAfterId: device?.newestKey?.keyId } },
      history: { rotations: [{ mode: 'live', rotation: { state: 'proven' } }], runsSearched: 1 },
    });
  });

  it('stopped by a signal saves its place, and the next one carries it on without asking twice', async () => {
    const { tenant, settings } = await tenantOf(80);
    const first = startCli(['run', '--live', '--json'], settings);
    await first.saw('stderr', 'Canary: ');
    first.child.kill('SIGINT');
    const stopped = await first.finished;
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain('Stopping');
    const { end, message, run } = JSON.parse(stopped.stdout) as { end: string; message: string; run: RunReport };
    expect(end).toBe('stopped');
    expect(message).toContain('`npx keyturn run --live`, or');
    expect(run.state).toBe('rotating');
    expect(run.counts.planned).toBeGreaterThanOrEqual(60);

    const second = await runCli(['run', '--live', '--wait', '--json'], settings);
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({
      end: 'finished',
      run: { runId: run.runId, state: 'completed', counts: { proven: 80 } },
    });
    expect(tenant.referee.rotationsAccepted).toBe(80);
    tenant.referee.assertClean();
  });

  it('--device asks these devices alone, without canaries, and names those it cannot find', async () => {
    const { tenant, settings } = await tenantOf(10);
    const id = tenant.truth.device(3)?.managedDeviceId ?? '';
    const unknown = '00000000-0000-4000-8000-000000000009';
    const { code, stdout } = await runCli(['run', '--live', '--device', id, '--device', unknown, '--json'], settings);
    expect(code).toBe(0);
    const { end, run } = JSON.parse(stdout) as { end: string; run: RunReport };
    expect(end).toBe('sent');
    expect(run).toMatchObject({ devices: 1, canaries: 0, counts: { requested: 1 } });
    expect(run.unresolved).toEqual([expect.stringContaining(unknown)]);
    expect(tenant.truth.asked().map(({ managedDeviceId }) => managedDeviceId)).toEqual([id]);

    const none = await runCli(['run', '--live', '--device', unknown], settings);
    expect(none.code).toBe(2);
    expect(none.stdout).toContain('None of the devices was found');
  });

  it('explains a missing role and ends with exit code 1', async () => {
    const { settings } = await tenantOf(3, { roles: ['BitlockerKey.ReadBasic.All'] });
    const { code, stdout, stderr } = await runCli(['plan'], settings);
    expect(stderr).toContain('needs the Graph application role DeviceManagementManagedDevices');
    expect(stderr).not.toMatch(/^ +at /m);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

describe('status', () => {
  it('knows no run and no device of an empty ledger', async () => {
    const { settings } = await tenantOf(1);
    expect(JSON.parse((await runCli(['status', '--json'], settings)).stdout)).toEqual({
      runs: [],
      finishedLeftOut: 0,
      quarantine: [],
    });
    const unknown = await runCli(['status', 'no-such-run'], settings);
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('No run is called no-such-run, and nothing in quarantine is about it');
    const device = await runCli(['status', '--device', '00000000-0000-4000-8000-000000000009'], settings);
    expect(device).toMatchObject({ code: 2, stdout: '' });
    expect(device.stderr).toContain('No run has a device');
  });
});

describe('the list of runs', () => {
  it('has every unfinished one, as many finished ones as are asked for, and says how to see the others', async () => {
    const { settings } = await tenantOf(1);
    const tenantId = parseTenantId(settings.TENANT_ID);
    const connection = connectionOf(azurite.connectionString());
    const { ledger, createAll } = createStorage({ connection, tenantId, clock, random: createSystemRandom() });
    await createAll();
    const runs = Array.from({ length: 13 }, (_, i) => {
      const createdAtMs = Date.UTC(2026, 10, 22) - i * 60_000;
      const isOver = i < 12;
      return sampleRun({
        tenantId,
        createdAtMs,
        ...(isOver ? { state: 'completed', finalCounts: {}, finishedAtMs: createdAtMs } : { state: 'settling' }),
      });
    });
    for (const run of runs) await ledger.createRun(run);
    const ids = runs.map(({ runId }) => runId);
    const list = async (...options: readonly string[]) => {
      const { stdout } = await runCli(['status', '--json', ...options], settings);
      const document = JSON.parse(stdout) as { readonly runs: readonly RunReport[]; readonly finishedLeftOut: number };
      return { ids: document.runs.map(({ runId }) => runId), leftOut: document.finishedLeftOut };
    };
    expect(await list()).toEqual({ ids: [ids[12], ...ids.slice(0, 10)], leftOut: 2 });
    expect(await list('--last', '12')).toEqual({ ids: [ids[12], ...ids.slice(0, 12)], leftOut: 0 });
    const { stdout } = await runCli(['status', '--last', '1'], settings);
    expect(stdout).toContain('1 unfinished run, and the latest 1 of 12 finished runs.');
    expect(stdout).toContain('`npx keyturn status --last 12` lists all');
    expect(stdout).toContain(ids[12]);
  });
});

describe('simulate', () => {
  it('prints settings with which the other commands work, until stopped', async () => {
    const simulator = startCli(['simulate', '--devices', '40', '--seed', '3', '--speed', '100', '--json']);
    const { settings } = JSON.parse(await simulator.saw('stdout', '\n}\n')) as { settings: Record<string, string> };
    const plan = await runCli(['plan', '--json'], { ...settings, AzureWebJobsStorage: azurite.connectionString() });
    simulator.child.kill('SIGINT');
    const { code, stderr } = await simulator.finished;
    expect(JSON.parse(plan.stdout)).toMatchObject({ complete: true });
    expect(stderr).toContain('no rule broken');
    expect({ simulate: code, plan: plan.code }).toEqual({ simulate: 0, plan: 0 });
  });

  it('says so when the port is taken', async () => {
    const { settings } = await tenantOf(1);
    const { port } = new URL(settings.GRAPH_ENDPOINT ?? '');
    const { code, stderr } = await runCli(['simulate', '--port', port]);
    expect(stderr).toContain(`Port ${port} cannot be used`);
    expect(code).toBe(2);
  });
});
