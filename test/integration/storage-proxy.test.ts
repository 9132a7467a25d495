/** In a process of its own: the identity library remembers the first endpoint it is given. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { parseRunId, parseTenantId } from '../../src/domain/ids.ts';
import { parseStorageConnection } from '../../src/storage/connection.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createSystemRandom } from '../../src/system/random.ts';
import { useAzurite } from '../support/azurite.ts';
import { useRefusingProxy } from '../support/refusing-proxy.ts';

const azurite = useAzurite();
const refuseAsProxy = useRefusingProxy();
const clock = createSystemClock();
const random = createSystemRandom();
const TENANT = parseTenantId('7e570000-0000-4000-8000-0000000000f1');

it('asks Azurite on this machine past the proxy, its tables, queues and blobs', async () => {
  const { asked } = await refuseAsProxy();
  const storage = await azurite.freshStorage();
  await storage.send('rotation-requests', '{}', 0);
  expect(await storage.ledger.readRun(parseRunId('nobody'))).toBeUndefined();
  expect(storage.transactions()).toEqual({
    tables: expect.toSatisfy((count) => count > 0),
    queues: expect.toSatisfy((count) => count > 0),
    blobs: expect.toSatisfy((count) => count > 0),
  });
  expect(asked).toEqual([]);
});

it("asks the managed identity's endpoint for a token of storage past the proxy, and the proxy for nothing but the account", async () => {
  const { asked } = await refuseAsProxy();
  const secrets: unknown[] = [];
  const endpoint = createServer(async (request, response) => {
    await text(request);
    secrets.push(request.headers['x-identity-header']);
    response.setHeader('content-type', 'application/json');
    const expiresOn = String(Math.floor(Date.now() / 1000) + 86_400);
    const answer = {
      access_token: 't',
      expires_on: expiresOn,
      resource: 'https://storage.azure.com',
      token_type: 'Bearer',
    };
    response.end(JSON.stringify(answer));
  });
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  try {
    process.env.IDENTITY_ENDPOINT = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/msi/token`;
    process.env.IDENTITY_HEADER = 'secret';
    const parsed = parseStorageConnection({
      AzureWebJobsStorage__accountName: 'account',
      AzureWebJobsStorage__credential: 'managedidentity',
    });
    if (parsed.kind === 'invalid') throw new Error(parsed.problems.join());
    const { ledger } = createStorage({ connection: parsed.connection, tenantId: TENANT, clock, random });
    await expect(ledger.readRun(parseRunId('nobody'))).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('PROXY_REFUSED'),
    });
    expect(new Set(secrets)).toEqual(new Set(['secret']));
    expect(new Set(asked)).toEqual(new Set(['account.table.core.windows.net:443']));
  } finally {
    endpoint.closeAllConnections();
    await new Promise((resolve) => endpoint.close(resolve));
  }
});
