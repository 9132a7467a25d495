import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, it } from 'vitest';
import { parseManagedDeviceId } from '../../src/domain/ids.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { createGraphPipeline } from '../../src/graph/pipeline.ts';
import { createTenant } from '../../src/graph/tenant.ts';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import {
  collect,
  createFakeCredential,
  createFakeHttp,
  createFakeLogger,
  createFakePacer,
  createFakeRandom,
  rejection,
} from './fakes.ts';

const closers: (() => Promise<void>)[] = [];
const proxyBefore = process.env.HTTPS_PROXY;
afterEach(async () => {
  if (proxyBefore === undefined) delete process.env.HTTPS_PROXY;
  else process.env.HTTPS_PROXY = proxyBefore;
  for (const close of closers.splice(0)) await close();
});

/** Real requests are under way: time passes by itself, and no timeout is meant to fire. */
const realClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) =>
    ms > 1000
      ? new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
      : Promise.resolve(),
};

/** A server on loopback, and a tenant on it through the library's own transport. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const budget = { limit: 200, windowMs: 20_000 };
  const graphRoot = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tenant = createTenant({
    settings: { graphRoot, budgets: { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget } },
    createCredential: () => createFakeCredential(realClock),
    pacer: createFakePacer(realClock),
    clock: realClock,
    random: createFakeRandom(),
    logger: createFakeLogger(),
    version: '1.2.3',
    httpClient: createHttpClient(),
  });
  const options = {
    priority: 'bulk',
    deadlineAtMs: Date.now() + 600_000,
    signal: new AbortController().signal,
  } as const;
  return { graphRoot, tenant, options };
}

describe('createGraphPipeline', () => {
  it.each(['http://graph.microsoft.com', 'http://10.0.0.1:8080', 'http://localhost.evil.example', 'ftp://127.0.0.1'])(
    'refuses the root %s, since the token would travel in the clear',
    (root) => {
      expect(() => createGraphPipeline(root, createHttpClient())).toThrow(TypeError);
    },
  );

  it.each(['https://graph.microsoft.us', 'http://localhost:80', 'http://127.0.0.1:8080', 'http://[::1]:8080'])(
    'accepts the root %s',
    (root) => {
      expect(createGraphPipeline(root, createHttpClient())).toBeTypeOf('function');
    },
  );

  it.each([
    'https://evil.example/v1.0/x',
    'https://graph.microsoft.com:8443/v1.0/x',
    'http://graph.microsoft.com/v1.0/x',
  ])('sends no token to %s, whoever asks', async (url) => {
    const http = createFakeHttp(realClock, () => ({}));
    const send = createGraphPipeline('https://graph.microsoft.com', http.client);
    const request = createPipelineRequest({ url, headers: createHttpHeaders({ Authorization: 'Bearer x' }) });
    expect(await rejection(send(request))).toBeInstanceOf(TypeError);
    expect(http.seen).toHaveLength(0);
  });
});

describe('a tenant on a real server', () => {
  it('posts a rotation with no body and no content type', async () => {
    const seen: {
      method: string | undefined;
      url: string | undefined;
      headers: IncomingMessage['headers'];
      body: string;
    }[] = [];
    const { tenant, options } = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        seen.push({ method: request.method, url: request.url, headers: request.headers, body });
        response.writeHead(204).end();
      });
    });
    const managedDeviceId = parseManagedDeviceId('11111111-0000-4000-8000-000000000001');
    expect(await tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, options)).toMatchObject({
      kind: 'accepted',
      httpStatus: 204,
    });
    expect(seen).toMatchObject([
      {
        method: 'POST',
        url: `/beta/deviceManagement/managedDevices/${managedDeviceId}/rotateBitLockerKeys`,
        body: '',
        headers: {
          authorization: 'Bearer token-1',
          'user-agent': 'keyturn/1.2.3',
          accept: 'application/json',
          'content-length': '0',
        },
      },
    ]);
    expect(seen[0]?.headers).not.toHaveProperty('content-type');
  });

  it('follows no redirect, and shows the token to nobody else', async () => {
    const elsewhere: string[] = [];
    const other = await serve((request, response) => {
      elsewhere.push(String(request.headers.authorization));
      response.end('{"value":[]}');
    });
    const { tenant, options } = await serve((_request, response) =>
      response.writeHead(307, { location: `${other.graphRoot}/v1.0/x` }).end(),
    );
    expect(await rejection(collect(tenant.managedDevicePages(undefined, options)))).toMatchObject({
      kind: 'untrustedLink',
      status: 307,
    });
    expect(elsewhere).toEqual([]);
  });

  it('reaches loopback without the proxy', async () => {
    process.env.HTTPS_PROXY = 'http://127.0.0.1:1';
    const { tenant, options } = await serve((_request, response) => response.end('{"value":[]}'));
    expect(await collect(tenant.managedDevicePages(undefined, options))).toEqual([{ items: [] }]);
  });

  it('is uncertain when the server hangs up on a rotation', async () => {
    const { tenant, options } = await serve((request) => request.socket.destroy());
    const managedDeviceId = parseManagedDeviceId('11111111-0000-4000-8000-000000000001');
    expect(await tenant.requestRotation({ via: 'managedDevice', managedDeviceId }, options)).toMatchObject({
      kind: 'uncertain',
    });
  });
});
