/** Puts a request on its queue, in as many messages as it needs, unless its run exists already. Layer: app. */
import type { RunId, TenantId } from '../domain/ids.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { Queues } from '../domain/queues.ts';
import type { RotationRequest } from '../domain/rotation-request.ts';
import type { Run } from '../domain/run.ts';
import type { RotationTarget } from '../domain/targets.ts';
import { derivedGuid } from './derived-guid.ts';
import { whyTaken } from './start-request.ts';

/** A message that was put, or need not be: its request id is the id of the run it makes. */
export interface PutRequest {
  readonly requestId: RunId;
  readonly targets: number;
  /** The run that the same request made before: nothing was put now. */
  readonly existing?: Pick<Run, 'state' | 'mode' | 'createdAtMs'>;
}

export type PutOutcome =
  | { readonly kind: 'put'; readonly requests: readonly PutRequest[] }
  /** The id belongs to another request, or to one that was planned as a dry run and is never sent. Nothing was put. */
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * A message holds 64 KiB, some of which its XML envelope and a later base64 may need. Chosen.
 * Source: Put Message, "up to 64 KiB in size" (read 2026-11-22).
 */
const MOST_BYTES = 40_000;

/**
 * A list too long for one message is split; each part is a request of its own, with an id made of the first one's, so that putting the
 * same request twice is putting it once. A part whose run is there is left to that run. One that nobody has taken yet is not known of, and
 * is put again, which makes one run all the same. @throws {StorageError}
 */
export async function putRequest(
  deps: {
    readonly queues: Pick<Queues, 'sendRequest'>;
    readonly ledger: Pick<Ledger, 'readRun'>;
    readonly settings: { readonly tenantId: TenantId };
  },
  request: RotationRequest & { readonly requestId: RunId },
): Promise<PutOutcome> {
  const { targets, requestId: firstId, notBeforeMs, ...rest } = request;
  const notBefore = notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() };
  const parts: (PutRequest & { readonly message: string })[] = [];
  for (const [i, part] of partsOf(targets).entries()) {
    const requestId = i === 0 ? firstId : (derivedGuid(`${firstId} ${i}`) as RunId);
    const run = (await deps.ledger.readRun(requestId))?.value;
    // The app may be live though this shell is not, so what was planned as a dry run is taken for good.
    const taken = run === undefined ? undefined : whyTaken(run, { targets: part, mode: 'live' });
    if (taken !== undefined) return { kind: 'refused', reason: taken };
    const body = { requestId, tenantId: deps.settings.tenantId, ...rest, ...notBefore, targets: part };
    parts.push({
      requestId,
      targets: part.length,
      ...(run === undefined ? {} : { existing: { state: run.state, mode: run.mode, createdAtMs: run.createdAtMs } }),
      message: JSON.stringify(body),
    });
  }
  const requests: PutRequest[] = [];
  for (const { message, ...one } of parts) {
    if (one.existing === undefined) await deps.queues.sendRequest(message, 0);
    requests.push(one);
  }
  return { kind: 'put', requests };
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
