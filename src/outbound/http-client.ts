/** How requests leave this machine: by the proxy, when there is one. Layer: outbound. */
import {
  type Agent,
  createDefaultHttpClient,
  getDefaultProxySettings,
  type HttpClient,
  type PipelinePolicy,
  type PipelineRequest,
  proxyPolicy,
} from '@azure/core-rest-pipeline';
import { SettingsError, type SettingsProblem } from '../domain/settings-error.ts';
import { goesPastProxy } from './direct-agents.ts';

/** The `code` of the fault when the proxy did not connect to the host: nothing was sent there. */
export const PROXY_REFUSED = 'PROXY_REFUSED';

/**
 * The transport of Graph, sign-in, tables and the webhook. Sends one request, and follows no redirect. The proxy comes from
 * `HTTPS_PROXY` and `NO_PROXY` as the library reads them; what stays on this machine goes past it, whatever pipeline it comes from, and with
 * it the secret header of the managed identity's endpoint. A proxy's refusal to connect is a fault, never the host's answer.
 * `direct`: sends without a proxy; the library's own by default. @throws {SettingsError} for a proxy that is no URL.
 */
export function createHttpClient(direct: HttpClient = createDefaultHttpClient()): HttpClient {
  const proxy = createProxyPolicy();
  const watched = new WeakSet<Agent>();

  function send(request: PipelineRequest) {
    if (request.agent !== undefined && !watched.has(request.agent)) {
      watched.add(request.agent);
      refuseAsFault(request.agent);
    }
    return direct.sendRequest(request);
  }

  return {
    sendRequest(request) {
      if (!goesPastProxy(request.url)) return proxy.sendRequest(request, send);
      // A pipeline of the library's own has chosen its proxy already.
      delete request.agent;
      return direct.sendRequest(request);
    },
  };
}

function createProxyPolicy(): PipelinePolicy {
  const problem = proxyProblem();
  if (problem !== undefined) throw new SettingsError([problem]);
  return proxyPolicy();
}

/** What keeps the proxy from being used; `undefined` when there is none, or none is set. */
export function proxyProblem(): SettingsProblem | undefined {
  const root = proxyRoot();
  if (root === undefined || /^https?:\/\/./.test(root)) return undefined;
  // It may hold a password.
  return {
    name: 'HTTPS_PROXY',
    rule: '(or ALL_PROXY, or HTTP_PROXY) must be a URL such as http://proxy.example:8080',
    given: 'no http or https URL',
  };
}

/** Scheme and host of the proxy; empty when what names it is no URL. */
function proxyRoot(): string | undefined {
  try {
    return getDefaultProxySettings()?.host;
  } catch {
    return '';
  }
}

/** Source: https-proxy-agent 9.1, which tells of each answer to a CONNECT and else hands it on as the host's own (read 2026-11-28). */
function refuseAsFault(agent: Agent): void {
  if (!('on' in agent) || typeof agent.on !== 'function') return;
  agent.on('proxyConnect', ({ statusCode }: { statusCode: number }, request: { destroy(error: Error): void }) => {
    if (statusCode === 200) return;
    request.destroy(Object.assign(new Error(`the proxy answered ${statusCode}`), { code: PROXY_REFUSED }));
  });
}
