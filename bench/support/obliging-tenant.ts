/** A tenant that obliges at once: every device takes its request and has rotated twenty minutes later. It does next to nothing itself. Layer: bench. */
import { createHttpHeaders, type HttpClient, type PipelineRequest } from '@azure/core-rest-pipeline';
import type { Clock } from '../../src/domain/ports.ts';
import { newKeyIdOf, numberOf, oldKeyIdOf } from './numbered-ids.ts';

/** How long a device takes. */
const ROTATES_AFTER_MS = 20 * 60_000;
const GUID = /[0-9a-f]{8}-[0-9a-f-]{27}/;

export interface ObligingTenantOptions {
  readonly clock: Clock;
  readonly devices: number;
  /** Round trip, ms. */
  readonly latencyMs: number;
  readonly keysMadeAtMs: number;
}

export interface ObligingTenant {
  readonly httpClient: HttpClient;
  /** HTTP requests so far. */
  requests(): number;
}

/** Answers rotation requests and batches of the three reads that settle them; anything else is an error. */
export function createObligingTenant(options: ObligingTenantOptions): ObligingTenant {
  const { clock, devices, latencyMs, keysMadeAtMs } = options;
  const acceptedAtMs = new Float64Array(devices);
  let requests = 0;
  let lastDateMs = 0;
  let lastDate = '';

  /** Formatting dates would be most of the work: requests come many to a second. */
  function httpDate(nowMs: number): string {
    const secondMs = Math.floor(nowMs / 1_000) * 1_000;
    if (secondMs !== lastDateMs) lastDate = new Date(secondMs).toUTCString();
    lastDateMs = secondMs;
    return lastDate;
  }

  const instant = (atMs: number): string => new Date(atMs).toISOString();

  function partBody(url: string, nowMs: number): string {
    const id = GUID.exec(url)?.[0] ?? '';
    const device = numberOf(id);
    const startedAtMs = acceptedAtMs[device] as number;
    const doneAtMs = startedAtMs + ROTATES_AFTER_MS;
    const done = nowMs >= doneAtMs;
    if (url.includes('deviceActionResults')) {
      return `{"id":"${id}","deviceActionResults":[{"actionName":"rotateBitLockerKeys","actionState":"${done ? 'done' : 'pending'}","startDateTime":"${instant(startedAtMs)}","lastUpdatedDateTime":"${instant(done ? doneAtMs : startedAtMs)}","errorCode":0}]}`;
    }
    if (url.includes('recoveryKeys')) {
      const key = (keyId: string, createdAtMs: number) =>
        `{"id":"${keyId}","createdDateTime":"${instant(createdAtMs)}","deviceId":"${id}","volumeType":"1"}`;
      const keys = [key(oldKeyIdOf(device), keysMadeAtMs), ...(done ? [key(newKeyIdOf(device), doneAtMs)] : [])];
      return `{"value":[${keys.join(',')}]}`;
    }
    return `{"id":"${id}","deviceName":"LT-BENCH-${device}","encryptionState":"encrypted","encryptionReadinessState":"ready","advancedBitLockerStates":"success","policyDetails":[]}`;
  }

  function answer(request: PipelineRequest, nowMs: number): { readonly status: number; readonly body: string } {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith('/rotateBitLockerKeys')) {
      acceptedAtMs[numberOf(GUID.exec(pathname)?.[0] ?? '')] = nowMs;
      return { status: 204, body: '' };
    }
    if (!pathname.endsWith('/$batch')) throw new Error(`unexpected request ${request.method} ${pathname}`);
    const parts = (JSON.parse(String(request.body)) as { requests: { id: string; url: string }[] }).requests;
    const answers = parts.map(
      ({ id, url }) => `{"id":"${id}","status":200,"headers":{},"body":${partBody(url, nowMs)}}`,
    );
    return { status: 200, body: `{"responses":[${answers.join(',')}]}` };
  }

  return {
    requests: () => requests,
    httpClient: {
      async sendRequest(request) {
        requests += 1;
        await clock.sleep(latencyMs / 2);
        const nowMs = clock.nowMs();
        const { status, body } = answer(request, nowMs);
        await clock.sleep(latencyMs / 2);
        const headers = createHttpHeaders({ date: httpDate(nowMs), 'request-id': newKeyIdOf(requests) });
        return { request, status, headers, bodyAsText: body };
      },
    },
  };
}
