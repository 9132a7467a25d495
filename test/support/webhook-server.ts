/** A webhook on this machine. It speaks https with a certificate that is checked in, and that only who is told to trusts. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';

const FIXTURES = path.join(import.meta.dirname, '..', 'fixtures', 'webhook');

/** For `NODE_EXTRA_CA_CERTS` of a child process. For 127.0.0.1, until 2120. */
export const WEBHOOK_CERTIFICATE = path.join(FIXTURES, 'test-certificate.pem');

export interface WebhookServer {
  /** `https://127.0.0.1:port`. */
  readonly root: string;
  /** Resolves once every connection has ended. */
  close(): Promise<void>;
}

/** On a free port. */
export async function createWebhookServer(answer: RequestListener): Promise<WebhookServer> {
  const [cert, key] = await Promise.all([readFile(WEBHOOK_CERTIFICATE), readFile(path.join(FIXTURES, 'test-key.pem'))]);
  const server = createServer({ cert, key }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    root: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The pipeline's own client, which trusts that certificate. */
export async function createTrustingClient(): Promise<HttpClient> {
  const tlsSettings = { ca: [await readFile(WEBHOOK_CERTIFICATE, 'utf8')] };
  const client = createDefaultHttpClient();
  return { sendRequest: (request) => client.sendRequest(Object.assign(request, { tlsSettings })) };
}
