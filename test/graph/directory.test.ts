import { describe, expect, it } from 'vitest';
import type { AssignmentOutcome } from '../../src/domain/directory.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import type { CallOptions } from '../../src/domain/ports.ts';
import { createDirectory } from '../../src/graph/directory.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import {
  createFakeCredential,
  createFakeHttp,
  createFakeLogger,
  createFakePacer,
  createFakeRandom,
  errorBody,
  GRAPH_ROOT,
  PLANTED_PASSWORD,
  REQUEST_ID,
  type Reply,
  rejection,
  type Seen,
  START_MS,
} from './fakes.ts';

const PRINCIPAL = '11111111-0000-4000-8000-000000000001';
const APP = '22222222-0000-4000-8000-000000000002';
const GRAPH_SP = '33333333-0000-4000-8000-000000000003';
const ROLE = '44444444-0000-4000-8000-000000000004';
const ASSIGNMENT = { resourceId: GRAPH_SP, roleId: ROLE };

function bench(reply: (seen: Seen, n: number) => Reply, graphRoot = GRAPH_ROOT) {
  const clock = createVirtualClock(START_MS);
  const http = createFakeHttp(clock, reply);
  const budget = { limit: 200, windowMs: 20_000 };
  const credential = createFakeCredential(clock);
  const logger = createFakeLogger();
  const directory = createDirectory({
    settings: { graphRoot, budgets: { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget } },
    createCredential: () => credential,
    pacer: createFakePacer(clock),
    clock,
    random: createFakeRandom(),
    logger,
    version: '1.2.3',
    httpClient: http.client,
  });
  const options = (): CallOptions => ({
    priority: 'onDemand',
    deadlineAtMs: clock.nowMs() + 180_000,
    signal: new AbortController().signal,
  });
  return { clock, http, directory, credential, logger, options };
}

const principal = { id: PRINCIPAL, appId: APP, displayName: 'keyturn', servicePrincipalType: 'ManagedIdentity' };

describe('finding a principal', () => {
  it('asks for the object id, and takes what it finds', async () => {
    const { clock, http, directory, options } = bench(() => ({ body: principal }));
    const found = await clock.run(() => directory.findPrincipal(PRINCIPAL, options()));
    expect(found).toEqual({ id: PRINCIPAL, appId: APP, displayName: 'keyturn', type: 'ManagedIdentity' });
    expect(http.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /v1.0/servicePrincipals/${PRINCIPAL}?$select=id,appId,displayName,servicePrincipalType`,
    ]);
  });

  it('then asks for the application id, and knows when there is neither', async () => {
    const { clock, http, directory, options } = bench(({ path }) =>
      path.includes(`(appId='${APP}')`) ? { body: principal } : { status: 404, body: errorBody() },
    );
    expect((await clock.run(() => directory.findPrincipal(APP, options())))?.id).toBe(PRINCIPAL);
    expect(http.seen[1]?.path).toBe(
      `/v1.0/servicePrincipals(appId='${APP}')?$select=id,appId,displayName,servicePrincipalType`,
    );
    expect(await clock.run(() => directory.findPrincipal(ROLE, options()))).toBeUndefined();
  });

  it('does without a name and a type', async () => {
    const { clock, directory, options } = bench(() => ({ body: { id: PRINCIPAL, appId: APP, displayName: null } }));
    expect(await clock.run(() => directory.findPrincipal(PRINCIPAL, options()))).toMatchObject({
      displayName: '',
      type: '',
    });
  });

  it.each([
    ['an id that is none', { ...principal, id: 7 }, 'id'],
    ['an application id that is none', { ...principal, appId: 'app' }, 'appId'],
    ['nothing', {}, 'id'],
  ])('calls %s malformed', async (_, body, path) => {
    const { clock, directory, options } = bench(() => ({ body }));
    const error = await clock.run(() => rejection(directory.findPrincipal(PRINCIPAL, options())));
    expect(error).toMatchObject({ kind: 'malformed', message: expect.stringContaining(`malformed at ${path}`) });
  });

  it('refuses an id that would be more than one path segment, before anything is sent', async () => {
    const { clock, http, directory, options } = bench(() => ({ body: principal }));
    for (const id of ["x')/owners", 'a/b', '..', '']) {
      expect(await clock.run(() => rejection(directory.findPrincipal(id, options())))).toBeInstanceOf(Error);
    }
    expect(http.seen.filter(({ path }) => /owners|a\/b|\.\./.test(path))).toEqual([]);
  });
});

describe('what Graph offers', () => {
  it('is read from its own service principal, by its application id, in every cloud', async () => {
    const role = { id: ROLE, value: 'X.Read.All', isEnabled: true, allowedMemberTypes: ['User', 'Application'] };
    const forPeople = { id: APP, value: null, isEnabled: false, allowedMemberTypes: ['User'] };
    const root = 'https://graph.microsoft.us';
    const { clock, http, directory, options } = bench(
      () => ({ body: { id: GRAPH_SP.toUpperCase(), appRoles: [role, forPeople] } }),
      root,
    );
    expect(await clock.run(() => directory.graphApi(options()))).toEqual({
      id: GRAPH_SP,
      roles: [
        { roleId: ROLE, role: 'X.Read.All', isEnabled: true, isForApplications: true },
        { roleId: APP, role: '', isEnabled: false, isForApplications: false },
      ],
    });
    expect(http.seen[0]?.url).toBe(
      `${root}/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')?$select=id,appRoles`,
    );
  });
});

describe('assignments', () => {
  it('are read page by page', async () => {
    const next = `${GRAPH_ROOT}/v1.0/servicePrincipals/${PRINCIPAL}/appRoleAssignments?$skiptoken=x`;
    const { clock, http, directory, options } = bench((_, n) => ({
      body: {
        value: [{ resourceId: GRAPH_SP, appRoleId: n === 1 ? ROLE : APP }],
        ...(n === 1 ? { '@odata.nextLink': next } : {}),
      },
    }));
    expect(await clock.run(() => directory.roleAssignments(PRINCIPAL, options()))).toEqual([
      ASSIGNMENT,
      { resourceId: GRAPH_SP, roleId: APP },
    ]);
    expect(http.seen.map(({ url }) => url)).toEqual([
      `${GRAPH_ROOT}/v1.0/servicePrincipals/${PRINCIPAL}/appRoleAssignments`,
      next,
    ]);
  });

  it('are not followed to another host', async () => {
    const { clock, http, directory, options } = bench(() => ({
      body: { value: [], '@odata.nextLink': 'https://graph.contoso.example/v1.0/servicePrincipals' },
    }));
    const error = await clock.run(() => rejection(directory.roleAssignments(PRINCIPAL, options())));
    expect(error).toMatchObject({ kind: 'untrustedLink' });
    expect(http.seen).toHaveLength(1);
  });

  it('are asked for with exactly the three ids', async () => {
    const { clock, http, directory, options } = bench(() => ({ status: 201, body: { id: 'x' } }));
    expect(await clock.run(() => directory.assignRole(PRINCIPAL, ASSIGNMENT, options()))).toEqual({ kind: 'assigned' });
    const [sent] = http.seen;
    expect(`${sent?.method} ${sent?.path}`).toBe(`POST /v1.0/servicePrincipals/${PRINCIPAL}/appRoleAssignments`);
    expect(JSON.parse(sent?.body ?? '')).toEqual({ principalId: PRINCIPAL, resourceId: GRAPH_SP, appRoleId: ROLE });
    expect(sent?.headers['content-type']).toBe('application/json');
  });

  it.each<[string, Reply, AssignmentOutcome, number]>([
    [
      'a 400 that says so: it exists',
      { status: 400, body: errorBody('InvalidUpdate', 'Permission being assigned already exists on the object') },
      { kind: 'exists' },
      1,
    ],
    ['a 409: it exists', { status: 409, body: errorBody() }, { kind: 'exists' }, 1],
    [
      'any other 400: refused',
      { status: 400, body: errorBody('BadRequest', 'Permission being assigned was not found on application') },
      { kind: 'refused', httpStatus: 400, requestId: REQUEST_ID },
      1,
    ],
    [
      'a 404: refused',
      { status: 404, body: errorBody() },
      { kind: 'refused', httpStatus: 404, requestId: REQUEST_ID },
      1,
    ],
    [
      'a 403: asked three times, then believed',
      { status: 403, body: errorBody() },
      { kind: 'forbidden', requestId: REQUEST_ID },
      3,
    ],
    [
      'a 500: not known, and not sent again',
      { status: 500, body: errorBody() },
      { kind: 'unknown', httpStatus: 500 },
      1,
    ],
    ['a 504: not known, and not sent again', { status: 504 }, { kind: 'unknown', httpStatus: 504 }, 1],
    ['a 200: not known, since it should be a 201', { status: 200 }, { kind: 'unknown', httpStatus: 200 }, 1],
    ['a reset: not known, and not sent again', { fault: 'ECONNRESET' }, { kind: 'unknown' }, 1],
    ['silence: not known, and not sent again', { hang: true }, { kind: 'unknown' }, 1],
  ])('answered with %s', async (_, reply, outcome, requests) => {
    const { clock, http, directory, options } = bench(() => reply);
    expect(await clock.run(() => directory.assignRole(PRINCIPAL, ASSIGNMENT, options()))).toEqual(outcome);
    expect(http.seen).toHaveLength(requests);
  });

  it('are asked for again after a 429 and after the first 401, which took nothing', async () => {
    const { clock, http, directory, credential, options } = bench((_, n) =>
      n === 1 ? { status: 429, headers: { 'retry-after': '7' } } : n === 2 ? { status: 401 } : { status: 201 },
    );
    expect(await clock.run(() => directory.assignRole(PRINCIPAL, ASSIGNMENT, options()))).toEqual({ kind: 'assigned' });
    expect((http.seen[1]?.atMs ?? 0) - (http.seen[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(7_000);
    expect(credential.asked.length).toBe(2);
  });

  it('throw when Graph cannot be connected to', async () => {
    const { clock, directory, options } = bench(() => ({ fault: 'ECONNREFUSED' }));
    const error = await clock.run(() => rejection(directory.assignRole(PRINCIPAL, ASSIGNMENT, options())));
    expect(error).toMatchObject({ kind: 'unavailable' });
  });
});

it('puts nothing of an answer into an error or a log line', async () => {
  const { clock, directory, logger, options } = bench(() => ({ status: 403, body: errorBody() }));
  const error = await clock.run(() => rejection(directory.graphApi(options())));
  expect(error).toBeInstanceOf(GraphError);
  const { message, stack } = error as GraphError;
  expect(message).toContain('read service principals');
  expect(`${message}${stack}${JSON.stringify(logger.lines)}`).not.toContain(PLANTED_PASSWORD);
  expect(`${message}${stack}${JSON.stringify(logger.lines)}`).not.toContain('token-1');
});
