/** Which requests go past the proxy, and how. Layer: outbound. */
import http from 'node:http';
import https from 'node:https';
import { isLoopback } from '../domain/loopback.ts';

/** Azure's instance metadata, where virtual machines get their tokens. Source: Azure Instance Metadata Service, "Proxies" (read 2026-11-28). */
const INSTANCE_METADATA = '169.254.169.254';

/** True for what stays on this machine, or in its host: no proxy gets to see it. */
export function goesPastProxy(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === INSTANCE_METADATA || isLoopback(hostname);
}

/** Agents of its own for requests that go past the proxy: a pipeline's proxy policy leaves a request that has one alone. `undefined` for all others. */
export function createDirectAgents(): (url: string) => http.Agent | https.Agent | undefined {
  const options = { keepAlive: true };
  let plain: http.Agent | undefined;
  let secure: https.Agent | undefined;
  return (url) => {
    if (!goesPastProxy(url)) return undefined;
    if (url.startsWith('https:')) {
      secure ??= new https.Agent(options);
      return secure;
    }
    plain ??= new http.Agent(options);
    return plain;
  };
}
