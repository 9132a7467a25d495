/** Names the run of an on-demand message: the same at every delivery of it. Layer: app. */
import { createHash } from 'node:crypto';
import { parseRunId, type RunId } from '../domain/ids.ts';

/** The request's own id, else the message's, else one made of `key`, which tells messages apart. */
export function requestRunId(
  request: { readonly requestId?: RunId },
  { messageId, key }: { readonly messageId: string | undefined; readonly key: string },
): RunId {
  if (request.requestId !== undefined) return request.requestId;
  try {
    return parseRunId(messageId);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return `request-${createHash('sha256').update(key).digest('hex').slice(0, 32)}` as RunId;
  }
}
