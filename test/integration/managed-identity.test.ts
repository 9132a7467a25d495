/** In a process of its own: the identity library remembers the first endpoint it is given. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { createCredential } from '../../src/graph/credential.ts';
import { createTokenProvider } from '../../src/graph/token-provider.ts';
import { GRAPH_ROOT } from '../graph/fakes.ts';

const settings = {
  tenantId: parseTenantId('99999999-0000-4000-8000-000000000001'),
  authorityHost: 'https://login.microsoftonline.com',
};
const VARIABLES = ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'HTTP_PROXY', 'HTTPS_PROXY'] as const;
const before = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));

afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/** Stands still: real requests are under way, so nothing may time out because time jumps. */
const stillClock: Clock = { nowMs: () => Date.now(), sleep: () => new Promise(() => undefined) };

describe('the managed identity', () => {
  it('gets a token from the identity endpoint past any proxy, and a really new one after a rejection', async () => {
    const seen: { readonly resource: string | null; readonly clientId: string | null; readonly secret: unknown }[] = [];
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      seen.push({
        resource: url.searchParams.get('resource'),
        clientId: url.searchParams.get('client_id'),
        secret: request.headers['x-identity-header'],
      });
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          access_token: `token-${seen.length}`,
          expires_on: String(Math.floor(Date.now() / 1000) + 86_400),
          resource: GRAPH_ROOT,
          token_type: 'Bearer',
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const clientId = '88888888-0000-4000-8000-000000000001';
      process.env.IDENTITY_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`;
      process.env.IDENTITY_HEADER = 'secret';
      process.env.HTTP_PROXY = 'http://127.0.0.1:1';
      process.env.HTTPS_PROXY = 'http://127.0.0.1:1';
      const tokens = createTokenProvider({
        createCredential: () => createCredential({ ...settings, clientId }, process.env),
        graphRoot: GRAPH_ROOT,
        clock: stillClock,
      });
      const request = { signal: new AbortController().signal, deadlineAtMs: Number.POSITIVE_INFINITY };
      expect(await tokens.getToken(request)).toBe('token-1');
      expect(await tokens.getToken({ ...request, refresh: { token: 'token-1', claims: undefined } })).toBe('token-2');
      expect(seen).toEqual([
        { resource: GRAPH_ROOT, clientId, secret: 'secret' },
        { resource: `${GRAPH_ROOT}/`, clientId, secret: 'secret' },
      ]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
