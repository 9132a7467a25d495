/** In a process of its own: the identity library remembers the first endpoint it is given. */
import { createDefaultHttpClient, createPipelineRequest } from '@azure/core-rest-pipeline';
import { ManagedIdentityCredential } from '@azure/identity';
import { describe, expect, it } from 'vitest';
import { createSimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createSimulatorServer } from '../../src/simulator/simulator-server.ts';
import { createSystemClock } from '../../src/system/clock.ts';

const clock = createSystemClock();

describe('the simulated tenant', () => {
  it('answers Graph requests with a token of its identity endpoint, through the real client', async () => {
    const s = await createSimulatorServer({ tenant: createSimulatedTenant({ clock, devices: 50 }), clock });
    try {
      process.env.IDENTITY_ENDPOINT = s.identityEndpoint;
      process.env.IDENTITY_HEADER = s.identityHeader;
      const credential = new ManagedIdentityCredential();
      const token = await credential.getToken(`${s.url}/.default`);
      expect(token.expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_600_000);

      const request = createPipelineRequest({
        url: `${s.url}/v1.0/deviceManagement/managedDevices?$top=10`,
        allowInsecureConnection: true,
      });
      request.headers.set('Authorization', `Bearer ${token.token}`);
      request.headers.set('client-request-id', '11111111-2222-4333-8444-555555555555');
      const response = await createDefaultHttpClient().sendRequest(request);
      const body = JSON.parse(response.bodyAsText ?? '');
      expect([response.status, body.value.length]).toEqual([200, 10]);
      expect(body['@odata.nextLink']).toMatch(`${s.url}/v1.0/deviceManagement/managedDevices?`);
      s.tenant.referee.assertClean();
    } finally {
      await s.close();
    }
  });
});
