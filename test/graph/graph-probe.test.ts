import { describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { createGraphProbe } from '../../src/graph/graph-probe.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import {
  createFakeCredential,
  createFakeHttp,
  createFakeRandom,
  GRAPH_ROOT,
  jwt,
  type Reply,
  rejection,
  START_MS,
} from './fakes.ts';

const TENANT = parseTenantId('99999999-0000-4000-8000-000000000009');

function bench(reply: Reply, token?: string) {
  const clock = createVirtualClock(START_MS);
  const http = createFakeHttp(clock, () => reply);
  const credential = createFakeCredential(clock, token === undefined ? undefined : () => token);
  const probe = createGraphProbe({
    settings: { graphRoot: GRAPH_ROOT, tenantId: TENANT },
    createCredential: () => credential,
    clock,
    random: createFakeRandom(),
    version: '1.2.3',
    httpClient: http.client,
  });
  const signal = new AbortController().signal;
  return { clock, http, credential, probe, signal };
}

describe('reaching Graph', () => {
  it.each([200, 401, 403, 500])('needs no token and no good answer: %i will do', async (status) => {
    const { clock, http, credential, probe, signal } = bench({ status, afterMs: 100 });
    const reach = await clock.run(() => probe.reach(5_000, signal));
    expect(reach).toEqual({ kind: 'reached', ahead: { leastMs: -100, mostMs: 1_000 } });
    expect(http.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET ${GRAPH_ROOT}/v1.0/`]);
    expect(http.seen[0]?.headers.authorization).toBeUndefined();
    expect(credential.asked).toEqual([]);
  });

  it('tells how far its clock is ahead at the least and at the most', async () => {
    const date = new Date(START_MS + 600_000).toUTCString();
    const { clock, probe, signal } = bench({ status: 401, headers: { date }, afterMs: 200 });
    expect(await clock.run(() => probe.reach(5_000, signal))).toEqual({
      kind: 'reached',
      ahead: { leastMs: 599_800, mostMs: 601_000 },
    });
  });

  it('does without a Date', async () => {
    const { clock, probe, signal } = bench({ status: 401, headers: { date: '' } });
    expect(await clock.run(() => probe.reach(5_000, signal))).toEqual({ kind: 'reached' });
  });

  it('takes nothing for Graph that does not number its answers', async () => {
    const { clock, probe, signal } = bench({ status: 407, headers: { 'request-id': 'squid' } });
    expect(await clock.run(() => probe.reach(5_000, signal))).toEqual({ kind: 'foreign', httpStatus: 407 });
  });

  it('is tried once, and given up in time', async () => {
    const refused = bench({ fault: 'ENOTFOUND' });
    expect(await refused.clock.run(() => refused.probe.reach(5_000, refused.signal))).toEqual({
      kind: 'unreachable',
      code: 'ENOTFOUND',
    });
    expect(refused.http.seen).toHaveLength(1);
    const silent = bench({ hang: true });
    expect(await silent.clock.run(() => silent.probe.reach(5_000, silent.signal))).toEqual({
      kind: 'unreachable',
      code: 'ETIMEDOUT',
    });
    expect(silent.clock.nowMs() - START_MS).toBe(5_000);
  });

  it('ends at once when stopped', async () => {
    const { clock, probe } = bench({ hang: true });
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    expect(await clock.run(() => rejection(probe.reach(5_000, stop.signal)))).toBe(stop.signal.reason);
  });
});

describe('the token', () => {
  const call = (clock: { nowMs(): number }, signal: AbortSignal) => ({
    priority: 'onDemand' as const,
    deadlineAtMs: clock.nowMs() + 10_000,
    signal,
  });

  it.each([
    ["an app's", { tid: TENANT, oid: 'AB', roles: ['X'] }, { objectId: 'ab', roles: ['X'], isPerson: false }],
    ["an app's without any role", { tid: TENANT, oid: 'ab' }, { objectId: 'ab', roles: [], isPerson: false }],
    ["a person's", { tid: TENANT, oid: 'ab', scp: 'X Y' }, { objectId: 'ab', roles: ['X', 'Y'], isPerson: true }],
    ['one without an object id', { tid: TENANT, roles: [] }, { roles: [], isPerson: false }],
  ])('says what it carries: %s', async (_, claims, facts) => {
    const { clock, probe, signal } = bench({}, jwt(claims));
    expect(await clock.run(() => probe.token(call(clock, signal)))).toEqual(facts);
  });

  it('may be opaque', async () => {
    const { clock, probe, signal } = bench({}, 'opaque');
    expect(await clock.run(() => probe.token(call(clock, signal)))).toBeUndefined();
  });

  it('of another tenant is refused', async () => {
    const { clock, probe, signal } = bench({}, jwt({ tid: '88888888-0000-4000-8000-000000000008' }));
    const error = await clock.run(() => rejection(probe.token(call(clock, signal))));
    expect(error).toMatchObject({ kind: 'unauthorized', message: expect.stringContaining(`TENANT_ID is ${TENANT}`) });
  });
});
