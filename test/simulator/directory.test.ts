import { describe, expect, it } from 'vitest';
import { GRAPH_APP_ID, OWN_PRINCIPAL } from '../../src/simulator/entra-directory.ts';
import { createHarness, type Json, ROOT } from './harness.ts';

const ROLE = 'dc377aa6-52d8-4e23-b271-2a7ae04cedf3';
const ASSIGNMENTS = `/v1.0/servicePrincipals/${OWN_PRINCIPAL.id}/appRoleAssignments`;
const GRAPH = `/v1.0/servicePrincipals(appId='${GRAPH_APP_ID}')`;

const rolesIn = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { roles: string[]; oid: string })
    .roles;

function tenant(options: Partial<Parameters<typeof createHarness>[0]> = {}) {
  const harness = createHarness({ devices: 1, roles: ['BitlockerKey.ReadBasic.All'], ...options });
  const graphId = () => String(harness.get(`${GRAPH}?$select=id`).body.id);
  const assign = (change: Record<string, unknown> = {}) =>
    harness.send('POST', ASSIGNMENTS, {
      body: { principalId: OWN_PRINCIPAL.id, resourceId: graphId(), appRoleId: ROLE, ...change },
    });
  return { ...harness, assign, graphId };
}

describe('service principals', () => {
  it('are found by object id and by application id, and are not there otherwise', () => {
    const { get } = tenant();
    const byId = get(`/v1.0/servicePrincipals/${OWN_PRINCIPAL.id}?$select=id,appId,servicePrincipalType`).body;
    expect(byId).toEqual({ id: OWN_PRINCIPAL.id, appId: OWN_PRINCIPAL.appId, servicePrincipalType: 'ManagedIdentity' });
    expect(get(`/v1.0/servicePrincipals(appId='${OWN_PRINCIPAL.appId}')`).body.id).toBe(OWN_PRINCIPAL.id);
    expect(get(`/v1.0/servicePrincipals/${OWN_PRINCIPAL.appId}`).status).toBe(404);
    expect(get(`/v1.0/servicePrincipals(appId='${OWN_PRINCIPAL.id}')`).status).toBe(404);
  });

  it('of Graph offers roles by name and id, for applications', () => {
    const { get } = tenant({ directory: { notOffered: ['AuditLog.Read.All'], disabled: ['BitlockerKey.Read.All'] } });
    const roles = get(`${GRAPH}?$select=id,appRoles`).body.appRoles as unknown as readonly Json[];
    const of = (name: string) => roles.find(({ value }) => String(value) === name);
    expect(of('DeviceManagementConfiguration.Read.All')).toMatchObject({
      id: ROLE,
      isEnabled: true,
      allowedMemberTypes: ['Application'],
    });
    expect(of('AuditLog.Read.All')).toBeUndefined();
    expect(of('BitlockerKey.Read.All')).toMatchObject({ isEnabled: false });
  });
});

describe('an assignment', () => {
  it('is a 201, is listed, and is in the next token only', () => {
    const { assign, list, tenant: simulated } = tenant();
    const before = simulated.issueToken(ROOT).token;
    expect(assign().status).toBe(201);
    expect(list(ASSIGNMENTS).map(({ appRoleId }) => String(appRoleId))).toContain(ROLE);
    expect(rolesIn(before)).toEqual(['BitlockerKey.ReadBasic.All']);
    expect(rolesIn(simulated.issueToken(ROOT).token)).toEqual([
      'BitlockerKey.ReadBasic.All',
      'DeviceManagementConfiguration.Read.All',
    ]);
    simulated.referee.assertClean();
  });

  it('that exists is a 400 that says so', () => {
    const { assign, list } = tenant();
    assign();
    const again = assign();
    expect(again.status).toBe(400);
    expect(again.text).toContain('Permission being assigned already exists on the object');
    expect(list(ASSIGNMENTS)).toHaveLength(2);
  });

  it.each([
    ['of a role there is none of', { appRoleId: '00000000-0000-4000-8000-000000000001' }, 400],
    ['of a resource there is none of', { resourceId: '00000000-0000-4000-8000-000000000001' }, 404],
    ['for someone else than its path says', { principalId: '00000000-0000-4000-8000-000000000001' }, 400],
    ['with a property too many', { more: 'x' }, 400],
    ['with one too few', { appRoleId: undefined }, 400],
  ])('%s is refused', (_, change, status) => {
    const { assign, list } = tenant();
    expect(assign(change).status).toBe(status);
    expect(list(ASSIGNMENTS)).toHaveLength(1);
  });

  it('is listed by pages', () => {
    const roles = Array.from({ length: 7 }, (_, i) => `Made.Up.${i}`);
    const { list, tenant: simulated } = tenant({ roles, pageSize: 3 });
    expect(list(ASSIGNMENTS)).toHaveLength(7);
    expect(simulated.rolesOf(OWN_PRINCIPAL.id)).toEqual(roles);
    simulated.referee.assertClean();
  });

  it('is missing from lists for as long as they lag', async () => {
    const { assign, list, pass } = tenant({ directory: { assignmentsShownAfterMs: 60_000 } });
    assign();
    expect(list(ASSIGNMENTS)).toHaveLength(1);
    await pass(60_000);
    expect(list(ASSIGNMENTS)).toHaveLength(2);
  });

  it('needs the documented roles where the tenant is made so', () => {
    const { assign, get } = tenant({ directory: { access: 'roles' } });
    expect(get(ASSIGNMENTS).status).toBe(403);
    expect(assign({ resourceId: 'x' }).status).toBe(403);
    const reader = tenant({ directory: { access: 'roles' }, roles: ['Application.Read.All'] });
    expect(reader.get(ASSIGNMENTS).status).toBe(200);
    expect(reader.assign().status).toBe(403);
  });

  it('with query options is a violation', () => {
    const { send, tenant: simulated } = tenant();
    expect(send('POST', `${ASSIGNMENTS}?$select=id`, { body: {} }).status).toBe(400);
    expect(simulated.referee.violationCounts).toEqual({ unsupportedQueryOption: 1 });
  });
});
