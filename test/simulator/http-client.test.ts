import { createPipelineRequest, type HttpClient, isRestError, type PipelineRequest } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { createHarness, DEVICES, type Harness, ROOT, START_MS } from './harness.ts';

interface Bench extends Harness {
  readonly client: HttpClient;
  request(path: string, more?: Partial<PipelineRequest>): PipelineRequest;
}

function bench(options: Partial<Parameters<typeof createHarness>[0]> = {}): Bench {
  const harness = createHarness({ devices: 3, fleet: 'healthy', ...options });
  const { token } = harness.tenant.issueToken(ROOT);
  return {
    ...harness,
    client: harness.tenant.httpClient(),
    request(path, more = {}) {
      const request = createPipelineRequest({ url: path.startsWith('http') ? path : `${ROOT}${path}`, ...more });
      request.headers.set('Authorization', `Bearer ${token}`);
      request.headers.set('Client-Request-Id', '11111111-2222-4333-8444-555555555555');
      return request;
    },
  };
}

const rotatePath = ({ tenant }: Harness): string =>
  `/beta/deviceManagement/managedDevices/${tenant.truth.device(0)?.managedDeviceId}/rotateBitLockerKeys`;

describe('the in-process client', () => {
  it('brings the answer after the round trip and the request to the tenant after half of it', async () => {
    const b = bench({ latencyMs: 200 });
    const response = await b.clock.run(() => b.client.sendRequest(b.request(DEVICES)));
    expect(response.status).toBe(200);
    expect(JSON.parse(response.bodyAsText ?? '').value).toHaveLength(3);
    expect(response.headers.get('Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(b.clock.nowMs()).toBe(START_MS + 200);
    expect(b.tenant.history[0]?.atMs).toBe(START_MS + 100);
    b.tenant.referee.assertClean();
  });

  it('takes a seeded time within the range', async () => {
    const b = bench({ latencyMs: [50, 150] });
    const took: number[] = [];
    await b.clock.run(async () => {
      for (let i = 0; i < 20; i += 1) {
        const fromMs = b.clock.nowMs();
        await b.client.sendRequest(b.request(DEVICES));
        took.push(b.clock.nowMs() - fromMs);
      }
    });
    expect(Math.min(...took)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...took)).toBeLessThanOrEqual(150);
    expect(new Set(took).size).toBeGreaterThan(10);
  });

  it('fails with a RestError when the connection is reset', async () => {
    const b = bench();
    b.tenant.script({ fault: { kind: 'resetAfter' } });
    const failure = await b.clock.run(() =>
      b.client.sendRequest(b.request(rotatePath(b), { method: 'POST' })).catch((error: unknown) => error),
    );
    expect(isRestError(failure) && failure.code).toBe('ECONNRESET');
    expect(b.tenant.referee.rotationsAccepted).toBe(1);
  });

  it('gives up at the timeout, after the effect', async () => {
    const b = bench({ latencyMs: 100 });
    b.tenant.script({ fault: { kind: 'slow', latencyMs: 60_000 } });
    const request = b.request(rotatePath(b), { method: 'POST', timeout: 30_000 });
    const failure = await b.clock.run(() => b.client.sendRequest(request).catch((error: unknown) => error));
    expect(failure).toMatchObject({ name: 'AbortError' });
    expect(b.clock.nowMs()).toBe(START_MS + 30_000);
    expect(b.tenant.referee.rotationsAccepted).toBe(1);
  });

  it('waits a slow answer out when there is time', async () => {
    const b = bench();
    b.tenant.script({ fault: { kind: 'slow', latencyMs: 20_000 } });
    const response = await b.clock.run(() => b.client.sendRequest(b.request(DEVICES, { timeout: 30_000 })));
    expect([response.status, b.clock.nowMs()]).toEqual([200, START_MS + 20_000]);
  });

  it('stops when aborted, before or during the request', async () => {
    const b = bench({ latencyMs: 100 });
    const controller = new AbortController();
    await b.clock.run(async () => {
      const sent = b.client.sendRequest(b.request(DEVICES, { abortSignal: controller.signal }));
      const failed = expect(sent).rejects.toMatchObject({ name: 'AbortError' });
      await b.clock.sleep(10);
      controller.abort();
      await failed;
      await expect(b.client.sendRequest(b.request(DEVICES, { abortSignal: controller.signal }))).rejects.toMatchObject({
        name: 'AbortError',
      });
    });
    expect(b.tenant.referee.httpRequests).toBe(0);
  });

  it('sees a token that leaves the Graph host', async () => {
    const b = bench();
    const failure = await b.client
      .sendRequest(b.request('https://graph.contoso.example/v1.0/x'))
      .catch((error: unknown) => error);
    expect(isRestError(failure) && failure.code).toBe('ENOTFOUND');
    expect(b.tenant.referee.violationCounts).toEqual({ tokenSentElsewhere: 1 });
  });

  it('does not blame requests that were under way when the pause began', async () => {
    const limits = { any: { limit: 5, windowMs: 20_000 } };
    const b = bench({ latencyMs: 200, throttling: { limits } });
    await b.clock.run(async () => {
      const flight = Array.from({ length: 20 }, async (_, i) => {
        await b.clock.sleep(i * 10);
        return (await b.client.sendRequest(b.request(DEVICES))).status;
      });
      expect((await Promise.all(flight)).filter((status) => status === 429)).toHaveLength(15);
      b.tenant.referee.assertClean();
      await b.client.sendRequest(b.request(DEVICES));
    });
    expect(b.tenant.referee.violationCounts).toEqual({ requestDuringPause: 1 });
  });

  it('shows a tenant whose clock runs ahead', async () => {
    const b = bench({ clockSkewMs: 3_600_000 });
    const response = await b.client.sendRequest(b.request(DEVICES));
    expect(Date.parse(response.headers.get('date') ?? '')).toBe(Math.floor(START_MS / 1000) * 1000 + 3_600_000);
  });
});
