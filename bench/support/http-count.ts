/** Counts every HTTP request this process makes, by what it asks of storage. Layer: bench. */

import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Requests so far, by kind; see `kindOf`. */
export type HttpCounts = Readonly<Record<string, number>>;

export interface HttpCounter {
  counts(): HttpCounts;
}

/** `tables: read Devices`, `queues: send`, `blobs: write` and so on; `undefined` for what goes elsewhere. */
function kindOf(
  endpoints: Readonly<Record<'blob' | 'queue' | 'table', string>>,
  request: ClientRequest,
): string | undefined {
  const host = String(request.getHeader('host') ?? '');
  const service = (['table', 'queue', 'blob'] as const).find((name) => new URL(endpoints[name]).host === host);
  if (service === undefined) return undefined;
  const { method } = request;
  const [, , resource = '', ...rest] = (request.path.split('?')[0] ?? '').split('/');
  if (service === 'queue') {
    const verb = method === 'POST' ? 'send' : method === 'GET' ? 'receive' : method === 'DELETE' ? 'delete' : 'create';
    return `queues: ${rest.length === 0 ? 'create' : verb}`;
  }
  if (service === 'blob')
    return `blobs: ${method === 'GET' ? (rest.length === 0 ? 'list' : 'read') : method === 'DELETE' ? 'delete' : 'write'}`;
  if (resource === '$batch') return 'tables: transaction of up to 100 rows';
  const table = resource.replace(/\(.*$/, '');
  if (method !== 'GET') return `tables: write a row of ${table}`;
  return `tables: ${resource.includes('RowKey') ? 'read a row' : 'query'} of ${table}`;
}

/** Counts from now on. `endpoints`: of the storage account. */
export function countHttp(endpoints: Readonly<Record<'blob' | 'queue' | 'table', string>>): HttpCounter {
  const counts: Record<string, number> = {};
  subscribe('http.client.request.start', (message) => {
    const kind = kindOf(endpoints, (message as { readonly request: ClientRequest }).request);
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  });
  return { counts: () => ({ ...counts }) };
}
