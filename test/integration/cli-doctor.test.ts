import { odata, TableClient } from '@azure/data-tables';
import { afterAll, describe, expect, it } from 'vitest';
import type { Check, CheckName, Diagnosis } from '../../src/app/doctor/check.ts';
import type { GrantReport } from '../../src/app/grant-roles.ts';
import { parseTenantId } from '../../src/domain/ids.ts';
import { type DirectoryBehaviour, OWN_PRINCIPAL } from '../../src/simulator/entra-directory.ts';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createStorage, type Storage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { runCli } from '../cli/cli-process.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';
import { type Doctoring, startDoctoredStorage } from './support/doctored-storage.ts';

const NEEDED = [
  'DeviceManagementManagedDevices.ReadWrite.All',
  'DeviceManagementConfiguration.Read.All',
  'BitlockerKey.ReadBasic.All',
];
/** Port 9 is discard: nobody listens. */
const NOBODY = 'http://127.0.0.1:9';
const NO_STORAGE = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Zm9vc2VjcmV0;BlobEndpoint=${NOBODY}/a;QueueEndpoint=${NOBODY}/a;TableEndpoint=${NOBODY}/a;`;
/** Chosen: what people wait for; the process itself takes a second or two of it, more on a busy machine. */
const A_FEW_SECONDS_MS = 30_000;

const clock = createSystemClock();
const azurite = useAzurite();
const open: { close(): Promise<unknown> }[] = [];
afterAll(async () => {
  for (const one of open) await one.close();
});

interface Setup {
  readonly tenant: SimulatedTenant;
  readonly server: SimulatorServer;
  readonly settings: Readonly<Record<string, string>>;
}

let tenants = 0;

async function setUp(options: Partial<SimulatedTenantOptions> = {}): Promise<Setup> {
  tenants += 1;
  const tenantId = `d0c70000-0000-4000-8000-0000000000${String(tenants).padStart(2, '0')}`;
  const tenant = createSimulatedTenant({ clock, devices: 30, fleet: 'healthy', roles: NEEDED, tenantId, ...options });
  const server = await createSimulatorServer({ tenant, clock });
  open.push(server);
  const settings = {
    ...settingsFor(server),
    ROTATION_MODE: 'live',
    AzureWebJobsStorage: azurite.connectionString(),
  };
  return { tenant, server, settings };
}

function storageOf({ tenant }: Setup): Storage {
  return createStorage({
    connection: connectionOf(azurite.connectionString()),
    tenantId: parseTenantId(tenant.tenantId),
    clock,
    random: createSystemRandom(),
  });
}

/** Also makes the tables, queues and containers. */
async function completeSetUp(options: Partial<SimulatedTenantOptions> = {}): Promise<Setup> {
  const setup = await setUp(options);
  await storageOf(setup).createAll();
  return setup;
}

interface Seen extends Diagnosis {
  readonly code: number | null;
  readonly tookMs: number;
  readonly of: (name: CheckName) => Check;
  readonly failed: readonly CheckName[];
}

async function doctor(settings: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Seen> {
  const startedAtMs = clock.nowMs();
  const { code, stdout, stderr } = await runCli(['doctor', '--json', ...args], settings);
  expect(stderr).toBe('');
  const diagnosis = JSON.parse(stdout) as Diagnosis;
  expect(code).toBe(diagnosis.ok ? 0 : 1);
  return {
    ...diagnosis,
    code,
    tookMs: clock.nowMs() - startedAtMs,
    of(name) {
      const found = diagnosis.checks.find((check) => check.name === name);
      if (found === undefined) throw new Error(`no check ${name}`);
      return found;
    },
    failed: diagnosis.checks.filter(({ status }) => status === 'fail').map(({ name }) => name),
  };
}

describe('doctor', () => {
  // The first of the file: Azurite is empty until something makes its tables.
  it('on an empty account names what is missing, and makes none of it', async () => {
    const { settings } = await setUp();
    for (let look = 0; look < 2; look++) {
      const { failed, of } = await doctor(settings);
      expect(failed).toEqual(['tables', 'queues', 'containers']);
      expect(of('tables').message).toBe('none of the 5 tables exists');
      expect(of('tables').action).toContain('npx keyturn plan');
      expect(of('keys').status).toBe('ok');
    }
  });

  it('on a complete setup finds nothing wrong, leaves nothing behind and asks for no rotation', async () => {
    const setup = await completeSetUp();
    const seen = await doctor(setup.settings);
    expect(seen.failed).toEqual([]);
    expect(seen.checks.filter(({ status }) => status === 'warn')).toEqual([]);
    expect(seen).toMatchObject({ ok: true, code: 0 });
    expect(setup.tenant.referee.rotationsAccepted).toBe(0);
    setup.tenant.referee.assertClean();

    const storage = storageOf(setup);
    const blobs = [];
    for await (const blob of storage.container('work').listBlobsFlat()) blobs.push(blob.name);
    expect(blobs).toEqual([]);
    const budgets = TableClient.fromConnectionString(azurite.connectionString(), 'Budgets', {
      allowInsecureConnection: true,
    });
    const filter = odata`PartitionKey eq ${`${setup.tenant.tenantId}_doctor`}`;
    for await (const row of budgets.listEntities({ queryOptions: { filter } })) expect(row).toBeUndefined();
    for (const name of ['rotation-requests', 'rotation-runs', 'encryption-states']) {
      expect((await storage.queue(name).getProperties()).approximateMessagesCount).toBe(0);
    }
  });

  it('for people shows a line each, without colours in a pipe, and the exit code says it too', async () => {
    const { settings } = await completeSetUp({ roles: [] });
    const { code, stdout, stderr } = await runCli(['doctor'], settings);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^ok {4}settings {10}/m);
    expect(stdout).toMatch(/^fail {2}roles {13}the token lacks/m);
    expect(stdout).toMatch(/→ `npx keyturn grant/);
    expect(stdout).not.toContain('\u001b');
  });

  it.each(NEEDED)('without %s names it and the command that grants it; which, once run, is enough', async (role) => {
    const { settings } = await completeSetUp({ roles: NEEDED.filter((one) => one !== role) });
    const before = await doctor(settings);
    expect(before.of('roles')).toMatchObject({ status: 'fail', message: expect.stringContaining(role) });
    const principal = /grant --principal ([0-9a-f-]{36})/.exec(before.of('roles').action ?? '')?.[1] ?? '';
    expect((await runCli(['grant', '--principal', principal], settings)).code).toBe(0);
    expect((await doctor(settings)).failed).toEqual([]);
  });

  it('with bad settings lists them all and goes on with what they leave', async () => {
    const { settings } = await completeSetUp();
    const bad = { ...settings, ROTATION_MODE: 'on', ROTATION_MAX_KEY_AGE: 'P1D', LOG_LEVELS: 'x', ROTATION_SPEED: '9' };
    const { failed, of } = await doctor(bad);
    expect(failed).toEqual(['settings']);
    const { message } = of('settings');
    for (const words of [
      'ROTATION_MODE must be one of',
      'ROTATION_MIN_KEY_AGE must be shorter',
      'ROTATION_SPEED is no setting',
    ]) {
      expect(message).toContain(words);
    }
    expect(of('mode').status).toBe('skipped');
    expect(of('quarantine').status).toBe('ok');
    expect(of('managedDevices').status).toBe('ok');
  });

  it.each([
    ['TENANT_ID', 'contoso', ['graph', 'token', 'lastRun'], ['tables', 'blobAccess']],
    ['GRAPH_CLOUD', 'usgv', ['graph', 'token', 'keys'], ['tables', 'lastRun']],
    ['AzureWebJobsStorage', 'nonsense', ['tables', 'queueAccess', 'lastRun'], ['graph', 'roles', 'keys']],
  ])('with a bad %s (%s) does not look at %j, and does at %j', async (name, value, skips, looks) => {
    const { settings } = await completeSetUp();
    const { failed, of } = await doctor({ ...settings, [name]: value });
    expect(failed).toEqual(['settings']);
    for (const one of skips) expect(of(one as CheckName)).toMatchObject({ status: 'skipped' });
    for (const one of looks) expect(of(one as CheckName)).toMatchObject({ status: 'ok' });
  });

  it('with nothing set says what is missing', async () => {
    const { failed, of } = await doctor({});
    expect(failed).toEqual(['settings']);
    expect(of('settings').message).toContain('TENANT_ID must be');
    expect(of('settings').message).toContain('AzureWebJobsStorage must be');
  });

  it('without storage ends in seconds, and shows no key', async () => {
    const { settings } = await setUp();
    const seen = await doctor({ ...settings, AzureWebJobsStorage: NO_STORAGE });
    expect(seen.failed).toEqual(['tableAccess', 'queueAccess', 'blobAccess']);
    expect(seen.of('keys').status).toBe('ok');
    expect(seen.tookMs).toBeLessThan(A_FEW_SECONDS_MS);
    expect(JSON.stringify(seen.checks)).not.toContain('Zm9v');
  });

  it('with a storage that never answers ends in seconds, too', async () => {
    const { settings } = await setUp();
    const storage = await startDoctoredStorage(azurite.connectionString(), { hang: true });
    try {
      const seen = await doctor({ ...settings, AzureWebJobsStorage: storage.connectionString });
      expect(seen.failed).toEqual(['tableAccess', 'queueAccess', 'blobAccess']);
      expect(seen.of('blobAccess').message).toContain('no answer in time');
      expect(seen.tookMs).toBeLessThan(A_FEW_SECONDS_MS);
    } finally {
      await storage.stop();
    }
  });

  const isProbe = (path: string) => /Budgets\(|\/work\/doctor|messages\//.test(path);
  const MISMATCH = 'AuthorizationPermissionMismatch';
  it.each<[string, Doctoring['refuse'], readonly CheckName[], string]>([
    ['nothing', () => MISMATCH, ['tableAccess', 'queueAccess', 'blobAccess'], 'Storage Table Data Contributor'],
    [
      'tables for reading only',
      (method, path) => (method !== 'GET' && isProbe(path) ? MISMATCH : undefined),
      ['tableAccess', 'queueAccess', 'blobAccess'],
      'Storage Table Data Contributor',
    ],
    [
      'no queue',
      (_, path) => (path.includes('rotation-') ? MISMATCH : undefined),
      ['queueAccess'],
      'Storage Queue Data Contributor',
    ],
    [
      'no deleting of messages',
      (_, path) => (path.includes('/messages/') ? MISMATCH : undefined),
      ['queueAccess'],
      'Storage Queue Data Contributor',
    ],
    [
      'no writing of blobs',
      (method, path) => (method === 'PUT' && path.startsWith('/work/') ? MISMATCH : undefined),
      ['blobAccess'],
      'Storage Blob Data Owner',
    ],
  ])('where storage allows %s names the role to assign', async (_, refuse, failed, role) => {
    const { settings } = await completeSetUp();
    const storage = await startDoctoredStorage(azurite.connectionString(), refuse === undefined ? {} : { refuse });
    try {
      const seen = await doctor({ ...settings, AzureWebJobsStorage: storage.connectionString });
      expect(seen.failed).toEqual(failed);
      expect(seen.of(failed[0] ?? 'tableAccess').message).toContain(MISMATCH);
      expect(seen.checks.map(({ action }) => action).join()).toContain(`"${role}"`);
      // No message is sent, and nothing is created.
      expect(storage.requests.filter((one) => /^POST .*\/messages|^PUT \/[^/]+\?|^POST \/Tables/.test(one))).toEqual(
        [],
      );
    } finally {
      await storage.stop();
    }
  });

  it('tells storage from Graph when one of their clocks is off', async () => {
    const { settings } = await completeSetUp({ clockSkewMs: -60_000 });
    const storage = await startDoctoredStorage(azurite.connectionString(), { aheadMs: 930_000 });
    try {
      const seen = await doctor({ ...settings, AzureWebJobsStorage: storage.connectionString });
      expect(seen.failed).toEqual(['storageClock']);
      expect(seen.of('storageClock').message).toContain('15 min ahead of');
      expect(seen.of('graphClock')).toMatchObject({ status: 'warn', message: expect.stringContaining('behind') });
    } finally {
      await storage.stop();
    }
  });

  it('without Graph ends in seconds, and the rest is looked at', async () => {
    const { settings } = await completeSetUp();
    const seen = await doctor({ ...settings, GRAPH_ENDPOINT: NOBODY });
    expect(seen.failed).toEqual(['graph']);
    expect(seen.of('lastRun').status).toBe('ok');
    expect(seen.tookMs).toBeLessThan(A_FEW_SECONDS_MS);
  });

  it('names a proxy that cannot be used, asks nobody, and ends as with any wrong setting', async () => {
    const { settings } = await setUp();
    const { failed, of } = await doctor({ ...settings, HTTPS_PROXY: '10.0.0.1:8080' });
    expect(failed).toEqual(['settings']);
    expect(of('settings').message).toContain('HTTPS_PROXY (or ALL_PROXY, or HTTP_PROXY) must be a URL');
    expect(of('tableAccess').status).toBe('skipped');
    expect(of('graph').status).toBe('skipped');
  });

  it('without a token says so, and so it does with one of another tenant', async () => {
    const { settings } = await completeSetUp();
    const none = await doctor({ ...settings, IDENTITY_ENDPOINT: `${NOBODY}/msi/token` });
    expect(none.failed).toEqual(['token']);
    expect(none.tookMs).toBeLessThan(A_FEW_SECONDS_MS);
    const other = await doctor({ ...settings, TENANT_ID: '99999999-0000-4000-8000-000000000009' });
    expect(other.failed).toEqual(['token']);
    expect(other.of('token').message).toContain('TENANT_ID is 99999999');
  });

  it('on a tenant without devices, or without one that can be rotated, fails with what to change', async () => {
    const empty = await completeSetUp({ devices: [] });
    expect((await doctor(empty.settings)).failed).toEqual(['eligibility']);
    const unencrypted = await completeSetUp({ devices: Array.from({ length: 4 }, () => ({ isEncrypted: false })) });
    const seen = await doctor(unencrypted.settings);
    expect(seen.failed).toEqual(['eligibility']);
    expect(seen.of('eligibility').action).toContain('assign a BitLocker policy');
  });

  it('sees poisoned messages, and those in quarantine', async () => {
    const setup = await completeSetUp();
    const storage = storageOf(setup);
    await storage.send('encryption-states-poison', '{}', 0);
    const entry = { id: 'x-1', queue: 'rotation-runs', reasons: ['no'], message: '{}', devices: [] };
    await storage.ledger.quarantine({ ...entry, atMs: clock.nowMs() });
    const seen = await doctor(setup.settings);
    await storage.queue('encryption-states-poison').clearMessages();
    expect(seen).toMatchObject({ ok: true });
    expect(seen.of('poison')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('encryption-states-poison (1)'),
    });
    expect(seen.of('quarantine')).toMatchObject({ status: 'warn', message: '1 message in quarantine' });
  });

  it('shows the last run', async () => {
    const { settings } = await completeSetUp();
    expect((await doctor(settings)).of('lastRun').message).toContain('no run yet');
    expect((await runCli(['plan'], settings)).code).toBe(0);
    expect((await doctor(settings)).of('lastRun').message).toMatch(/a dry run, completed/);
  });

  it('--with scripts looks at what script targets need', async () => {
    const roles = [...NEEDED, 'DeviceManagementScripts.Read.All'];
    const { settings } = await completeSetUp({ roles });
    expect((await doctor(settings)).of('spareRoles').status).toBe('warn');
    const seen = await doctor(settings, '--with', 'scripts');
    expect(seen.of('spareRoles').status).toBe('ok');
    expect(seen.of('scriptRunStates').status).toBe('ok');
  });

  it('with RECORD_TO_GRAPH needs its role', async () => {
    const { settings } = await completeSetUp();
    const { of } = await doctor({ ...settings, RECORD_TO_GRAPH: 'true' });
    expect(of('roles').message).toContain('DeviceManagementConfiguration.ReadWrite.All');
  });
});

describe('grant', () => {
  async function grantIn(directory: DirectoryBehaviour, roles: readonly string[] = []) {
    const { tenant, settings } = await setUp({ directory, roles });
    // It needs no storage.
    const { AzureWebJobsStorage: _storage, ...rest } = settings;
    const grant = (...args: readonly string[]) => runCli(['grant', ...args], rest);
    const json = async (...args: readonly string[]) => {
      const { code, stdout } = await grant(...args, '--json');
      return { code, report: JSON.parse(stdout) as GrantReport };
    };
    return { tenant, grant, json };
  }
  const ID = ['--principal', OWN_PRINCIPAL.id];

  it('says what it would do, does it, and finds it done the second time', async () => {
    const { tenant, grant, json } = await grantIn({});
    const dry = await json(...ID, '--dry-run');
    expect(dry.code).toBe(0);
    expect(dry.report.roles.map(({ outcome }) => outcome)).toEqual(['wouldAssign', 'wouldAssign', 'wouldAssign']);
    expect(tenant.rolesOf(OWN_PRINCIPAL.id)).toEqual([]);

    const { code, stdout, stderr } = await grant(...ID);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^assigned {2}BitlockerKey\.ReadBasic\.All\n {2}to read recovery-key metadata$/m);
    expect(stdout).toContain('24 hours');
    expect(stdout).toContain('npx keyturn doctor');
    expect([...tenant.rolesOf(OWN_PRINCIPAL.id)].sort()).toEqual([...NEEDED].sort());

    const again = await json(...ID);
    expect(again.code).toBe(0);
    expect(again.report.roles.map(({ outcome }) => outcome)).toEqual(['already', 'already', 'already']);
    tenant.referee.assertClean();
  });

  it('takes the application id, and features', async () => {
    const { json, tenant } = await grantIn({});
    const { code } = await json('--principal', OWN_PRINCIPAL.appId.toUpperCase(), '--with', 'scripts,recordToGraph');
    expect(code).toBe(0);
    expect(tenant.rolesOf(OWN_PRINCIPAL.id)).toHaveLength(5);
  });

  it('without permission says who may run it, with exit code 1', async () => {
    const { grant } = await grantIn({ access: 'roles' }, ['Application.Read.All', NEEDED[0] ?? '']);
    const { code, stdout } = await grant(...ID);
    expect(code).toBe(1);
    expect(stdout).toContain('already there  DeviceManagementManagedDevices.ReadWrite.All');
    expect(stdout).toContain('not reached  BitlockerKey.ReadBasic.All');
    expect(stdout).toContain('Privileged Role Administrator');
  });

  it('in a tenant whose Graph does not offer a role assigns the others, with exit code 1', async () => {
    const { json } = await grantIn({ notOffered: ['BitlockerKey.ReadBasic.All'] });
    const { code, report } = await json(...ID);
    expect(code).toBe(1);
    expect(report.roles.map(({ outcome }) => outcome)).toEqual(['assigned', 'assigned', 'notOffered']);
  });

  it('warns of roles that should not be there', async () => {
    const { grant } = await grantIn({}, [...NEEDED, 'BitlockerKey.Read.All']);
    expect((await grant(...ID)).stdout).toMatch(
      /warning: it has 1 role that Keyturn does not need:\s+BitlockerKey.Read.All/,
    );
  });

  it.each([
    [['--principal', '00000000-0000-4000-8000-000000000009'], 'has no service principal'],
    [['--principal', 'keyturn'], 'object id (principalId) or application id (clientId), a GUID'],
    [[], "required option '--principal <id>'"],
    [[...ID, '--with', 'everything'], 'one or several of scripts, recordToGraph'],
  ])('ends %j with exit code 2 and says why', async (args, words) => {
    const { grant } = await grantIn({});
    const { code, stdout, stderr } = await grant(...args);
    expect(stderr.replace(/\s+/g, ' ')).toContain(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('needs its tenant', async () => {
    const { code, stderr } = await runCli(['grant', ...ID]);
    expect(code).toBe(2);
    expect(stderr).toContain('TENANT_ID must be');
    expect(stderr).not.toContain('AzureWebJobsStorage');
  });

  it.each(['grant', 'doctor'])('%s explains itself', async (command) => {
    const { code, stdout } = await runCli([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: keyturn ${command}`);
    expect(stdout).toContain('--json');
    expect(stdout).toContain('Examples:');
  });
});
