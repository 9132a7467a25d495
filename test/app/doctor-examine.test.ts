import { describe, expect, it } from 'vitest';
import { CHECK_NAMES } from '../../src/app/doctor/check.ts';
import { parseRunId } from '../../src/domain/ids.ts';
import { StorageError } from '../../src/domain/storage-error.ts';
import { CANARY_SECRETS } from '../../src/simulator/canary-secrets.ts';
import { jwt, rejection } from '../graph/fakes.ts';
import { checkOf, doctorBench, faultyAccess, NEEDED, namesOf, STORAGE_WELL, storageWith } from './doctor-bench.ts';

const GRAPH_READS = ['managedDevices', 'recoveryKeys', 'actionResults', 'encryptionStates', 'eligibility', 'keys'];

describe('a complete setup', () => {
  it('is found to be one: nothing fails, nothing is to be warned of, and only a rotation cannot be tried', async () => {
    const { look, tenant, pacing } = doctorBench();
    const diagnosis = await look();
    expect(namesOf(diagnosis, 'fail')).toEqual([]);
    expect(namesOf(diagnosis, 'warn')).toEqual([]);
    expect(namesOf(diagnosis, 'skipped')).toEqual(['rotation']);
    expect(diagnosis.ok).toBe(true);
    expect(tenant.referee.rotationsAccepted).toBe(0);
    tenant.referee.assertClean();
    expect(pacing).toEqual(['shared']);
  });

  it('gives every check once, in a fixed order; run states of scripts only when scripts may be targets', async () => {
    const names = (await doctorBench().look()).checks.map(({ name }) => name);
    expect(names).toEqual(CHECK_NAMES.filter((name) => name !== 'scriptRunStates'));
    const scripts = { features: ['rotation', 'scriptTargets'], scripts: [] } as const;
    const diagnosis = await doctorBench({ ...scripts, roles: [...NEEDED, 'DeviceManagementScripts.Read.All'] }).look();
    expect(diagnosis.checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
    expect(checkOf(diagnosis, 'scriptRunStates')).toMatchObject({ status: 'ok' });
  });

  it('asks each endpoint in its version, and sends nothing but reads', async () => {
    const { look, tenant } = doctorBench();
    await look();
    const asked = tenant.history.filter(({ path }) => path !== '/$batch');
    expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(new Set(asked.map(({ version, path }) => `${version} ${path.split('/')[2] ?? ''}`))).toEqual(
      new Set(['v1.0 ', 'v1.0 managedDevices', 'v1.0 bitlocker', 'beta managedDeviceEncryptionStates']),
    );
  });

  it('says what to do with every warning and every failure, whatever is wrong', async () => {
    const benches = [
      doctorBench({ roles: [] }),
      doctorBench({ storage: storageWith('Table', faultyAccess('unreachable', 'ECONNREFUSED')) }),
      doctorBench({ devices: [], settings: { ROTATION_CANARY_DEVICES: '0', ROTATION_MODE: 'off' } }),
      doctorBench({ clockSkewMs: 600_000 }),
    ];
    for (const bench of benches) {
      const { checks } = await bench.look();
      const silent = checks.filter(
        ({ status, action = '' }) => (status === 'fail' || status === 'warn') && action === '',
      );
      expect(silent).toEqual([]);
    }
  });

  it('shows nothing of what answers hold', async () => {
    const { look, tenant } = doctorBench({ plantSecrets: true, roles: [] });
    const text = JSON.stringify(await look());
    for (const secret of [...CANARY_SECRETS, ...tenant.issuedTokens]) expect(text).not.toContain(secret);
  });
});

describe('the token', () => {
  it.each(NEEDED)(
    'lacks %s: fails by name, with the reason, the command that grants it, and the cache',
    async (role) => {
      const { look } = doctorBench({ roles: NEEDED.filter((one) => one !== role) });
      const diagnosis = await look();
      const check = checkOf(diagnosis, 'roles');
      expect(check).toMatchObject({ status: 'fail', message: expect.stringContaining(`${role} (to `) });
      expect(check.action).toContain('npx keyturn grant --principal 5eed0000-0000-4000-8000-00000000001d');
      expect(check.action).toContain('24 hours');
      expect(diagnosis.ok).toBe(false);
    },
  );

  it.each([
    [
      'DeviceManagementManagedDevices.ReadWrite.All',
      ['managedDevices'],
      ['actionResults', 'encryptionStates', 'eligibility', 'keys'],
    ],
    ['BitlockerKey.ReadBasic.All', ['recoveryKeys'], ['keys']],
    ['DeviceManagementConfiguration.Read.All', ['encryptionStates'], []],
  ])('without %s Graph refuses %j as well, and what rests on it is not looked at', async (role, refused, skipped) => {
    const { look } = doctorBench({ roles: NEEDED.filter((one) => one !== role) });
    const diagnosis = await look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['roles', ...refused]);
    expect(namesOf(diagnosis, 'skipped').filter((name) => name !== 'rotation')).toEqual(skipped);
    expect(checkOf(diagnosis, refused[0] as 'recoveryKeys').action).toContain('24 h');
  });

  it('may carry a broader role instead: a warning', async () => {
    const roles = [
      'DeviceManagementManagedDevices.ReadWrite.All',
      'DeviceManagementConfiguration.ReadWrite.All',
      'BitlockerKey.ReadBasic.All',
    ];
    const diagnosis = await doctorBench({ roles }).look();
    expect(diagnosis.ok).toBe(true);
    expect(namesOf(diagnosis, 'warn')).toEqual(['roles', 'spareRoles']);
  });

  it('must not be able to read recovery passwords: a warning, even when it does instead of the right role', async () => {
    const roles = [...NEEDED.filter((role) => role !== 'BitlockerKey.ReadBasic.All'), 'BitlockerKey.Read.All'];
    const diagnosis = await doctorBench({ roles }).look();
    expect(checkOf(diagnosis, 'spareRoles')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('BitlockerKey.Read.All (can read every recovery password'),
    });
    expect(checkOf(diagnosis, 'roles').status).toBe('warn');
    expect(diagnosis.ok).toBe(true);
  });

  it.each([
    ['recordToGraph', 'DeviceManagementConfiguration.ReadWrite.All'],
    ['scriptTargets', 'DeviceManagementScripts.Read.All'],
  ] as const)('needs one more for %s', async (feature, role) => {
    const check = checkOf(await doctorBench({ features: ['rotation', feature] }).look(), 'roles');
    expect(check.message).toContain(role);
    expect(check.status).toBe(feature === 'recordToGraph' ? 'fail' : 'warn');
  });

  it('is not there: what rests on it is not looked at, everything else is', async () => {
    const diagnosis = await doctorBench({ token: () => undefined }).look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['token']);
    expect(namesOf(diagnosis, 'skipped')).toEqual([
      'roles',
      'spareRoles',
      ...GRAPH_READS.slice(0, 4),
      'rotation',
      'eligibility',
      'keys',
    ]);
    expect(checkOf(diagnosis, 'graph').status).toBe('ok');
    expect(checkOf(diagnosis, 'lastRun').status).toBe('ok');
    expect(checkOf(diagnosis, 'keys').message).toContain('"token"');
  });

  it('is of another tenant: says so', async () => {
    const other = jwt({ tid: '99999999-0000-4000-8000-000000000009', roles: NEEDED });
    const check = checkOf(await doctorBench({ token: () => other }).look(), 'token');
    expect(check).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('99999999-0000-4000-8000-000000000009'),
      action: expect.stringContaining('correct the setting'),
    });
  });

  it('cannot be read: warns, and lets the requests tell', async () => {
    const diagnosis = await doctorBench({ token: () => 'opaque' }).look();
    expect(checkOf(diagnosis, 'token').status).toBe('warn');
    // The simulated tenant takes only tokens it can read.
    expect(checkOf(diagnosis, 'managedDevices')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('401'),
    });
  });

  it("is a person's: says that it is not the app's, and proposes to grant that person nothing", async () => {
    const person = (token: string) => {
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
      return jwt({ ...claims, roles: NEEDED.slice(1), scp: 'User.Read' });
    };
    const diagnosis = await doctorBench({ token: person }).look();
    expect(checkOf(diagnosis, 'token')).toMatchObject({ status: 'warn', message: expect.stringContaining("person's") });
    expect(checkOf(diagnosis, 'roles').action).not.toContain('grant --principal');
    expect(checkOf(diagnosis, 'spareRoles').status).toBe('skipped');
  });
});

describe('Graph', () => {
  const failing = (code: string) => ({
    sendRequest: () => Promise.reject(Object.assign(new Error('no'), { code })),
  });

  it('cannot be reached: told within seconds, and nothing is asked of it', async () => {
    const { look, clock } = doctorBench({ http: failing('ECONNREFUSED') });
    const startMs = clock.nowMs();
    const diagnosis = await look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['graph']);
    expect(checkOf(diagnosis, 'graph').message).toContain('ECONNREFUSED');
    for (const name of GRAPH_READS) expect(checkOf(diagnosis, name as 'keys').status).toBe('skipped');
    expect(clock.nowMs() - startMs).toBeLessThan(6_000);
  });

  it('never answers: told within seconds', async () => {
    const { look, clock } = doctorBench({ http: { sendRequest: () => new Promise(() => undefined) } });
    const startMs = clock.nowMs();
    expect(checkOf(await look(), 'graph').message).toContain('ETIMEDOUT');
    expect(clock.nowMs() - startMs).toBeLessThan(6_000);
  });

  it.each([
    [0, 'ok'],
    [4_000, 'ok'],
    [-4_000, 'ok'],
    [30_000, 'warn'],
    [-30_000, 'warn'],
    [600_000, 'fail'],
    [-600_000, 'fail'],
  ])('is %i ms ahead: %s', async (clockSkewMs, status) => {
    const check = checkOf(await doctorBench({ clockSkewMs }).look(), 'graphClock');
    expect(check.status).toBe(status);
    if (status !== 'ok') expect(check.message).toContain(clockSkewMs > 0 ? 'ahead of' : 'behind');
  });

  it('is down behind its door: each read says so, and the rest goes on', async () => {
    const { look, tenant } = doctorBench();
    tenant.script({ path: /recoveryKeys$/, fault: { kind: 'status', status: 503 }, times: 50 });
    const diagnosis = await look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['recoveryKeys']);
    expect(checkOf(diagnosis, 'keys').message).toContain('"recoveryKeys"');
    expect(checkOf(diagnosis, 'eligibility').status).toBe('ok');
  });

  it('throttles for longer than anybody waits: a warning', async () => {
    const { look, tenant } = doctorBench();
    const fault = { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: 600_000 } as const;
    tenant.script({ path: /managedDevices$/, fault });
    const diagnosis = await look();
    expect(checkOf(diagnosis, 'managedDevices').status).toBe('warn');
    expect(diagnosis.ok).toBe(true);
  });
});

describe('storage', () => {
  it.each([
    ['Table', 'tableAccess', 'Storage Table Data Contributor'],
    ['Queue', 'queueAccess', 'Storage Queue Data Contributor'],
    ['Blob', 'blobAccess', 'Storage Blob Data Owner'],
  ] as const)('refuses %s: names the role to assign', async (service, name, role) => {
    const diagnosis = await doctorBench({
      storage: storageWith(service, faultyAccess('forbidden', 'AuthorizationPermissionMismatch')),
    }).look();
    expect(namesOf(diagnosis, 'fail')).toEqual([name]);
    expect(checkOf(diagnosis, name).action).toContain(`"${role}"`);
  });

  it.each([
    ['unreachable', 'ENOTFOUND'],
    ['forbidden', 'KeyBasedAuthenticationNotPermitted'],
    ['forbidden', ''],
    ['other', 'InvalidInput'],
  ] as const)('%s (%s): passes on what the error advises', async (kind, code) => {
    const diagnosis = await doctorBench({ storage: storageWith('Queue', faultyAccess(kind, code)) }).look();
    expect(checkOf(diagnosis, 'queueAccess')).toMatchObject({ status: 'fail', action: 'do something' });
    expect(checkOf(diagnosis, 'poison')).toMatchObject({ status: 'skipped' });
  });

  it('is down: Graph is looked at all the same, with a quota of its own', async () => {
    const { look, pacing } = doctorBench({
      storage: storageWith('Table', faultyAccess('unreachable', 'ECONNREFUSED')),
    });
    const diagnosis = await look();
    expect(checkOf(diagnosis, 'keys').status).toBe('ok');
    expect(pacing).toEqual(['own']);
    expect(namesOf(diagnosis, 'skipped')).toEqual(['tables', 'rotation', 'lastRun', 'quarantine']);
  });

  it('lacks a table: names it, and does not call the ones that are there wrong', async () => {
    const storage = storageWith('Table', { missing: ['Quarantine'] });
    const check = checkOf(await doctorBench({ storage }).look(), 'tables');
    expect(check).toMatchObject({ status: 'fail', message: '1 table missing: Quarantine' });
  });

  it('is empty: access is not tried, and the missing ones are the reason', async () => {
    const { wanted } = STORAGE_WELL.services.Table;
    const storage = storageWith('Table', { missing: wanted, access: { kind: 'untried' } });
    const diagnosis = await doctorBench({ storage }).look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['tables']);
    expect(checkOf(diagnosis, 'tableAccess').message).toContain('"tables"');
    expect(checkOf(diagnosis, 'lastRun').message).toContain('"tables"');
  });

  it.each([
    [1_000, 'ok'],
    [-60_000, 'warn'],
    [301_000, 'fail'],
  ])('has a clock %i ms ahead: %s', async (aheadMs, status) => {
    const diagnosis = await doctorBench({ storage: { ...STORAGE_WELL, aheadMs } }).look();
    expect(checkOf(diagnosis, 'storageClock').status).toBe(status);
  });

  it.each([
    ['key', 'warn'],
    ['signature', 'warn'],
    ['emulator', 'ok'],
    ['identity', 'ok'],
  ] as const)('is signed in to with %s: %s', async (signIn, status) => {
    const change: NonNullable<Parameters<typeof doctorBench>[0]>['change'] = (deps) =>
      deps.storage === undefined ? deps : { ...deps, storage: { ...deps.storage, signIn } };
    expect(checkOf(await doctorBench({ change }).look(), 'storageIdentity').status).toBe(status);
  });

  it('fails while the ledger is read: says so instead of falling over', async () => {
    const { look, ledger } = doctorBench({
      change: (deps) =>
        deps.storage === undefined
          ? deps
          : {
              ...deps,
              storage: {
                ...deps.storage,
                ledger: {
                  ...ledger,
                  listRuns: () => {
                    throw new StorageError('unreachable', 'Azure Table Storage (Runs) is busy: try again later');
                  },
                },
              },
            },
    });
    expect(checkOf(await look(), 'lastRun')).toMatchObject({ status: 'fail', action: 'try again later' });
  });
});

describe('the settings', () => {
  const problem = { name: 'ROTATION_MODE', rule: 'must be one of dryRun, live, off', given: '"on"' };

  it('are wrong: every problem is told, and what does not rest on them is looked at', async () => {
    const other = { name: 'LOG_LEVEL', rule: 'must be one of debug, info', given: '"loud"' };
    const diagnosis = await doctorBench({ change: (deps) => ({ ...deps, problems: [problem, other] }) }).look();
    const { message } = checkOf(diagnosis, 'settings');
    for (const { name, rule, given } of [problem, other]) expect(message).toContain(`${name} ${rule}; given: ${given}`);
    expect(checkOf(diagnosis, 'mode').status).toBe('skipped');
    expect(checkOf(diagnosis, 'keys').status).toBe('ok');
  });

  it('do not tell the tenant: storage is looked at, Graph and ledger are not', async () => {
    const diagnosis = await doctorBench({
      change: ({ settings: _settings, graph: _graph, ...deps }) => ({
        ...deps,
        problems: [{ ...problem, name: 'TENANT_ID' }],
        ...(deps.storage === undefined ? {} : { storage: { signIn: 'identity', probe: deps.storage.probe } }),
      }),
    }).look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['settings']);
    expect(namesOf(diagnosis, 'ok')).toEqual([
      ...['storageIdentity', 'tableAccess', 'tables', 'queueAccess', 'queues', 'blobAccess', 'containers'],
      ...['storageClock', 'poison'],
    ]);
  });

  it('do not tell the storage: Graph is looked at', async () => {
    const diagnosis = await doctorBench({
      change: ({ storage: _storage, ...deps }) => ({
        ...deps,
        problems: [{ ...problem, name: 'AzureWebJobsStorage' }],
      }),
    }).look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['settings']);
    expect(checkOf(diagnosis, 'eligibility').status).toBe('ok');
    expect(checkOf(diagnosis, 'tables').message).toContain('"settings"');
  });

  it.each([
    ['live', 'ok'],
    ['dryRun', 'warn'],
    ['off', 'warn'],
  ])('ROTATION_MODE %s: %s, and said', async (mode, status) => {
    const check = checkOf(await doctorBench({ settings: { ROTATION_MODE: mode } }).look(), 'mode');
    expect(check).toMatchObject({ status, message: expect.stringContaining(mode) });
  });

  it('turn the canary off: a warning', async () => {
    const diagnosis = await doctorBench({ settings: { ROTATION_CANARY_DEVICES: '0' } }).look();
    expect(checkOf(diagnosis, 'canary').status).toBe('warn');
  });
});

describe('the fleet', () => {
  it('is empty: fails, and what needs a device is not looked at', async () => {
    const diagnosis = await doctorBench({ devices: [] }).look();
    expect(namesOf(diagnosis, 'fail')).toEqual(['eligibility']);
    expect(checkOf(diagnosis, 'eligibility').message).toContain('no Windows device');
    expect(namesOf(diagnosis, 'skipped')).toEqual(['actionResults', 'encryptionStates', 'rotation', 'keys']);
  });

  it('has no device that can be asked: fails with the reasons, most common first, and what to do about them', async () => {
    const devices = [
      ...Array.from({ length: 3 }, () => ({ isEncrypted: false })),
      ...Array.from({ length: 2 }, () => ({ lastSyncAgoMs: 90 * 86_400_000 })),
      { osVersion: '10.0.17763.1' },
    ];
    const diagnosis = await doctorBench({ devices }).look();
    const { status, message, action } = checkOf(diagnosis, 'eligibility');
    expect(status).toBe('fail');
    expect(message).toMatch(
      /none of 6 devices.*3 not encrypted, says Intune \(notEncrypted\), 2 .*notSeenRecently.* and 1 .*osTooOld/,
    );
    expect(action).toContain('assign a BitLocker policy');
    // One of them is asked about all the same.
    expect(checkOf(diagnosis, 'actionResults').status).toBe('ok');
    expect(checkOf(diagnosis, 'keys').status).toBe('skipped');
  });

  it('may have some further down: only a warning, when not all were read', async () => {
    const devices = Array.from({ length: 6 }, () => ({ isEncrypted: false }));
    const check = checkOf(await doctorBench({ devices, pageSize: 3 }).look(), 'eligibility');
    expect(check).toMatchObject({ status: 'warn', message: expect.stringContaining('the first 3 devices') });
  });

  it('can be asked for the lesser part only: a warning', async () => {
    const devices = [{}, ...Array.from({ length: 3 }, () => ({ enrollmentType: 'userEnrollment' }))];
    const check = checkOf(await doctorBench({ devices }).look(), 'eligibility');
    expect(check).toMatchObject({ status: 'warn', message: expect.stringContaining('1 of 4 devices') });
  });

  it('respects ROTATION_EXCLUDE', async () => {
    const { look } = doctorBench({ settings: { ROTATION_EXCLUDE: '*' } });
    expect(checkOf(await look(), 'eligibility').message).toContain('named by ROTATION_EXCLUDE (excluded)');
  });

  it('has no keys in escrow: names the policy that is missing', async () => {
    const devices = Array.from({ length: 5 }, () => ({ osKeys: 0 }));
    const check = checkOf(await doctorBench({ devices }).look(), 'keys');
    expect(check).toMatchObject({ status: 'warn', message: expect.stringContaining('5 have no key') });
    expect(check.action).toContain('client-driven recovery password rotation');
  });

  it('has a device near the cap: a warning', async () => {
    const devices = [{}, {}, { osKeys: 185 }];
    const check = checkOf(await doctorBench({ devices }).look(), 'keys');
    expect(check).toMatchObject({ status: 'warn', message: expect.stringContaining('1 near the cap') });
  });

  it('is counted by what a run would do', async () => {
    const devices = [{ keyAgeDays: 100 }, { keyAgeDays: 100 }, { keyAgeDays: 30 }, { keyAgeDays: 1 }];
    expect(checkOf(await doctorBench({ devices }).look(), 'keys').message).toContain(
      'of 4 devices that can be asked, 2 are due',
    );
  });
});

describe('messages nobody could act on', () => {
  it('in a poison queue: a warning with the queue and the number', async () => {
    const storage = { ...STORAGE_WELL, depths: { 'rotation-runs': 4, 'rotation-runs-poison': 2 } };
    const check = checkOf(await doctorBench({ storage }).look(), 'poison');
    expect(check).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('2 messages in rotation-runs-poison (2)'),
    });
  });

  it('in quarantine: a warning with the commands', async () => {
    const { look, ledger, clock } = doctorBench();
    const entry = { queue: 'rotation-runs', reasons: ['no'], message: '{}', devices: [], atMs: clock.nowMs() };
    await ledger.quarantine({ ...entry, id: 'one' });
    await ledger.quarantine({ ...entry, id: 'two', runId: parseRunId('r') });
    const check = checkOf(await look(), 'quarantine');
    expect(check).toMatchObject({ status: 'warn', message: '2 messages in quarantine' });
    expect(check.action).toContain('npx keyturn requeue');
  });
});

it('stops when it is told to', async () => {
  const stop = new AbortController();
  stop.abort(new Error('stopped'));
  const { look } = doctorBench();
  expect(await rejection(look(stop.signal))).toBe(stop.signal.reason);
});
