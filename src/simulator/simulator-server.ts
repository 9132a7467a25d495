/** The simulated tenant on a loopback port: Graph, and the managed-identity endpoint of App Service. Layer: simulator. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../domain/ports.ts';
import type { SimulatedTenant } from './simulated-tenant.ts';
import type { SimulatedResponse } from './wire/graph-answer.ts';

export interface SimulatorServerOptions {
  readonly tenant: SimulatedTenant;
  /** Delays of `slow` faults. */
  readonly clock: Clock;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Secret that the identity endpoint wants in `X-IDENTITY-HEADER`. Default: a fixed one; it guards nothing. */
  readonly identityHeader?: string;
}

export interface SimulatorServer {
  readonly tenant: SimulatedTenant;
  readonly port: number;
  /** Graph root: `http://127.0.0.1:port`. */
  readonly url: string;
  readonly identityEndpoint: string;
  readonly identityHeader: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

const IDENTITY_PATH = '/msi/token';

/** Listens on 127.0.0.1. @throws the system's error when the port is taken. */
export async function createSimulatorServer(options: SimulatorServerOptions): Promise<SimulatorServer> {
  const { tenant, clock } = options;
  const identityHeader = options.identityHeader ?? '5eed1dea-0000-4000-8000-000000000001';
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      // A fault of the simulator itself: say so instead of looking like Graph.
      response.statusCode = 500;
      response.end(`simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    });
  });
  // Clients keep connections; a server that hangs up first resets their next request.
  server.keepAliveTimeout = 120_000;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    if (url.pathname === IDENTITY_PATH) {
      send(response, identityAnswer(request, url));
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : (value ?? ''),
      ]),
    );
    const answer = tenant.handle({
      method: request.method ?? 'GET',
      url: url.href,
      headers,
      ...(body === '' ? {} : { body }),
    });
    if (answer.kind === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (answer.delayMs > 0) {
      const gone = new AbortController();
      response.on('close', () => gone.abort(new Error('the client hung up')));
      try {
        await clock.sleep(answer.delayMs, gone.signal);
      } catch (error) {
        // Nobody is left to answer.
        if (gone.signal.aborted) return;
        throw error;
      }
    }
    send(response, answer.response);
  }

  /** What `ManagedIdentityCredential` of @azure/identity 4.14 asks of App Service, and takes for an answer. */
  function identityAnswer(request: IncomingMessage, url: URL): SimulatedResponse {
    const json = { 'content-type': 'application/json' };
    const refuse = (status: number, message: string): SimulatedResponse => ({
      status,
      headers: json,
      body: JSON.stringify({ statusCode: status, message }),
    });
    if (request.headers['x-identity-header'] !== identityHeader)
      return refuse(401, 'X-IDENTITY-HEADER is missing or wrong');
    if (url.searchParams.get('api-version') !== '2019-08-01') return refuse(400, 'api-version must be 2019-08-01');
    const resource = url.searchParams.get('resource');
    if (resource === null || resource === '') return refuse(400, 'resource is missing');
    const { token, expiresAtMs } = tenant.issueToken(resource);
    const clientId = url.searchParams.get('client_id') ?? '5eed0000-0000-4000-8000-00000000c11e';
    const body = {
      access_token: token,
      expires_on: String(Math.floor(expiresAtMs / 1000)),
      resource,
      token_type: 'Bearer',
      client_id: clientId,
    };
    return { status: 200, headers: json, body: JSON.stringify(body) };
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    tenant,
    port,
    url,
    identityEndpoint: `${url}${IDENTITY_PATH}`,
    identityHeader,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, headers, body }: SimulatedResponse): void {
  response.writeHead(status, { ...headers });
  response.end(body);
}
