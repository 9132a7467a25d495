/** A tenant on a virtual clock and a client that keeps all rules, for the simulator's own tests. */
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../src/simulator/simulated-tenant.ts';
import { createVirtualClock, type VirtualClock } from '../../src/simulator/virtual-clock.ts';

export const START_MS = Date.parse('2026-11-22T10:00:00.500Z');
export const ROOT = 'https://graph.microsoft.com';
export const HOUR = 3_600_000;

/** What came back. `body` is parsed JSON, or the text when it is none, or `undefined`. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: Json;
}

export type Json = { readonly [name: string]: Json } & { readonly [index: number]: Json } & { readonly length: number };

export interface Harness {
  readonly clock: VirtualClock;
  readonly tenant: SimulatedTenant;
  /** Sends one request and expects an answer. @throws {Error} when the connection is reset. */
  send(
    method: string,
    path: string,
    more?: { readonly headers?: Record<string, string>; readonly body?: unknown },
  ): Answer;
  get(path: string): Answer;
  rotate(managedDeviceId: string): Answer;
  batch(version: string, requests: readonly unknown[]): Answer;
  /** All items of a collection. */
  list(path: string): readonly Json[];
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
}

export function createHarness(options: Omit<SimulatedTenantOptions, 'clock'>): Harness {
  const clock = createVirtualClock(START_MS);
  const tenant = createSimulatedTenant({ ...options, clock });
  const random = createSeededRandom(99);
  let issued = tenant.issueToken(ROOT);
  const token = (): string => {
    if (issued.expiresAtMs <= clock.nowMs() + 60_000) issued = tenant.issueToken(ROOT);
    return issued.token;
  };

  const send: Harness['send'] = (method, path, more = {}) => {
    const answer = tenant.handle({
      method,
      url: path.startsWith('http') ? path : `${ROOT}${path}`,
      headers: {
        authorization: `Bearer ${token()}`,
        'client-request-id': random.guid(),
        'user-agent': 'keyturn-test',
        ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more.headers,
      },
      ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
    });
    if (answer.kind === 'reset') throw new Error('connection reset');
    const { status, headers, body: text = '' } = answer.response;
    return {
      status,
      headers,
      text,
      body: (headers['content-type']?.includes('json') ? JSON.parse(text) : text) as Json,
    };
  };
  const get = (path: string): Answer => send('GET', path);

  return {
    clock,
    tenant,
    send,
    get,
    rotate: (id) => send('POST', `/beta/deviceManagement/managedDevices/${id}/rotateBitLockerKeys`),
    batch: (version, requests) => send('POST', `/${version}/$batch`, { body: { requests } }),
    list(path) {
      const items: Json[] = [];
      for (let link: string | undefined = path; link !== undefined; ) {
        const { status, body, text } = get(link);
        if (status !== 200) throw new Error(`${status} ${text}`);
        items.push(...(body.value as unknown as Json[]));
        link = body['@odata.nextLink'] as unknown as string | undefined;
      }
      return items;
    },
    pass: (ms) => clock.run(() => clock.sleep(ms)),
  };
}

export const DEVICES = '/v1.0/deviceManagement/managedDevices';
export const KEYS = '/v1.0/informationProtection/bitlocker/recoveryKeys';
export const STATES = '/beta/deviceManagement/managedDeviceEncryptionStates';
