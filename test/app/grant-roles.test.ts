import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GrantMode, type GrantReport, grantRoles } from '../../src/app/grant-roles.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import { FEATURES, type Feature } from '../../src/graph/app-roles.ts';
import { createDirectory } from '../../src/graph/directory.ts';
import { neededRoles } from '../../src/graph/needed-roles.ts';
import { type DirectoryBehaviour, OWN_PRINCIPAL } from '../../src/simulator/entra-directory.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { createSimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createFakeLogger, createFakePacer, rejection, START_MS } from '../graph/fakes.ts';

const [DEVICES, CONFIGURATION, KEYS] = [
  'DeviceManagementManagedDevices.ReadWrite.All',
  'DeviceManagementConfiguration.Read.All',
  'BitlockerKey.ReadBasic.All',
];
const ALL = [DEVICES, CONFIGURATION, KEYS];
const ID = OWN_PRINCIPAL.id;
const POST = { method: 'POST', path: /appRoleAssignments$/ } as const;

function bench(roles: readonly string[] = [], directory: DirectoryBehaviour = {}) {
  const clock = createVirtualClock(START_MS);
  const tenant = createSimulatedTenant({ clock, devices: 1, roles, directory, latencyMs: 20, pageSize: 2 });
  const budget = { limit: 200, windowMs: 20_000 };
  const stop = new AbortController();
  const port = createDirectory({
    settings: {
      graphRoot: tenant.graphRoot,
      budgets: { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget },
    },
    createCredential: () => tenant.credential(),
    pacer: createFakePacer(clock),
    clock,
    random: createSeededRandom(3),
    logger: createFakeLogger(),
    version: '1.2.3',
    httpClient: tenant.httpClient(),
  });
  const grant = (mode: GrantMode = 'really', principal = ID, features: readonly Feature[] = ['rotation']) =>
    clock.run(() =>
      grantRoles({ directory: port, clock }, principal, neededRoles(features), mode, {
        priority: 'onDemand',
        deadlineAtMs: clock.nowMs() + 180_000,
        signal: stop.signal,
      }),
    );
  const posts = () => tenant.history.filter(({ method }) => method === 'POST');
  return { clock, tenant, grant, posts, stop };
}

const outcomes = (report: GrantReport | undefined) =>
  Object.fromEntries((report?.roles ?? []).map(({ role, outcome }) => [role, outcome]));

describe('granting', () => {
  it('assigns every role that is missing, each with its reasons, and the next token carries them', async () => {
    const { tenant, grant, posts } = bench([KEYS]);
    const report = await grant();
    expect(report).toMatchObject({ ok: true, principal: { id: ID, type: 'ManagedIdentity' }, spare: [] });
    expect(outcomes(report)).toEqual({ [DEVICES]: 'assigned', [CONFIGURATION]: 'assigned', [KEYS]: 'already' });
    expect(report?.roles[0]?.reasons).toEqual(['read managed devices', 'read action results', 'request a rotation']);
    expect(posts()).toHaveLength(2);
    expect([...tenant.rolesOf(ID)].sort()).toEqual([...ALL].sort());
    tenant.referee.assertClean();
  });

  it('twice changes nothing the second time', async () => {
    const { grant, posts } = bench();
    await grant();
    const report = await grant();
    expect(Object.values(outcomes(report))).toEqual(['already', 'already', 'already']);
    expect(report?.ok).toBe(true);
    expect(posts()).toHaveLength(3);
  });

  it('dry only says what it would do', async () => {
    const { grant, posts, tenant } = bench([DEVICES]);
    const report = await grant('dryRun');
    expect(outcomes(report)).toEqual({ [DEVICES]: 'already', [CONFIGURATION]: 'wouldAssign', [KEYS]: 'wouldAssign' });
    expect(report).toMatchObject({ ok: true, mode: 'dryRun' });
    expect(posts()).toEqual([]);
    expect(tenant.rolesOf(ID)).toEqual([DEVICES]);
  });

  it('finds the principal by its application id, and assigns to its object id', async () => {
    const { grant, tenant } = bench();
    expect((await grant('really', OWN_PRINCIPAL.appId))?.principal?.id).toBe(ID);
    expect(tenant.rolesOf(ID)).toHaveLength(3);
  });

  it('knows no principal that is none', async () => {
    const { grant, posts } = bench();
    expect(await grant('really', '00000000-0000-4000-8000-000000000009')).toBeUndefined();
    expect(posts()).toEqual([]);
  });

  it('gives another principal its own roles', async () => {
    const other = { id: '77777777-0000-4000-8000-000000000007', appId: '66666666-0000-4000-8000-000000000006' };
    const { grant, tenant } = bench([], { principals: [{ ...other, displayName: 'staging' }] });
    expect((await grant('really', other.id))?.ok).toBe(true);
    expect(tenant.rolesOf(other.id)).toHaveLength(3);
    expect(tenant.rolesOf(ID)).toEqual([]);
  });

  it.each<[Feature, string]>([
    ['scriptTargets', 'DeviceManagementScripts.Read.All'],
    ['recordToGraph', 'DeviceManagementConfiguration.ReadWrite.All'],
  ])('for %s assigns one more', async (feature, role) => {
    const { grant } = bench(ALL);
    const report = await grant('really', ID, ['rotation', feature]);
    expect(Object.entries(outcomes(report)).filter(([, outcome]) => outcome === 'assigned')).toEqual([
      [role, 'assigned'],
    ]);
  });

  it('warns of roles beyond the needed, dangerous ones first', async () => {
    const spare = ['User.Read.All', 'BitlockerKey.Read.All', 'DeviceManagementManagedDevices.PrivilegedOperations.All'];
    const { grant } = bench([...ALL, ...spare], { notOffered: [] });
    const report = await grant('dryRun');
    expect(report?.ok).toBe(true);
    expect(report?.spare.map(({ role }) => role).slice(0, 2)).toEqual([spare[1], spare[2]]);
    expect(report?.spare[0]?.danger).toContain('every recovery password');
    expect(report?.spare).toHaveLength(3);
  });
});

describe('without permission', () => {
  it('nothing can be read: nothing is reached', async () => {
    const { grant, posts } = bench(ALL, { access: 'roles' });
    const report = await grant();
    expect(report).toMatchObject({ ok: false, stopped: { because: 'forbidden' } });
    expect(report?.principal).toBeUndefined();
    expect(new Set(Object.values(outcomes(report)))).toEqual(new Set(['notReached']));
    expect(posts()).toEqual([]);
  });

  it('reading is allowed and assigning is not: says what is there and stops at the first', async () => {
    const { grant, posts } = bench(['Application.Read.All', DEVICES], { access: 'roles' });
    const report = await grant();
    expect(report).toMatchObject({ ok: false, stopped: { because: 'forbidden' }, principal: { id: ID } });
    expect(outcomes(report)).toEqual({ [DEVICES]: 'already', [CONFIGURATION]: 'notReached', [KEYS]: 'notReached' });
    // Three times for the one that is believed, and none for the next.
    expect(posts()).toHaveLength(3);
  });

  it('lost half-way: says what was assigned before', async () => {
    const { grant, tenant } = bench();
    tenant.script({ ...POST, fault: { kind: 'status', status: 403 }, skip: 1, times: 3 });
    const report = await grant();
    expect(outcomes(report)).toEqual({ [DEVICES]: 'assigned', [CONFIGURATION]: 'notReached', [KEYS]: 'notReached' });
    expect(report?.stopped?.because).toBe('forbidden');
  });

  it('an app may with the two documented roles', async () => {
    const { grant } = bench(['Application.Read.All', 'AppRoleAssignment.ReadWrite.All'], { access: 'roles' });
    expect((await grant())?.ok).toBe(true);
  });
});

describe('a role that Graph does not have for us', () => {
  it.each([
    ['is not there', { notOffered: [CONFIGURATION ?? ''] }],
    ['is disabled', { disabled: [CONFIGURATION ?? ''] }],
  ])('%s: it is left out, and the others are assigned', async (_, directory) => {
    const { grant, posts } = bench([], directory);
    const report = await grant();
    expect(outcomes(report)).toEqual({ [DEVICES]: 'assigned', [CONFIGURATION]: 'notOffered', [KEYS]: 'assigned' });
    expect(report?.ok).toBe(false);
    expect(posts()).toHaveLength(2);
  });
});

describe('an unclear answer', () => {
  it.each([
    ['the connection breaks after the effect', { kind: 'resetAfter' }],
    ['a 504 comes after the effect', { kind: 'statusAfterEffect', status: 504 }],
  ] as const)('%s: it is found in the list, and not sent again', async (_, fault) => {
    const { grant, posts, tenant } = bench();
    tenant.script({ ...POST, fault });
    const report = await grant();
    expect(report?.ok).toBe(true);
    expect(posts()).toHaveLength(3);
    expect(tenant.unusedFaults()).toEqual([]);
  });

  it.each([
    ['the connection breaks before the effect', { kind: 'resetBefore' }],
    ['a 503 comes before the effect', { kind: 'status', status: 503 }],
  ] as const)('%s: it stays not known, and is not sent again', async (_, fault) => {
    const { grant, posts, tenant } = bench();
    tenant.script({ ...POST, fault });
    const report = await grant();
    expect(outcomes(report)).toEqual({ [DEVICES]: 'unknown', [CONFIGURATION]: 'assigned', [KEYS]: 'assigned' });
    expect(report?.ok).toBe(false);
    expect(posts()).toHaveLength(3);
    // As it says: run again, it looks first.
    expect(outcomes(await grant())).toMatchObject({ [DEVICES]: 'assigned', [KEYS]: 'already' });
  });

  it('stays in the report when the list cannot be read afterwards', async () => {
    const { grant, tenant } = bench();
    tenant.script({ ...POST, fault: { kind: 'resetAfter' } });
    tenant.script({
      method: 'GET',
      path: /appRoleAssignments$/,
      fault: { kind: 'status', status: 503 },
      skip: 1,
      times: 20,
    });
    const report = await grant();
    expect(outcomes(report)[DEVICES ?? '']).toBe('unknown');
    expect(report?.ok).toBe(false);
  });

  it('of a list that lags is no second assignment: the 400 says that it exists', async () => {
    const { grant, clock } = bench([], { assignmentsShownAfterMs: 60_000 });
    expect((await grant())?.ok).toBe(true);
    await clock.run(() => clock.sleep(1_000));
    const report = await grant();
    expect(Object.values(outcomes(report))).toEqual(['already', 'already', 'already']);
  });
});

describe('when Graph cannot be used', () => {
  it('throws as long as nothing was assigned', async () => {
    const { grant, tenant } = bench();
    tenant.script({ fault: { kind: 'status', status: 503 }, times: 100 });
    const error = await rejection(grant());
    expect(error).toBeInstanceOf(GraphError);
    expect(error).toMatchObject({ kind: 'unavailable' });
  });

  it('reports what was assigned when it fails later', async () => {
    const { grant, tenant } = bench();
    tenant.script({ ...POST, fault: { kind: 'throttle', retryAfter: 'seconds', retryAfterMs: 3_600_000 }, skip: 1 });
    const report = await grant();
    expect(outcomes(report)).toMatchObject({ [DEVICES]: 'assigned', [CONFIGURATION]: 'notReached' });
    expect(report?.stopped?.because).toBe('unavailable');
  });

  it('does nothing once stopped', async () => {
    const { grant, posts, stop } = bench();
    stop.abort(new Error('stopped'));
    expect(await rejection(grant())).toBe(stop.signal.reason);
    expect(posts()).toEqual([]);
  });
});

it('whatever the principal has and the features are: afterwards it has what is needed, nothing is taken away, and no role is asked for twice', async () => {
  const optional = FEATURES.filter((feature) => feature !== 'rotation');
  const names = neededRoles(FEATURES).map(({ role }) => role);
  await fc.assert(
    fc.asyncProperty(fc.subarray([...names, 'User.Read.All']), fc.subarray(optional), async (has, asked) => {
      const { grant, posts, tenant } = bench(has);
      const features: readonly Feature[] = ['rotation', ...asked];
      const report = await grant('really', ID, features);
      const needed = neededRoles(features).map(({ role }) => role);
      expect(report?.ok).toBe(true);
      expect(new Set(tenant.rolesOf(ID))).toEqual(new Set([...has, ...needed]));
      expect(posts()).toHaveLength(needed.filter((role) => !has.includes(role)).length);
      tenant.referee.assertClean();
    }),
    { numRuns: 60 },
  );
});
