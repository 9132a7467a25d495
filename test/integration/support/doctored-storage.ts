/** A storage emulator behind a proxy that refuses requests as Azure does, or tells another time. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request. */
export interface Doctoring {
  /** Answers 403 with this error code instead. */
  readonly refuse?: (method: string, path: string) => string | undefined;
  /** Added to the `Date` of every answer. */
  readonly aheadMs?: number;
  /** Never answers. */
  readonly hang?: boolean;
}

export interface DoctoredStorage {
  readonly connectionString: string;
  /** Requests so far, as `GET /Budgets()`. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

const SERVICES = ['Blob', 'Queue', 'Table'] as const;

/** In front of all three services of a connection string; each on a port of its own. */
export async function startDoctoredStorage(connectionString: string, doctoring: Doctoring): Promise<DoctoredStorage> {
  const requests: string[] = [];
  const servers: Server[] = [];
  let changed = connectionString;
  for (const service of SERVICES) {
    const endpoint = new RegExp(`${service}Endpoint=([^;]+)`).exec(connectionString)?.[1];
    if (endpoint === undefined) throw new Error(`no ${service} endpoint`);
    const target = new URL(endpoint);
    const server = createServer((incoming, outgoing) => {
      const path = (incoming.url ?? '').replace(target.pathname, '');
      requests.push(`${incoming.method} ${path}`);
      if (doctoring.hang === true) return;
      const code = doctoring.refuse?.(incoming.method ?? '', path);
      if (code !== undefined) {
        incoming.resume();
        const body = service === 'Table' ? JSON.stringify({ 'odata.error': { code, message: { value: 'no' } } }) : '';
        const type = service === 'Table' ? 'application/json' : 'application/xml';
        outgoing.writeHead(403, { 'x-ms-error-code': code, 'content-type': type }).end(body);
        return;
      }
      // The original host header is part of what is signed.
      const forwarded = request(
        new URL(incoming.url ?? '/', target.origin),
        { method: incoming.method, headers: incoming.headers },
        (answer) => {
          const date = new Date(Date.now() + (doctoring.aheadMs ?? 0)).toUTCString();
          outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
          answer.pipe(outgoing);
        },
      );
      forwarded.once('error', () => incoming.socket.destroy());
      incoming.pipe(forwarded);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    changed = changed.replace(endpoint, `http://127.0.0.1:${port}${target.pathname}`);
  }
  return {
    connectionString: changed,
    requests,
    async stop() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    },
  };
}
