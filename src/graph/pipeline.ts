/** The HTTP pipeline below the pacer: decompression, and a guard on the token. No retries, no redirects. Layer: graph. */
import {
  createEmptyPipeline,
  decompressResponsePolicy,
  type HttpClient,
  type PipelinePolicy,
  type SendRequest,
} from '@azure/core-rest-pipeline';
import { isLoopback } from '../domain/loopback.ts';

/** True when the token may travel to `graphRoot` at all: https anywhere, plain http on loopback only. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

/**
 * Refuses to send a request that carries a token anywhere but to the Graph host, whoever built it.
 * The library's own bearer policy cannot be used: it allows no plain http on loopback, follows claims challenges outside the pacer,
 * and refreshes a token only when the 401 has a `WWW-Authenticate` header.
 */
function tokenGuardPolicy(graphRoot: URL): PipelinePolicy {
  return {
    name: 'keyturnTokenGuard',
    sendRequest: (request, next) => {
      if (request.headers.has('Authorization') && new URL(request.url).origin !== graphRoot.origin) {
        return Promise.reject(new TypeError(`the token belongs to ${graphRoot.host} only`));
      }
      return next(request);
    },
  };
}

/**
 * Sends requests to Graph through the transport `httpClient`.
 * @throws {TypeError} when `graphRoot` is plain http to another machine.
 */
export function createGraphPipeline(graphRoot: string, httpClient: HttpClient): SendRequest {
  const root = new URL(graphRoot);
  if (!isSecure(root)) throw new TypeError(`the Graph root must be https, or http on loopback, got ${root.origin}`);
  const pipeline = createEmptyPipeline();
  pipeline.addPolicy(decompressResponsePolicy());
  pipeline.addPolicy(tokenGuardPolicy(root));
  return (request) => pipeline.sendRequest(httpClient, request);
}
