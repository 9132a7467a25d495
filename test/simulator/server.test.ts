import { createDefaultHttpClient, createPipelineRequest, isRestError } from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/domain/ports.ts';
import { createSimulatedTenant, type SimulatedTenantOptions } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer, type SimulatorServer } from '../../src/simulator/simulator-server.ts';
import { settingsFor } from '../../src/simulator/simulator-settings.ts';

let server: SimulatorServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Real time, and delays that end at once: nothing here waits. */
const clock: Clock = { nowMs: () => Date.now(), sleep: () => Promise.resolve() };

async function listen(options: Partial<SimulatedTenantOptions> = {}): Promise<SimulatorServer> {
  server = await createSimulatorServer({ tenant: createSimulatedTenant({ clock, devices: 50, ...options }), clock });
  return server;
}

const identityUrl = ({ identityEndpoint }: SimulatorServer, query: string): string => `${identityEndpoint}?${query}`;

describe('the server', () => {
  it('takes a rotation, and a batch with a body', async () => {
    const s = await listen({ fleet: 'healthy' });
    const headers = {
      authorization: `Bearer ${s.tenant.issueToken(s.url).token}`,
      'client-request-id': '11111111-2222-4333-8444-555555555555',
      'content-type': 'application/json',
    };
    const id = s.tenant.truth.device(0)?.managedDeviceId;
    const path = `/deviceManagement/managedDevices/${id}`;
    const rotated = await fetch(`${s.url}/beta${path}/rotateBitLockerKeys`, { method: 'POST', headers });
    expect([rotated.status, await rotated.text()]).toEqual([204, '']);
    const body = JSON.stringify({ requests: [{ id: '1', method: 'GET', url: `${path}?$select=id` }] });
    const batch = await fetch(`${s.url}/v1.0/$batch`, { method: 'POST', headers, body });
    expect((await batch.json()) as unknown).toMatchObject({ responses: [{ id: '1', status: 200, body: { id } }] });
    s.tenant.referee.assertClean();
  });

  it('resets connections after the effect when a fault says so', async () => {
    const s = await listen({ fleet: 'healthy' });
    s.tenant.script({ fault: { kind: 'resetAfter' } });
    const request = createPipelineRequest({
      url: `${s.url}/beta/deviceManagement/managedDevices/${s.tenant.truth.device(0)?.managedDeviceId}/rotateBitLockerKeys`,
      method: 'POST',
      allowInsecureConnection: true,
    });
    request.headers.set('Authorization', `Bearer ${s.tenant.issueToken(s.url).token}`);
    const failure = await createDefaultHttpClient()
      .sendRequest(request)
      .catch((error: unknown) => error);
    expect(isRestError(failure)).toBe(true);
    expect(s.tenant.referee.rotationsAccepted).toBe(1);
  });

  it('delays slow answers by its clock', async () => {
    const slept: number[] = [];
    const patient: Clock = {
      nowMs: () => Date.now(),
      sleep: (ms) => {
        slept.push(ms);
        return Promise.resolve();
      },
    };
    server = await createSimulatorServer({ tenant: createSimulatedTenant({ clock, devices: 1 }), clock: patient });
    server.tenant.script({ fault: { kind: 'slow', latencyMs: 45_000 } });
    const headers = { authorization: `Bearer ${server.tenant.issueToken(server.url).token}` };
    const response = await fetch(`${server.url}/v1.0/deviceManagement/managedDevices`, { headers });
    expect([response.status, slept]).toEqual([200, [45_000]]);
  });

  it.each([
    ['the wrong secret', 'api-version=2019-08-01&resource=r', 'wrong', 401],
    ['another version', 'api-version=2017-09-01&resource=r', undefined, 400],
    ['no resource', 'api-version=2019-08-01', undefined, 400],
  ])('gives no token for %s', async (_, query, secret, status) => {
    const s = await listen();
    const headers = { 'X-IDENTITY-HEADER': secret ?? s.identityHeader };
    expect((await fetch(identityUrl(s, query), { headers })).status).toBe(status);
    expect(s.tenant.issuedTokens).toEqual([]);
  });

  it('gives the expiry in seconds, as App Service does', async () => {
    const s = await listen();
    const headers = { 'X-IDENTITY-HEADER': s.identityHeader };
    const response = await fetch(identityUrl(s, 'api-version=2019-08-01&resource=https%3A%2F%2Fgraph.microsoft.com'), {
      headers,
    });
    const body = (await response.json()) as Record<string, string>;
    expect(Number(body.expires_on)).toBeGreaterThan(Date.now() / 1000);
    expect(body).toMatchObject({ token_type: 'Bearer', resource: 'https://graph.microsoft.com' });
  });

  it('says when its port is taken', async () => {
    const s = await listen();
    const again = createSimulatorServer({ tenant: s.tenant, clock, port: s.port });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('the settings', () => {
  const at = (speed: number, options?: Parameters<typeof settingsFor>[1]): Readonly<Record<string, string>> =>
    settingsFor(
      {
        tenant: createSimulatedTenant({ clock, devices: 1, speed }),
        url: 'http://127.0.0.1:4711',
        identityEndpoint: 'http://127.0.0.1:4711/msi/token',
        identityHeader: 'secret',
      },
      options,
    );

  it('are the contract in real time', () => {
    expect(at(1)).toEqual({
      TENANT_ID: '5eed0000-7e4a-4c1d-9b8e-0123456789ab',
      GRAPH_ENDPOINT: 'http://127.0.0.1:4711',
      IDENTITY_ENDPOINT: 'http://127.0.0.1:4711/msi/token',
      IDENTITY_HEADER: 'secret',
      GRAPH_WRITE_BUDGET: '200/PT20S',
      GRAPH_ANY_BUDGET: '2000/PT20S',
      GRAPH_KEY_BUDGET: '200/PT20S',
      GRAPH_STATE_WRITE_BUDGET: '100/PT20S',
      GRAPH_STATE_ANY_BUDGET: '1000/PT20S',
      CONFIRM_SCHEDULE: 'PT1800S,PT7200S,PT28800S,PT86400S,PT259200S,PT518400S',
      ROTATION_CANARY_WAIT: 'PT86400S',
    });
  });

  it('are divided by the speed', () => {
    expect(at(1_000, { confirmScheduleMs: [1_800_000, 7_200_000] })).toMatchObject({
      GRAPH_WRITE_BUDGET: '200/PT0.02S',
      CONFIRM_SCHEDULE: 'PT1.8S,PT7.2S',
      ROTATION_CANARY_WAIT: 'PT86.4S',
    });
  });
});
