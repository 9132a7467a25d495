import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPipelineRequest, type HttpClient } from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../src/system/http-client.ts';

const VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'] as const;
const before = VARIABLES.map((name) => [name, process.env[name]] as const);
const servers: Server[] = [];

afterEach(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A proxy that connects nobody, and the hosts it was asked for. */
async function refuseAsProxy(): Promise<{ readonly asked: readonly (string | undefined)[] }> {
  const asked: (string | undefined)[] = [];
  const server = createServer();
  server.on('connect', (request, socket) => {
    asked.push(request.url);
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  for (const name of VARIABLES) delete process.env[name];
  process.env.HTTPS_PROXY = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked };
}

/** The address of a server on this machine that says yes. */
async function listen(): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(204).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

const ask = (client: HttpClient, url: string) =>
  client.sendRequest(createPipelineRequest({ url, allowInsecureConnection: true }));

describe('the HTTP client', () => {
  it('asks the proxy for a connection to the host, and tells it nothing else', async () => {
    const { asked } = await refuseAsProxy();
    const answered = await ask(createHttpClient(), 'https://webhook.example/a/secret?sig=x').catch(() => undefined);
    expect(answered?.status).not.toBe(200);
    expect(asked).toEqual(['webhook.example:443']);
  });

  it('goes past the proxy to this machine', async () => {
    const { asked } = await refuseAsProxy();
    expect((await ask(createHttpClient(), await listen())).status).toBe(204);
    expect(asked).toEqual([]);
  });
});
