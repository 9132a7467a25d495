import { createPipelineRequest } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { createSimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { ROOT, START_MS } from './harness.ts';

const DEVICES = 100_000;

describe('a tenant of 100,000 devices', () => {
  it('is listed, rotated at full rate and read back on a virtual clock', async () => {
    const clock = createVirtualClock(START_MS);
    const tenant = createSimulatedTenant({
      clock,
      devices: DEVICES,
      fleet: 'healthy',
      latencyMs: 100,
      historyLimit: 0,
    });
    const client = tenant.httpClient();
    let token = tenant.issueToken(ROOT);
    const send = async (method: 'GET' | 'POST', url: string): Promise<{ status: number; text: string }> => {
      if (token.expiresAtMs < clock.nowMs() + 60_000) token = tenant.issueToken(ROOT);
      const request = createPipelineRequest({ url, method });
      request.headers.set('Authorization', `Bearer ${token.token}`);
      request.headers.set('client-request-id', '11111111-2222-4333-8444-555555555555');
      request.headers.set('User-Agent', 'keyturn-test');
      const { status, bodyAsText } = await client.sendRequest(request);
      return { status, text: bodyAsText ?? '' };
    };

    await clock.run(async () => {
      const ids: string[] = [];
      for (
        let link: string | undefined = `${ROOT}/v1.0/deviceManagement/managedDevices?$select=id`;
        link !== undefined;
      ) {
        const page = JSON.parse((await send('GET', link)).text) as {
          value: { id: string }[];
          '@odata.nextLink'?: string;
        };
        ids.push(...page.value.map(({ id }) => id));
        link = page['@odata.nextLink'];
      }
      expect(new Set(ids).size).toBe(DEVICES);

      const fromMs = clock.nowMs();
      let accepted = 0;
      const flight: Promise<void>[] = [];
      for (const id of ids) {
        flight.push(
          send('POST', `${ROOT}/beta/deviceManagement/managedDevices/${id}/rotateBitLockerKeys`).then(({ status }) => {
            accepted += status === 204 ? 1 : 0;
          }),
        );
        await clock.sleep(100);
      }
      await Promise.all(flight);
      expect(accepted).toBe(DEVICES);
      expect(clock.nowMs() - fromMs).toBeLessThan(DEVICES * 100 + 1_000);
      await clock.sleep(3_600_000);
    });

    expect(tenant.truth.rotatedCount()).toBe(DEVICES);
    expect(tenant.referee.rotationsAccepted).toBe(DEVICES);
    expect(tenant.referee.classes.write).toEqual(
      expect.objectContaining({ requests: DEVICES, throttled: 0, maxInWindow: 200 }),
    );
    tenant.referee.assertClean();
  });
});
