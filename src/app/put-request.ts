/** Puts a request on its queue, in as many messages as it needs. Layer: app. */
import { createHash } from 'node:crypto';
import type { RunId, TenantId } from '../domain/ids.ts';
import type { Queues } from '../domain/ports.ts';
import type { RotationRequest } from '../domain/rotation-request.ts';
import type { RotationTarget } from '../domain/targets.ts';

/** A message that was put: its request id is the id of the run it makes. */
export interface PutRequest {
  readonly requestId: RunId;
  readonly targets: number;
}

/**
 * A message holds 64 KiB, some of which its XML envelope and a later base64 may need. Chosen.
 * Source: Put Message, "up to 64 KiB in size" (read 2026-11-22).
 */
const MOST_BYTES = 40_000;

/**
 * A list too long for one message is split; each part is a request of its own, with an id made of the first one's, so that putting the
 * same request twice is putting it once. @throws {StorageError}
 */
export async function putRequest(
  { queues, settings }: { readonly queues: Queues; readonly settings: { readonly tenantId: TenantId } },
  request: RotationRequest & { readonly requestId: RunId },
): Promise<readonly PutRequest[]> {
  const { targets, requestId: firstId, notBeforeMs, ...rest } = request;
  const put: PutRequest[] = [];
  for (const part of partsOf(targets)) {
    const requestId = put.length === 0 ? firstId : partId(firstId, put.length);
    const notBefore = notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() };
    const message = { requestId, tenantId: settings.tenantId, ...rest, ...notBefore, targets: part };
    await queues.sendRequest(JSON.stringify(message), 0);
    put.push({ requestId, targets: part.length });
  }
  return put;
}

function partsOf(targets: readonly RotationTarget[]): readonly (readonly RotationTarget[])[] {
  const parts: RotationTarget[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    const more = Buffer.byteLength(JSON.stringify(target)) + 1;
    if (bytes + more > MOST_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(target);
    bytes += more;
  }
  return parts;
}

/** A GUID that is always the same for the same request and part; version 8, which is for such. Source: RFC 9562, 5.8 (read 2026-11-22). */
function partId(firstId: RunId, part: number): RunId {
  const hex = createHash('sha256').update(`${firstId} ${part}`).digest('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join('-') as RunId;
}
