/** Quarantine on real storage: what the functions keep, what `keyturn status` shows of it, and what `keyturn requeue` does about it. */
import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import type { Invocation } from '../../src/app/invocation.ts';
import { quarantineId } from '../../src/app/quarantine-id.ts';
import type { QuarantineReport } from '../../src/app/report-quarantine.ts';
import type { RunReport } from '../../src/app/report-run.ts';
import type { Requeued } from '../../src/app/requeue.ts';
import { createKeyturn, type Keyturn } from '../../src/composition.ts';
import { parseTenantId } from '../../src/domain/ids.ts';
import type { QuarantineEntry } from '../../src/domain/ledger.ts';
import { createSimulatedTenant, type SimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { runCli } from '../cli/cli-process.ts';
import { collect } from '../contracts/samples.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';

const clock = createSystemClock();
const azurite = useAzurite();
const servers: SimulatorServer[] = [];
const apps: Keyturn[] = [];
afterAll(async () => {
  for (const app of apps) await app.stop();
  for (const server of servers) await server.close();
});

const invocation: Invocation = { functionName: 'test', invocationId: 'test', write: () => {} };

interface TestApp {
  readonly app: Keyturn;
  readonly storage: Storage;
  readonly settings: Readonly<Record<string, string>>;
}

/** The app of a tenant of its own; without `more` it has no Graph to ask. */
async function createApp(
  tenantId: string = randomUUID(),
  more: Readonly<Record<string, string>> = {},
): Promise<TestApp> {
  const settings = { TENANT_ID: tenantId, AzureWebJobsStorage: azurite.connectionString(), ...more };
  const storage = createStorage({
    connection: connectionOf(azurite.connectionString()),
    tenantId: parseTenantId(tenantId),
    clock,
    random: createSystemRandom(),
  });
  await storage.createAll();
  const app = createKeyturn({ environment: settings });
  apps.push(app);
  return { app, storage, settings };
}

/** With a simulated tenant whose half hour takes two seconds. */
async function createAppWithTenant(devices: number): Promise<TestApp & { readonly tenant: SimulatedTenant }> {
  const tenantId = randomUUID();
  const tenant = createSimulatedTenant({ clock, devices, fleet: 'healthy', speed: 900, tenantId });
  const server = await createSimulatorServer({ tenant, clock });
  servers.push(server);
  const hour = 3_600_000;
  const schedule = { confirmScheduleMs: [hour / 2, hour, hour], canaryWaitMs: 4 * hour };
  const app = await createApp(tenantId, { ...settingsFor(server, schedule), ROTATION_CANARY_DEVICES: '0' });
  return { ...app, tenant };
}

const entriesOf = ({ storage }: TestApp): Promise<readonly QuarantineEntry[]> =>
  collect(storage.ledger.listQuarantine());

function deliver(app: Keyturn, queue: string, message: unknown): Promise<void> {
  return queue === 'rotation-runs'
    ? app.continueRotation(message, invocation)
    : app.recordEncryptionState(message, invocation);
}

describe('a message that fails at every delivery', () => {
  const other = {
    tenantId: '0f0f0f0f-0000-4000-8000-000000000001',
    runId: 'r',
    sliceId: '0000000-0',
    checkpoint: 0,
    look: 0,
  };

  it.each([
    ['rotation-runs', 'not JSON', /^MessageError: message must be JSON, or base64 of it/],
    ['rotation-runs', { tenantId: 'contoso' }, /^MessageError: tenant id must be a GUID, got "contoso"/],
    ['rotation-runs', btoa(JSON.stringify(other)), /^MessageError: tenantId must be .*, the tenant of this app, got/],
    ['encryption-states', other, /^MessageError: tenantId must be .*, the tenant of this app, got/],
    ['encryption-states', 7, /^MessageError: message must be a JSON object/],
    ['encryption-states', `no JSON ${'x'.repeat(65_000)}`, /^MessageError: message must be JSON/],
  ])('on %s is kept whole with the error of the last delivery: %o', async (queue, message, fault) => {
    const one = await createApp();
    for (let i = 0; i < 2; i++) await expect(deliver(one.app, queue, message)).rejects.toThrow();
    expect(await entriesOf(one)).toEqual([]);
    for (let i = 0; i < 2; i++) await one.app.quarantine(queue, message, invocation);
    const [entry, ...others] = await entriesOf(one);
    expect(others).toEqual([]);
    expect(entry?.reasons).toEqual([
      `a message of the queue ${queue} failed at every delivery`,
      expect.stringMatching(fault),
    ]);
    const isJson = typeof message !== 'string' || message === btoa(JSON.stringify(other));
    expect(isJson ? JSON.parse(entry?.message ?? '') : entry?.message).toEqual(
      typeof message === 'string' && isJson ? other : message,
    );
  });

  it('on rotation-requests is kept with the run that its deliveries made: the poison queue gives it another id', async () => {
    const one = await createAppWithTenant(1);
    one.tenant.script({ method: 'POST', path: /\/\$batch$/, fault: { kind: 'status', status: 401 }, times: 1_000 });
    const message = { targets: [{ managedDeviceId: one.tenant.truth.device(0)?.managedDeviceId ?? '' }] };
    await expect(one.app.rotateOnDemand(message, 'a-message', invocation)).rejects.toThrow();
    await one.app.quarantine('rotation-requests', message, invocation);
    expect(await entriesOf(one)).toMatchObject([{ runId: 'a-message' }]);
    expect(await collect(one.storage.ledger.listRuns({ unfinished: true }))).toMatchObject([{ runId: 'a-message' }]);
  });

  it('and then goes well leaves no note behind', async () => {
    const { app, storage, settings } = await createApp();
    const message = { tenantId: settings.TENANT_ID, runId: 'nobody-knows', checkpoint: 0 };
    const id = quarantineId('rotation-runs', JSON.stringify(message));
    await storage.ledger.noteFault(id, { fault: 'an outage' });
    await app.continueRotation(message, { ...invocation, dequeueCount: 2 });
    expect(await storage.ledger.readFault(id)).toBeUndefined();
  });
});

describe('keyturn status and keyturn requeue', () => {
  it('say what is wrong, what to do, and what cannot be put back; nothing is done in a dry run', async () => {
    const one = await createApp();
    const request = { requestId: randomUUID(), targets: [{ deviceName: 'LAPTOP-1' }] };
    await one.app.quarantine('rotation-requests', request, invocation);
    await one.app.quarantine('rotation-runs', 'rubbish', invocation);
    const ids = (await entriesOf(one)).map(({ id }) => id);

    const { stdout } = await runCli(['status'], one.settings);
    expect(stdout).toContain('Quarantine: 2 messages that could not be acted on.');
    const [goes, stays] = ['rotation-requests', 'rotation-runs'].map((queue) => ids.find((id) => id.startsWith(queue)));
    expect(stdout).toContain(`npx keyturn requeue ${goes}`);
    expect(stdout).toContain(`npx keyturn requeue --dismiss ${stays}`);
    expect(stdout).toContain('the request failed at every delivery');
    const document = JSON.parse((await runCli(['status', '--json'], one.settings)).stdout) as {
      quarantine: readonly QuarantineReport[];
    };
    expect(document.quarantine.map(({ message }) => message)).toContain(JSON.stringify(request));
    expect(document.quarantine.flatMap(({ devices }) => devices)).toEqual(['deviceName LAPTOP-1']);

    const about = await runCli(['status', request.requestId.toUpperCase()], one.settings);
    expect(about.code).toBe(0);
    expect(about.stdout).toContain(`No run is called ${request.requestId}: what was to become one is in quarantine.`);
    expect(about.stdout).toContain(`npx keyturn requeue ${goes}`);
    expect(about.stdout).not.toContain(stays);

    const dry = await runCli(['requeue', '--all', '--dry-run'], one.settings);
    expect(dry.stdout).toContain('Nothing was changed');
    expect(dry.code).toBe(1);
    expect(await entriesOf(one)).toHaveLength(2);

    const all = await runCli(['requeue', '--all', '--json'], one.settings);
    const { requeued } = JSON.parse(all.stdout) as { requeued: readonly Requeued[] };
    expect(requeued.map(({ queue, outcome }) => [queue, outcome])).toEqual([
      ['rotation-requests', 'requeued'],
      ['rotation-runs', 'stays'],
    ]);
    expect(all.code).toBe(1);
    expect((await entriesOf(one)).map(({ message }) => message)).toEqual(['rubbish']);
    const { receivedMessageItems } = await one.storage
      .queue('rotation-requests')
      .receiveMessages({ numberOfMessages: 32 });
    expect(receivedMessageItems.map(({ messageText }) => messageText)).toEqual([JSON.stringify(request)]);

    const tried = await runCli(['requeue', '--dismiss', '--dry-run', stays ?? ''], one.settings);
    expect(tried).toMatchObject({ code: 0, stdout: expect.stringContaining('  rubbish\n') });
    expect(await entriesOf(one)).toHaveLength(1);
    const dismissed = await runCli(['requeue', '--dismiss', stays ?? '', '--json'], one.settings);
    expect(JSON.parse(dismissed.stdout)).toMatchObject({
      dryRun: false,
      dismissed: [{ id: stays, outcome: 'dismissed', entry: { message: 'rubbish' } }],
    });
    expect(dismissed.stderr).toContain(`dismissed (quarantineId ${stays})`);
    expect(await entriesOf(one)).toEqual([]);
    const twice = await runCli(['requeue', '--dismiss', stays ?? ''], one.settings);
    expect(twice).toMatchObject({ code: 0, stdout: expect.stringContaining('1 gone already.') });
  });

  it('take up devices whose look was poisoned: a run of their own proves them, and asks nobody twice', async () => {
    const one = await createAppWithTenant(5);
    const { tenant, settings, storage } = one;
    const sent = await runCli(['run', '--live', '--json'], settings);
    const { runId } = (JSON.parse(sent.stdout) as { run: RunReport }).run;
    const [slice] = await collect(storage.ledger.listSlices(runId, {}));
    const { sliceId, look } = slice?.value ?? expect.unreachable();
    await one.app.quarantine('encryption-states', { tenantId: settings.TENANT_ID, runId, sliceId, look }, invocation);
    const [entry] = await entriesOf(one);
    expect(entry?.devices).toHaveLength(5);

    const shown = await runCli(['status', runId], settings);
    expect(shown.stdout).toMatch(/abandoned +5 /);
    expect(shown.stdout).toContain(`npx keyturn requeue ${entry?.id}`);
    const kept = await runCli(['requeue', '--dismiss', entry?.id ?? ''], settings);
    expect(kept).toMatchObject({ code: 1, stdout: expect.stringContaining('may still take effect') });
    const { code, stdout } = await runCli(['requeue', entry?.id ?? ''], settings);
    expect(stdout).toContain('nobody is asked twice (5 devices)');
    expect(code).toBe(0);
    expect(await entriesOf(one)).toEqual([]);

    // The fleet has nobody to ask; it settles what others left.
    expect((await runCli(['run', '--live', '--wait'], settings)).code).toBe(0);
    const { runs, quarantine } = JSON.parse((await runCli(['status', '--json'], settings)).stdout) as {
      runs: readonly RunReport[];
      quarantine: readonly QuarantineReport[];
    };
    expect(quarantine).toEqual([]);
    expect(runs.find(({ trigger }) => trigger === 'requeue')).toMatchObject({
      state: 'completed',
      counts: { proven: 5 },
    });
    expect(tenant.referee.rotationsAccepted).toBe(5);
    tenant.referee.assertClean();
  });

  it.each([
    [[], 'Name quarantined messages by id, or all of them by --all'],
    [['a', '--all'], 'Name quarantined messages by id, or all of them by --all'],
    [['--dismiss', '--all'], '--dismiss takes ids'],
    [['rotation-runs-0', 'x'], 'Nothing was done: rotation-runs-0, x are not in quarantine'],
  ])('requeue %j is a mistake, and does nothing', async (args, words) => {
    const { settings } = await createApp();
    const { code, stdout, stderr } = await runCli(['requeue', ...args], settings);
    expect(stderr).toContain(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('requeue --all of an empty quarantine is done', async () => {
    const { settings } = await createApp();
    expect(await runCli(['requeue', '--all'], settings)).toMatchObject({ code: 0, stdout: 'Quarantine is empty.\n' });
  });
});
