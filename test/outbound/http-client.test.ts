import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPipelineFromOptions, createPipelineRequest, type HttpClient } from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, it } from 'vitest';
import { SettingsError } from '../../src/domain/settings-error.ts';
import { createHttpClient, PROXY_REFUSED } from '../../src/outbound/http-client.ts';
import { useRefusingProxy } from '../support/refusing-proxy.ts';

const refuseAsProxy = useRefusingProxy();
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

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
  it.each(['407 Proxy Authentication Required', '403 Forbidden', '502 Bad Gateway', '204 No Content'])(
    'asks the proxy for a connection to the host and tells it nothing else; %s is a fault, and not what the host answers',
    async (status) => {
      const { asked } = await refuseAsProxy(status);
      const answer = ask(createHttpClient(), 'https://webhook.example/a/secret?sig=x');
      await expect(answer).rejects.toMatchObject({ code: PROXY_REFUSED });
      expect(asked).toEqual(['webhook.example:443']);
    },
  );

  it('tells of each of many refusals by one proxy', async () => {
    const { asked } = await refuseAsProxy();
    const client = createHttpClient();
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => ask(client, `https://h${i}.example/`)),
    );
    expect(answers).toEqual(
      answers.map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: PROXY_REFUSED }) })),
    );
    expect(asked).toHaveLength(20);
  });

  it('goes past the proxy to this machine', async () => {
    const { asked } = await refuseAsProxy();
    expect((await ask(createHttpClient(), await listen())).status).toBe(204);
    expect(asked).toEqual([]);
  });

  it('goes past it for a pipeline that has chosen the proxy itself, such as that of the identity library', async () => {
    const { asked } = await refuseAsProxy();
    const request = createPipelineRequest({ url: await listen(), allowInsecureConnection: true });
    const answer = await createPipelineFromOptions({}).sendRequest(createHttpClient(), request);
    expect(answer.status).toBe(204);
    expect(asked).toEqual([]);
  });

  it.each(['10.0.0.1:8080', 'proxy.example:8080', 'user:secret@proxy.example:8080', 'http://'])(
    'says which setting is wrong when the proxy is %s, and not what it holds',
    async (text) => {
      await refuseAsProxy();
      process.env.HTTPS_PROXY = text;
      expect(() => createHttpClient()).toThrow(SettingsError);
      expect(() => createHttpClient()).toThrow(
        /- HTTPS_PROXY \(or ALL_PROXY, or HTTP_PROXY\) must be a URL such as http:\/\/proxy\.example:8080; given: no http or https URL$/,
      );
    },
  );
});
