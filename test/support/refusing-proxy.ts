/** A proxy on this machine that connects nobody, and what it was asked. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

const VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'] as const;

export interface RefusingProxy {
  /** Of a CONNECT, host and port; of another request its whole URL and its headers' names. */
  readonly asked: readonly string[];
}

/** For the tests of a file: the environment names the proxy from when it is started to the end of the test. */
export function useRefusingProxy(): (status?: string) => Promise<RefusingProxy> {
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

  return async (status = '407 Proxy Authentication Required') => {
    const asked: string[] = [];
    const server = createServer(({ url, headers }, response) => {
      asked.push(`${url} ${Object.keys(headers).join(' ')}`);
      response.writeHead(502).end();
    });
    server.on('connect', ({ url }, socket) => {
      asked.push(String(url));
      socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    for (const name of VARIABLES) delete process.env[name];
    process.env.HTTPS_PROXY = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { asked };
  };
}
