/** How requests leave this machine: by the proxy, when there is one. Layer: system. */
import { createDefaultHttpClient, type HttpClient, proxyPolicy } from '@azure/core-rest-pipeline';
import { isLoopback } from '../domain/loopback.ts';

/**
 * Sends one request, and follows no redirect. The proxy comes from `HTTPS_PROXY` and `NO_PROXY` as the library reads them; what stays on
 * this machine goes past it. `direct`: the transport; the library's own by default. @throws {TypeError} for a proxy that is no URL.
 */
export function createHttpClient(direct: HttpClient = createDefaultHttpClient()): HttpClient {
  const proxy = proxyPolicy();
  return {
    sendRequest: (request) =>
      isLoopback(new URL(request.url).hostname)
        ? direct.sendRequest(request)
        : proxy.sendRequest(request, (proxied) => direct.sendRequest(proxied)),
  };
}
