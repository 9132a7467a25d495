import { describe, expect, it } from 'vitest';
import { createHarness, type Harness, type Json, START_MS } from './harness.ts';

interface Part {
  readonly id: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Json;
}

const parts = (answer: { readonly body: Json }): readonly Part[] => answer.body.responses as unknown as Part[];
const reads = (harness: Harness, count: number): unknown[] =>
  Array.from({ length: count }, (_, i) => ({
    id: String(i),
    method: 'GET',
    url: `/deviceManagement/managedDevices/${harness.tenant.truth.device(i)?.managedDeviceId}?$select=id`,
  }));

describe('a batch', () => {
  it('answers every part under its id, in an order of its own', () => {
    const harness = createHarness({ devices: 20, fleet: 'healthy' });
    const answer = harness.batch('v1.0', reads(harness, 20));
    expect(answer.status).toBe(200);
    const ids = parts(answer).map(({ id }) => id);
    expect(ids).not.toEqual(ids.toSorted((a, b) => Number(a) - Number(b)));
    for (const { id, status, body } of parts(answer)) {
      expect(status).toBe(200);
      expect(body?.id).toBe(harness.tenant.truth.device(Number(id))?.managedDeviceId);
    }
    harness.tenant.referee.assertClean();
    expect(harness.tenant.referee.httpRequests).toBe(1);
    expect(harness.tenant.referee.classes.any.requests).toBe(20);
    expect(harness.tenant.history).toHaveLength(21);
  });

  it('counts part by part and throttles part by part, each with its own Retry-After', () => {
    const limits = { any: { limit: 12, windowMs: 20_000 } };
    const harness = createHarness({ devices: 20, fleet: 'healthy', throttling: { limits } });
    const answer = harness.batch('v1.0', reads(harness, 20));
    expect(answer.status).toBe(200);
    expect(answer.headers['retry-after']).toBeUndefined();
    const throttled = parts(answer).filter(({ status }) => status === 429);
    expect(throttled).toHaveLength(8);
    for (const { headers } of throttled) expect(headers['Retry-After']).toBe('20');
    expect(harness.tenant.referee.classes.any).toEqual(
      expect.objectContaining({ requests: 20, throttled: 8, maxInWindow: 20, firstAtMs: START_MS }),
    );
  });

  it('takes rotations in beta and reads a query that is not encoded', () => {
    const harness = createHarness({ devices: [{ osKeys: 2 }] });
    const { managedDeviceId, entraDeviceId } = harness.tenant.truth.device(0) ?? {};
    const rotation = {
      id: 'r',
      method: 'POST',
      url: `/deviceManagement/managedDevices/${managedDeviceId}/rotateBitLockerKeys`,
    };
    expect(parts(harness.batch('beta', [rotation]))).toEqual([{ id: 'r', status: 204, headers: {} }]);
    const keys = {
      id: 'k',
      method: 'GET',
      url: `/informationProtection/bitlocker/recoveryKeys?$filter=deviceId eq '${entraDeviceId}'`,
    };
    expect(parts(harness.batch('v1.0', [keys]))[0]?.body?.value).toHaveLength(2);
    harness.tenant.referee.assertClean();
  });

  it('gives dependants of a failed part 424', () => {
    const harness = createHarness({ devices: 1, fleet: 'healthy' });
    const url = '/deviceManagement/managedDevices';
    const answer = harness.batch('v1.0', [
      { id: 'a', method: 'GET', url: `${url}/11111111-2222-4333-8444-555555555555` },
      { id: 'b', method: 'GET', url, dependsOn: ['a'] },
      { id: 'c', method: 'GET', url, dependsOn: ['b'] },
      { id: 'd', method: 'GET', url },
    ]);
    expect(Object.fromEntries(parts(answer).map(({ id, status }) => [id, status]))).toEqual({
      a: 404,
      b: 424,
      c: 424,
      d: 200,
    });
  });

  it.each<[string, (harness: Harness) => unknown[]]>([
    ['more than 20 parts', (harness) => reads(harness, 21)],
    [
      'ids that are not unique',
      () => [1, 2].map(() => ({ id: '1', method: 'GET', url: '/deviceManagement/managedDevices' })),
    ],
    [
      'an absolute URL',
      () => [{ id: '1', method: 'GET', url: 'https://graph.microsoft.com/v1.0/deviceManagement/managedDevices' }],
    ],
    ['a URL with the version', () => [{ id: '1', method: 'GET', url: '/v1.0/deviceManagement/managedDevices' }]],
    ['a part without a method', () => [{ id: '1', url: '/deviceManagement/managedDevices' }]],
  ])('with %s is refused whole and held against the client', (_, requests) => {
    const harness = createHarness({ devices: 30, fleet: 'healthy' });
    expect(harness.batch('v1.0', requests(harness)).status).toBe(400);
    expect(harness.tenant.referee.violationCounts).toEqual({ badBatch: 1 });
  });

  it('that is not JSON is refused', () => {
    const harness = createHarness({ devices: 1 });
    expect(harness.send('POST', '/v1.0/$batch').status).toBe(400);
  });
});
