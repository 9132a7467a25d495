import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEntraDeviceId, parseManagedDeviceId, parseRunId, parseTenantId } from '../../src/domain/ids.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { digitsOf } from '../app/escrow/escrow-world.ts';
import { type EscrowFinished, type EscrowProcess, startEscrow } from '../cli/escrow/escrow-process.ts';
import { connectionOf, useAzurite } from '../support/azurite.ts';
import { dumpStorage } from './support/storage-dump.ts';

const clock = createSystemClock();
const azurite = useAzurite();
const servers: SimulatorServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
});
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-escrow-'));
});
afterEach(() => rm(folder, { recursive: true }));

const ROWS = 12;
const UNKNOWN_DEVICE = '99999999-0000-4000-8000-000000000098';
const POST = { method: 'POST', path: /\/recoveryKeys$/ } as const;

interface TestTenant {
  readonly tenant: SimulatedTenant;
  readonly settings: Readonly<Record<string, string>>;
  /** Called when a key is about to be written, with its number from 1. */
  onWrite(listener: (nth: number) => void): void;
}

let tenants = 0;

async function tenantOf(options: Partial<SimulatedTenantOptions> = {}): Promise<TestTenant> {
  tenants += 1;
  const tenantId = `7e570000-0000-4000-8000-0000000001${String(tenants).padStart(2, '0')}`;
  const tenant = createSimulatedTenant({ clock, devices: 40, fleet: 'healthy', speed: 100, tenantId, ...options });
  let writes = 0;
  let listener: (nth: number) => void = () => undefined;
  const watched: SimulatedTenant = {
    ...tenant,
    handle(request, timing) {
      const answer = tenant.handle(request, timing);
      if (request.method === 'POST' && POST.path.test(request.url)) {
        writes += 1;
        listener(writes);
      }
      return answer;
    },
  };
  const server = await createSimulatorServer({ tenant: watched, clock });
  servers.push(server);
  const settings = { ...settingsFor(server), AzureWebJobsStorage: azurite.connectionString() };
  return {
    tenant,
    settings,
    onWrite: (next) => {
      listener = next;
    },
  };
}

function deviceOf(tenant: SimulatedTenant, index: number): string {
  return tenant.truth.device(index)?.entraDeviceId ?? '';
}

/** One row a device; `change` spoils lines by their number from 0. */
function csvOf(tenant: SimulatedTenant, change: Readonly<Record<number, (cells: string[]) => string[]>> = {}): string {
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const cells = ['ada@contoso.com', deviceOf(tenant, i), 'fixedDataVolume', digitsOf(i)];
    return (change[i]?.(cells) ?? cells).join(',');
  });
  return `userId,deviceId,volumeType,recoveryPassword\n${rows.join('\n')}\n`;
}

/** Whatever a leak could look like: two groups in a row, however they are held together, and what is made of all eight. */
function tracesOf(digits: string): readonly string[] {
  const groups = digits.split('-');
  const forms = [digits, digits.replaceAll('-', ''), digits.replaceAll('-', ' ')];
  return [
    ...groups.slice(1).flatMap((group, i) => ['-', '', ' ', ', '].map((between) => `${groups[i]}${between}${group}`)),
    ...forms.flatMap((form) => [
      Buffer.from(form).toString('base64').slice(0, -4),
      Buffer.from(form).toString('hex'),
      ...['md5', 'sha1', 'sha256', 'sha512'].flatMap((name) => {
        const hash = createHash(name).update(form).digest();
        return [hash.toString('hex').slice(0, 24), hash.toString('base64').slice(0, 24)];
      }),
    ]),
  ];
}

const TRACES = Array.from({ length: ROWS }, (_, i) => tracesOf(digitsOf(i))).flat();

async function expectNoTrace({ stdout, stderr, listed, files }: EscrowFinished): Promise<void> {
  const places = { stdout, stderr, listed, ...files, storage: await dumpStorage(azurite.connectionString()) };
  for (const [place, text] of Object.entries(places)) {
    const found = TRACES.filter((trace) => text.toLowerCase().includes(trace.toLowerCase()));
    expect({ place, found }).toEqual({ place, found: [] });
  }
}

function idsOf(tenant: SimulatedTenant, index: number) {
  const entraDeviceId = parseEntraDeviceId(deviceOf(tenant, index));
  if (entraDeviceId === undefined) throw new Error(`device ${index} has no Entra device id`);
  return { entraDeviceId, managedDeviceId: parseManagedDeviceId(tenant.truth.device(index)?.managedDeviceId) };
}

/** What the app would know of the tenant's devices. */
function ledgerOf(tenant: SimulatedTenant): Ledger {
  const connection = connectionOf(azurite.connectionString());
  const tenantId = parseTenantId(tenant.tenantId);
  return createStorage({ connection, tenantId, clock, random: createSystemRandom() }).ledger;
}

/** How often each password arrived. */
const arrivals = (tenant: SimulatedTenant): readonly number[] =>
  Array.from(
    { length: ROWS },
    (_, i) => tenant.truth.escrowed.filter(({ keyId }) => tenant.receivedPassword(keyId) === digitsOf(i)).length,
  );
const once = Array.from({ length: ROWS }, () => 1);

const csvArgs = ['add', '--csv', '--journal', 'escrow.journal', '--json'];
const addCsv = (of: TestTenant, input: string, args: readonly string[] = csvArgs): EscrowProcess =>
  startEscrow({ args, folder, environment: of.settings, input });

const documentOf = ({ stdout }: EscrowFinished) =>
  JSON.parse(stdout) as { counts: Record<string, number>; early?: unknown; problems: { line: number }[] };

describe('what is searched for', () => {
  const digits = digitsOf(3);
  it.each([
    digits,
    digits.slice(14, 30),
    digits.replaceAll('-', ''),
    digits.replaceAll('-', ' '),
    Buffer.from(digits).toString('base64'),
    createHash('sha256').update(digits).digest('hex'),
    createHash('sha256').update(digits.replaceAll('-', '')).digest('base64'),
  ])('is found when it is there: %#', async (leak) => {
    const clean: EscrowFinished = { code: 0, stdout: '', stderr: '', listed: '', files: {} };
    await expectNoTrace(clean);
    for (const where of ['stdout', 'stderr', 'listed'] as const) {
      await expect(expectNoTrace({ ...clean, [where]: `{"x":"${leak}"}` })).rejects.toThrow(where);
    }
    await expect(expectNoTrace({ ...clean, files: { 'escrow.journal': leak } })).rejects.toThrow('escrow.journal');
  });
});

describe('escrow add --csv', () => {
  it('puts every key into escrow once, and shows no trace of any, with all logging on', async () => {
    const of = await tenantOf();
    const end = await addCsv(of, csvOf(of.tenant)).finished;
    expect(end.code).toBe(0);
    expect(documentOf(end).counts).toMatchObject({ escrowed: ROWS });
    expect(arrivals(of.tenant)).toEqual(once);
    // The logs that are searched are really there.
    expect(end.stderr).toContain('azure:');
    expect(end.stderr).toContain('graph request');
    if (process.platform === 'linux') expect(end.listed).toContain('AZURE_LOG_LEVEL');
    expect(end.files['escrow.journal']?.match(/"intent"/g)).toHaveLength(ROWS);
    await expectNoTrace(end);

    const again = await addCsv(of, csvOf(of.tenant)).finished;
    expect(again.code).toBe(0);
    expect(documentOf(again).counts).toMatchObject({ already: ROWS, escrowed: 0 });
    expect(arrivals(of.tenant)).toEqual(once);
  });

  it('reports invalid rows and those the tenant refuses, quoting neither the file nor the tenant', async () => {
    const of = await tenantOf();
    const csv = csvOf(of.tenant, {
      1: ([user = '', device = '', volume = '', password = '']) => [user, device, volume, `${password.slice(0, -1)}x`],
      3: ([user = '', device = '', , password = '']) => [user, device, password, 'fixedDataVolume'],
      5: ([, device = '', volume = '', password = '']) => [password, device, volume, password],
      7: ([user = '', , volume = '', password = '']) => [user, UNKNOWN_DEVICE, volume, password],
    });
    const end = await addCsv(of, csv).finished;
    expect(end.code).toBe(1);
    const { counts, problems } = documentOf(end);
    expect(counts).toMatchObject({ escrowed: ROWS - 4, invalid: 3, refused: 1 });
    expect(problems).toMatchObject([
      { line: 3, column: 'recoveryPassword', rule: 'group 8 is not six digits' },
      { line: 5, column: 'volumeType' },
      { line: 5, column: 'recoveryPassword' },
      { line: 7, column: 'userId' },
      { line: 9, rule: expect.stringContaining('404') },
    ]);
    await expectNoTrace(end);
  });

  it.each([405, 501, 400] as const)(
    'stops at once when the tenant answers %i, and says what else to do',
    async (escrow) => {
      const of = await tenantOf({ escrow });
      const end = await addCsv(of, csvOf(of.tenant), ['add', '--csv', '--journal', 'escrow.journal']).finished;
      expect(end.code).toBe(1);
      expect(end.stdout).toContain(`This tenant does not perform \`escrow add\` (${escrow}). Nothing was changed.`);
      expect(end.stdout).toContain('not insertable');
      expect(end.stdout).toContain('BackupToAAD-BitLockerKeyProtector');
      expect(of.tenant.referee.httpRequests).toBe(1);
      await expectNoTrace(end);
    },
  );

  it('looks for keys whose answers were lost when it is run again', async () => {
    const of = await tenantOf();
    of.tenant.script({ ...POST, fault: { kind: 'statusAfterEffect', status: 503 }, skip: 2, times: 2 });
    of.tenant.script({ ...POST, fault: { kind: 'resetAfter' }, skip: 2, times: 1 });
    of.tenant.script({ ...POST, fault: { kind: 'resetBefore' }, skip: 2, times: 1 });
    const first = await addCsv(of, csvOf(of.tenant)).finished;
    expect(first.code).toBe(1);
    expect(documentOf(first).counts).toMatchObject({ escrowed: ROWS - 4, uncertain: 4 });
    await expectNoTrace(first);
    const second = await addCsv(of, csvOf(of.tenant)).finished;
    expect(second.code).toBe(0);
    expect(documentOf(second).counts).toMatchObject({ already: ROWS - 4, found: 3, escrowed: 1 });
    expect(arrivals(of.tenant)).toEqual(once);
    await expectNoTrace(second);
  });

  it.each([1, 2, 6])('carries on where it was killed, at key %i', async (nth) => {
    const of = await tenantOf();
    const running = addCsv(of, csvOf(of.tenant));
    of.onWrite((n) => {
      if (n === nth) running.child.kill('SIGKILL');
    });
    const killed = await running.finished;
    expect(killed.code).toBeNull();
    await expectNoTrace(killed);
    const end = await addCsv(of, csvOf(of.tenant)).finished;
    expect(end.code).toBe(0);
    expect(arrivals(of.tenant)).toEqual(once);
    const { already = 0, found = 0, escrowed = 0 } = documentOf(end).counts;
    expect(found).toBeGreaterThan(0);
    expect(already + found + escrowed).toBe(ROWS);
    await expectNoTrace(end);
  });

  it('finishes what is on its way on SIGTERM, and carries on later', async () => {
    const of = await tenantOf({ throttling: { limits: { key: { limit: 4, windowMs: 200_000 } } } });
    const running = addCsv(of, csvOf(of.tenant));
    of.onWrite((n) => {
      if (n === 3) running.child.kill('SIGTERM');
    });
    const stopped = await running.finished;
    expect(stopped.code).toBe(1);
    expect(documentOf(stopped).early).toEqual({ kind: 'stopped' });
    await expectNoTrace(stopped);
    const end = await addCsv(of, csvOf(of.tenant)).finished;
    expect(end.code).toBe(0);
    expect(arrivals(of.tenant)).toEqual(once);
  });

  it('refuses the journal of another tenant, of another operation and of another file', async () => {
    const of = await tenantOf();
    await addCsv(of, csvOf(of.tenant)).finished;
    const other = await tenantOf();
    const foreign = await addCsv(other, csvOf(other.tenant)).finished;
    expect(foreign.code).toBe(2);
    expect(foreign.stderr).toContain('escrow.journal is a journal of tenant');
    const update = ['update', '--csv', '--journal', 'escrow.journal'];
    const operation = await addCsv(of, csvOf(of.tenant), update).finished;
    expect(operation.code).toBe(2);
    expect(operation.stderr).toContain('of an `escrow add`, not of an `escrow update`');
    const [header = '', , ...rest] = csvOf(of.tenant).split('\n');
    const file = await addCsv(of, [header, ...rest].join('\n'), csvArgs.slice(0, -1)).finished;
    expect(file.code).toBe(1);
    expect(file.stdout).toContain('Line 2 of the CSV is another row than in');
    expect(other.tenant.truth.escrowed).toEqual([]);
    expect(arrivals(of.tenant)).toEqual(once);
    await expectNoTrace(file);
  });

  it('sends no key for a device that a run has claimed, and sends it when the claim is gone', async () => {
    const of = await tenantOf();
    const ledger = ledgerOf(of.tenant);
    const { entraDeviceId, managedDeviceId } = idsOf(of.tenant, 2);
    const claim = { runId: parseRunId('r'), order: 0, attempt: 0, token: 't', claimedAtMs: 1, sendByMs: 2 };
    const record = { entraDeviceId, managedDeviceId, claim };
    await addCsv(of, 'userId,deviceId,volumeType,recoveryPassword\n').finished;
    expect(await ledger.writeDevices([{ record, version: undefined }])).toEqual([]);
    const words = `a rotation of this device is under way; send its key once that has settled (\`npx keyturn status --device ${entraDeviceId}\` tells)`;

    const one = ['add', '--user', 'ada@contoso.com', '--device', entraDeviceId, '--volume', 'fixedDataVolume'];
    const single = await addCsv(of, digitsOf(2), one).finished;
    expect({ code: single.code, stdout: single.stdout }).toEqual({
      code: 1,
      stdout: `The recovery key: not sent: ${words}.\n`,
    });
    const update = await addCsv(of, digitsOf(2), ['update', ...one.slice(3), '--json']).finished;
    expect(update.code).toBe(1);
    expect(JSON.parse(update.stdout)).toMatchObject({ operation: 'update', outcome: 'rotationPending' });
    const beside = await addCsv(of, csvOf(of.tenant)).finished;
    expect(beside.code).toBe(1);
    expect(documentOf(beside)).toMatchObject({ counts: { escrowed: ROWS - 1, rotationPending: 1 }, complete: true });
    expect(beside.stderr).toContain(`line 4: not sent: ${words}`);
    expect(arrivals(of.tenant)[2]).toBe(0);
    await expectNoTrace(beside);

    const version = (await ledger.readDevices([entraDeviceId])).get(entraDeviceId)?.version;
    await ledger.writeDevices([{ record: { entraDeviceId, managedDeviceId }, version }]);
    const end = await addCsv(of, csvOf(of.tenant)).finished;
    expect(end.code).toBe(0);
    expect(documentOf(end).counts).toMatchObject({ already: ROWS - 1, escrowed: 1 });
    expect(arrivals(of.tenant)).toEqual(once);
    const after = (await ledger.readDevices([entraDeviceId])).get(entraDeviceId)?.value;
    expect(after?.importedKeyIds).toEqual(
      of.tenant.truth.escrowed.filter((key) => key.entraDeviceId === entraDeviceId).map(({ keyId }) => keyId),
    );
    await expectNoTrace(end);
  });

  it('checks everything and sends nothing in a dry run, which needs neither settings nor journal', async () => {
    const { tenant } = await tenantOf();
    const input = csvOf(tenant, { 2: ([user = '', ...cells]) => [user, ...cells, 'more'] });
    const end = await startEscrow({ args: ['add', '--csv', '--dry-run'], folder, input }).finished;
    expect(end.code).toBe(1);
    expect(end.stdout).toContain('12 rows: 11 valid, 1 invalid.');
    expect(end.stderr).toContain('line 4: must have as many columns as the header, 4; it has 5');
    expect(end.files).toEqual({});
    await expectNoTrace(end);
  });

  it('takes no file without a header, and does not quote it', async () => {
    const of = await tenantOf();
    const end = await addCsv(of, csvOf(of.tenant).split('\n').slice(1).join('\n')).finished;
    expect(end.code).toBe(2);
    expect(end.stderr).toContain('the header must name userId, deviceId, volumeType, recoveryPassword');
    expect(of.tenant.truth.escrowed).toEqual([]);
    await expectNoTrace(end);
  });
});

describe('escrow update --csv', () => {
  it('changes keys, by device and volume or by id', async () => {
    const of = await tenantOf();
    const { newestKey, entraDeviceId } = of.tenant.truth.device(3) ?? {};
    const input = [
      'deviceId,volumeType,recoveryPassword,keyId',
      `${deviceOf(of.tenant, 0)},operatingSystemVolume,${digitsOf(0)},`,
      `${entraDeviceId},operatingSystemVolume,${digitsOf(1)},${newestKey?.keyId}`,
    ].join('\n');
    const end = await addCsv(of, input, ['update', '--csv', '--json']).finished;
    expect(end.code).toBe(0);
    expect(Object.keys(end.files)).toEqual(['escrow-update.journal']);
    expect(of.tenant.truth.escrowed.map(({ operation }) => operation)).toEqual(['update', 'update']);
    expect(of.tenant.receivedPassword(newestKey?.keyId ?? '')).toBe(digitsOf(1));
    await expectNoTrace(end);
  });
});

describe('escrow add and update of one key', () => {
  const about = (tenant: SimulatedTenant, volume = 'fixedDataVolume') => [
    '--device',
    deviceOf(tenant, 0),
    '--volume',
    volume,
  ];

  it('takes the password from standard input', async () => {
    const of = await tenantOf();
    const args = ['add', '--user', 'ada@contoso.com', ...about(of.tenant)];
    const end = await addCsv(of, `${digitsOf(0)}\n`, args).finished;
    expect(end.code).toBe(0);
    const [key] = of.tenant.truth.escrowed;
    expect(end.stdout).toContain(`is in escrow as ${key?.keyId}, created `);
    expect(key).toMatchObject({ operation: 'add', userId: 'ada@contoso.com', volume: 'fixedDataVolume' });
    await expectNoTrace(end);

    const update = await addCsv(of, digitsOf(1), ['update', ...about(of.tenant), '--json']).finished;
    expect(update.code).toBe(0);
    expect(JSON.parse(update.stdout)).toMatchObject({ operation: 'update', outcome: 'escrowed', keyId: key?.keyId });
    expect(of.tenant.receivedPassword(key?.keyId ?? '')).toBe(digitsOf(1));
    await expectNoTrace(update);
  });

  it.each([
    ['405', { escrow: 405 }, 'does not perform `escrow add` (405)', undefined],
    ['403', { escrowRole: 'Some.Role' }, 'leave open which permission it takes', undefined],
    ['404', {}, 'the tenant refused it (404)', UNKNOWN_DEVICE],
  ] as const)(
    'ends with exit code 1 on %s and shows nothing of the answer',
    async (_status, options, words, device) => {
      const of = await tenantOf(options);
      const args = ['add', '--user', 'ada@contoso.com', '--volume', 'fixedDataVolume', '--device'];
      const end = await addCsv(of, digitsOf(0), [...args, device ?? deviceOf(of.tenant, 0)]).finished;
      expect(end.code).toBe(1);
      expect(end.stdout).toContain(words);
      await expectNoTrace(end);
    },
  );

  it.each([
    [['add', digitsOf(0)], 'too many arguments'],
    [['add', ...digitsOf(0).split('-')], 'too many arguments'],
    [['add', '--password', digitsOf(0)], "unknown option '--password'"],
    [['add', `--password=${digitsOf(0)}`], 'unknown option'],
    [['add', '--device', digitsOf(0)], 'is invalid'],
    [['add', '--user', 'a', '--volume', digitsOf(0)], 'is invalid'],
    [[digitsOf(0)], 'unknown command'],
  ])('refuses a password given as an argument without repeating it: %#', async (args, words) => {
    const end = await startEscrow({ args, folder, input: '' }).finished;
    expect(end.code).toBe(2);
    expect(end.stderr).toContain(words);
    expect(end.stderr).toContain('a recovery password is read from standard input only');
    await expectNoTrace({ ...end, listed: '' });
  });

  it.each([
    [['add', '--volume', 'fixedDataVolume'], '--user, --device must be given, or --csv for many keys'],
    [['update'], '--device, --volume must be given'],
    [
      ['add', '--csv', '--user', 'a', '--key-id', '33333333-0000-4000-8000-000000000001'],
      'With --csv, --user, --key-id',
    ],
    [['update', '--journal', 'x'], '--journal is for --csv only'],
  ])('ends %j with exit code 2 and says why', async (args, words) => {
    const end = await startEscrow({ args, folder, input: digitsOf(0) }).finished;
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toContain(words);
  });
});
