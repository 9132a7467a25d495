import { describe, expect, it } from 'vitest';
import { RATED_FAULTS, type ScriptedFault } from '../../src/simulator/faults.ts';
import { FOREIGN_HOST } from '../../src/simulator/wire/page-answer.ts';
import { createHarness, DEVICES, type Harness, HOUR, type Json } from './harness.ts';

const one = (harness: Harness, index = 0): string => harness.tenant.truth.device(index)?.managedDeviceId ?? '';
const ids = (body: Json): string[] => (body.value as unknown as Json[]).map(({ id }) => `${id}`);
const tenantWith = (...faults: readonly ScriptedFault[]): Harness => {
  const harness = createHarness({ devices: 120, fleet: 'healthy', pageSize: 40 });
  for (const fault of faults) harness.tenant.script(fault);
  return harness;
};

describe('a scripted fault', () => {
  it.each([500, 502, 503, 504, 408])('answers %d before any effect', (status) => {
    const harness = tenantWith({ fault: { kind: 'status', status } });
    expect(harness.rotate(one(harness)).status).toBe(status);
    expect(harness.tenant.referee.rotationsAccepted).toBe(0);
    expect(harness.rotate(one(harness)).status).toBe(204);
    expect(harness.tenant.unusedFaults()).toEqual([]);
  });

  it('answers 503 with a Retry-After when asked to', () => {
    const fault = { kind: 'status', status: 503, retryAfter: 'seconds', retryAfterMs: 7_000 } as const;
    expect(tenantWith({ fault }).get(DEVICES).headers['retry-after']).toBe('7');
  });

  it('answers 504 after the effect', () => {
    const harness = tenantWith({ fault: { kind: 'statusAfterEffect', status: 504 } });
    expect(harness.rotate(one(harness)).status).toBe(504);
    expect(harness.tenant.referee.rotationsAccepted).toBe(1);
  });

  it.each([
    ['resetBefore', 0],
    ['resetAfter', 1],
  ] as const)('%s resets the connection with %d effects', (kind, effects) => {
    const harness = tenantWith({ fault: { kind } });
    expect(() => harness.rotate(one(harness))).toThrow('connection reset');
    expect(harness.tenant.referee.rotationsAccepted).toBe(effects);
    expect(harness.tenant.history.at(-1)?.status).toBe(0);
  });

  it('flickers with a 403 that means nothing, then goes away', () => {
    const harness = tenantWith({ fault: { kind: 'forbiddenFlicker' } });
    const flicker = harness.rotate(one(harness));
    expect([flicker.status, flicker.body.error?.code]).toEqual([403, 'UnknownError']);
    expect(harness.rotate(one(harness)).status).toBe(204);
  });

  it('refuses a valid token, as often as wanted', () => {
    const harness = tenantWith({ fault: { kind: 'expiredToken' }, times: 3 });
    expect([1, 2, 3, 4].map(() => harness.get(DEVICES).status)).toEqual([401, 401, 401, 200]);
  });

  it('throttles and pauses the class', async () => {
    const harness = tenantWith({ fault: { kind: 'throttle', retryAfter: 'fraction', retryAfterMs: 2_500 } });
    expect(harness.rotate(one(harness)).headers['retry-after']).toBe('2.500');
    await harness.pass(2_499);
    harness.rotate(one(harness));
    expect(harness.tenant.referee.violationCounts).toEqual({ requestDuringPause: 1 });
    expect(harness.tenant.referee.classes.write.throttled).toBe(1);
  });

  it.each([
    ['wrongTypes', (text: string) => expect(ids(JSON.parse(text))).toEqual(['42'])],
    ['missingValue', (text: string) => expect(JSON.parse(text)).not.toHaveProperty('value')],
    ['truncated', (text: string) => expect(() => JSON.parse(text)).toThrow(SyntaxError)],
  ] as const)('spoils an answer: %s', (variant, check) => {
    const harness = tenantWith({ fault: { kind: 'malformed', variant } });
    const answer = harness.tenant.handle({
      method: 'GET',
      url: `https://graph.microsoft.com${DEVICES}`,
      headers: { authorization: `Bearer ${harness.tenant.issueToken('https://graph.microsoft.com').token}` },
    });
    check(answer.kind === 'answered' ? (answer.response.body ?? '') : '');
  });

  it('answers HTML instead of JSON', () => {
    const answer = tenantWith({ fault: { kind: 'malformed', variant: 'html' } }).get(DEVICES);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/html']);
    expect(answer.text).toMatch(/^<!DOCTYPE html>/);
  });

  it('makes a next link loop, or lead to another host or version', () => {
    const harness = tenantWith(
      { fault: { kind: 'nextLink', variant: 'loop' } },
      { fault: { kind: 'nextLink', variant: 'otherHost' } },
      { fault: { kind: 'nextLink', variant: 'otherVersion' } },
    );
    const links = [1, 2, 3].map(() => `${harness.get(DEVICES).body['@odata.nextLink']}`);
    expect(links[0]).toBe(`https://graph.microsoft.com${DEVICES}`);
    expect(new URL(links[1] ?? '').host).toBe(FOREIGN_HOST);
    expect(links[2]).toContain('/beta/deviceManagement/managedDevices');
  });

  it.each([
    ['again', 160, 120],
    ['half', 120, 120],
    ['duplicates', 130, 120],
    ['lost', 119, 119],
    ['empty', 120, 120],
  ] as const)('spoils a page: %s gives %d items, %d of them different', (variant, items, different) => {
    const harness = tenantWith({ fault: { kind: 'page', variant }, skip: 1 });
    const listed = harness.list(DEVICES).map(({ id }) => `${id}`);
    expect(listed).toHaveLength(items);
    expect(new Set(listed).size).toBe(different);
    harness.tenant.referee.assertClean();
  });

  it('strikes only what matches, after skipping, and is reported while it has not', () => {
    const harness = tenantWith({
      fault: { kind: 'status', status: 503 },
      method: 'POST',
      version: 'beta',
      path: /rotateBitLockerKeys$/,
      when: ({ part }) => !part,
      skip: 1,
      times: 2,
    });
    expect(harness.get(DEVICES).status).toBe(200);
    expect(harness.tenant.unusedFaults()[0]).toContain('2 ×');
    expect([0, 1, 2, 3].map((i) => harness.rotate(one(harness, i)).status)).toEqual([204, 503, 503, 204]);
    expect(harness.tenant.unusedFaults()).toEqual([]);
  });

  it('can strike one part of a batch, but never its connection', () => {
    const harness = tenantWith(
      { fault: { kind: 'resetBefore' }, path: /managedDevices/ },
      { fault: { kind: 'status', status: 503 }, path: /managedDevices/ },
    );
    const url = '/deviceManagement/managedDevices?$top=1';
    const answer = harness.batch('v1.0', [
      { id: '1', method: 'GET', url },
      { id: '2', method: 'GET', url },
    ]);
    const statuses = (answer.body.responses as unknown as Json[]).map(({ status }) => Number(status));
    expect(statuses.toSorted()).toEqual([200, 503]);
    expect(harness.tenant.unusedFaults()).toHaveLength(1);
  });
});

describe('rated faults', () => {
  it.each(RATED_FAULTS)('%s strikes about as often as its rate says, the same for the same seed', (name) => {
    const strike = (): string[] => {
      const harness = createHarness({ devices: 60, fleet: 'healthy', pageSize: 50, faults: { [name]: 0.2 } });
      const plain = createHarness({ devices: 60, fleet: 'healthy', pageSize: 50 });
      const { token } = harness.tenant.issueToken('https://graph.microsoft.com');
      const expected = plain.get(DEVICES).text;
      return Array.from({ length: 200 }, () => {
        const answer = harness.tenant.handle({
          method: 'GET',
          url: `https://graph.microsoft.com${DEVICES}`,
          headers: { authorization: `Bearer ${token}` },
        });
        if (answer.kind === 'reset' || answer.delayMs > 0) return 'struck';
        return answer.response.status === 200 && answer.response.body === expected ? 'spared' : 'struck';
      });
    };
    const first = strike();
    const struck = first.filter((what) => what === 'struck').length;
    expect(struck).toBeGreaterThan(20);
    expect(struck).toBeLessThan(65);
    expect(strike()).toEqual(first);
  });

  it.each([-0.1, 1.1, Number.NaN])('refuse a rate of %d', (rate) => {
    expect(() => createHarness({ devices: 1, faults: { slow: rate } })).toThrow('slow');
  });
});

describe('the referee', () => {
  it('counts the most requests in any window, wherever it begins', async () => {
    const harness = createHarness({ devices: 300, fleet: 'healthy', throttling: { window: 'fixed' } });
    // Start is half a second into a window of 20 s: a burst at its end and one at the next one's beginning.
    await harness.pass(19_000);
    for (let i = 0; i < 150; i += 1) harness.rotate(one(harness, i));
    await harness.pass(1_000);
    for (let i = 150; i < 300; i += 1) harness.rotate(one(harness, i));
    expect(harness.tenant.referee.classes.write).toEqual(
      expect.objectContaining({ requests: 300, throttled: 0, maxInWindow: 300 }),
    );
  });

  it('sees requests during a pause, but not those sent before the answer could be known', () => {
    const harness = createHarness({
      devices: 10,
      fleet: 'healthy',
      throttling: { limits: { write: { limit: 1, windowMs: 20_000 } } },
    });
    const { token } = harness.tenant.issueToken('https://graph.microsoft.com');
    const nowMs = harness.tenant.nowMs();
    const rotate = (sentAtMs: number): number => {
      const answer = harness.tenant.handle(
        {
          method: 'POST',
          url: `https://graph.microsoft.com/beta/deviceManagement/managedDevices/${one(harness)}/rotateBitLockerKeys`,
          headers: { authorization: `Bearer ${token}`, 'client-request-id': '11111111-2222-4333-8444-555555555555' },
        },
        { sentAtMs, deliveryMs: 50 },
      );
      return answer.kind === 'answered' ? answer.response.status : 0;
    };
    expect(rotate(nowMs)).toBe(204);
    expect([rotate(nowMs + 1), rotate(nowMs + 40)]).toEqual([429, 429]);
    harness.tenant.referee.assertClean();
    expect(rotate(nowMs + 60)).toBe(429);
    expect(harness.tenant.referee.violationCounts).toEqual({ requestDuringPause: 1 });
  });

  it('does not know of a pause that was not asked for', async () => {
    const harness = createHarness({
      devices: 10,
      fleet: 'healthy',
      throttling: { limits: { write: { limit: 1, windowMs: 20_000 } }, retryAfter: 'absent' },
    });
    for (let i = 0; i < 3; i += 1) {
      harness.rotate(one(harness, i));
      await harness.pass(100);
    }
    harness.tenant.referee.assertClean();
    expect(harness.tenant.referee.classes.write.throttled).toBe(2);
  });

  it('grants the grace it was given', async () => {
    const harness = createHarness({
      devices: 10,
      fleet: 'healthy',
      pauseGraceMs: 1_000,
      throttling: { limits: { write: { limit: 1, windowMs: 20_000 } } },
    });
    harness.rotate(one(harness, 0));
    harness.rotate(one(harness, 1));
    await harness.pass(900);
    harness.rotate(one(harness, 2));
    harness.tenant.referee.assertClean();
    await harness.pass(900);
    harness.rotate(one(harness, 3));
    expect(() => harness.tenant.referee.assertClean()).toThrow('requestDuringPause');
  });

  it.each<[string, (harness: Harness) => unknown, string]>([
    [
      'a body where none belongs',
      (harness) =>
        harness.send('POST', `/beta/deviceManagement/managedDevices/${one(harness)}/rotateBitLockerKeys`, { body: {} }),
      'unexpectedBody',
    ],
    [
      'a query on the action',
      (harness) =>
        harness.send('POST', `/beta/deviceManagement/managedDevices/${one(harness)}/rotateBitLockerKeys?force=true`),
      'unsupportedQueryOption',
    ],
  ])('holds %s against the client', (_, act, kind) => {
    const harness = tenantWith();
    act(harness);
    expect(Object.keys(harness.tenant.referee.violationCounts)).toEqual([kind]);
    expect(() => harness.tenant.referee.assertClean()).toThrow(kind);
  });

  it('keeps the first hundred violations and counts them all', async () => {
    const harness = tenantWith();
    for (let i = 0; i < 150; i += 1) {
      harness.get('/v1.0/deviceManagement/remoteActionAudits');
      await harness.pass(HOUR / 100);
    }
    expect(harness.tenant.referee.violations).toHaveLength(100);
    expect(harness.tenant.referee.violationCounts).toEqual({ wrongVersion: 150 });
  });
});
