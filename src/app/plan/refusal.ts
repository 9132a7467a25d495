/** What becomes of targets that cannot be read: refused in words, or waited for while that holds nobody up. Layer: app. */
import { errorFields } from '../../domain/error-fields.ts';
import { GraphError, type GraphErrorKind } from '../../domain/graph-error.ts';
import { isPassingStatus } from '../../domain/retry.ts';
import type { Run } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';
import { listingPrefix, numbered } from './plan-files.ts';

/** How often planning is put off for what cannot be read; then it is given up. Chosen: an hour of outage retries. */
const TARGET_TRIES = 12;

/**
 * While other targets wait, one that Graph fails to read is asked about again for so long, all of them together; then it is refused. Chosen:
 * two or three attempts, well within the 5 s that may pass between a message and its requests besides the wait for quota.
 */
export const TARGET_RETRY_MS = 2_000;

/** Why a target is refused, in words. */
export interface Refusal {
  readonly refused: string;
  /** Asking later may help: 5xx, or an answer that made no sense. */
  readonly mayPass?: MayPass;
}

export interface MayPass {
  /** Graph answered nothing at all: it is waited for as long as that lasts. */
  readonly isOutage?: true;
  /** It asked to wait at least this long. */
  readonly retryAfterMs?: number;
}

/** Nothing that a run names could be read for now: try again later. */
export class TargetUnreadableError extends Error {
  override readonly name = 'TargetUnreadableError';
  /** Graph asked to wait at least this long; 0: it did not say. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs = 0) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** For an answer with that status (0: none came) where the device should be. `what` in words: `Graph cannot read it`. */
export function refusalOfStatus(what: string, status: number): Refusal {
  const answer = status === 0 ? 'no answer' : `status ${status}`;
  return isPassingStatus(status)
    ? { refused: `${what} now (${answer}): ask again`, mayPass: {} }
    : { refused: `${what} (${answer})` };
}

/** For a read that failed as a whole; the log says why. @throws {GraphError} `throttled`, `unauthorized`: they concern every read. @throws whatever is no `GraphError`. */
export function refusalOf({ logger }: Pick<Deps, 'logger'>, what: string, error: unknown): Refusal {
  if (!(error instanceof GraphError) || error.kind === 'throttled' || error.kind === 'unauthorized') throw error;
  logger.warn('part of what is asked for could not be read', errorFields(error));
  return inWords(what, error, error.kind);
}

function inWords(
  what: string,
  error: GraphError,
  kind: Exclude<GraphErrorKind, 'throttled' | 'unauthorized'>,
): Refusal {
  switch (kind) {
    case 'unavailable': {
      const { retryAfterMs } = error;
      const { refused } = refusalOfStatus(what, error.status ?? 0);
      return { refused, mayPass: { isOutage: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
    }
    case 'forbidden': {
      const refused = `${what} (status ${error.status ?? 403})`;
      if (error.missingRole === undefined) return { refused };
      // Not waited for: a token without the role is used for up to 24 h. Who grants it asks again.
      return { refused: `${refused}: the app's identity needs the Graph application role ${error.missingRole}` };
    }
    case 'malformed':
    case 'untrustedLink':
      return { refused: `${what} (${kind}): ask again`, mayPass: {} };
    case 'notFound':
    case 'badRequest':
      return { refused: `${what} (${error.status === undefined ? kind : `status ${error.status}`})` };
  }
}

/**
 * For a run of whose targets not one is ready: puts its planning off while one of them may still be, for as long as Graph answers
 * nothing at all, otherwise twelve times. Then what they are refused for stands, and the run goes on, and ends.
 * @throws {TargetUnreadableError}
 */
export async function putOff(deps: Deps, run: Run, refusals: readonly Refusal[]): Promise<void> {
  const waiting = refusals.flatMap(({ refused, mayPass }) => (mayPass === undefined ? [] : [{ refused, ...mayPass }]));
  const [first] = waiting;
  if (first === undefined) return;
  const isOutage = waiting.every((one) => one.isOutage === true);
  if (!isOutage && !(await mayPutOff(deps, run))) return;
  const retryAfterMs = Math.max(...waiting.map((one) => one.retryAfterMs ?? 0));
  // What they were refused for is forgotten, so that they are read anew.
  await deps.workFiles.deleteAll(listingPrefix(run.tenantId, run.runId, 'targets'));
  throw new TargetUnreadableError(`nothing of what is asked for could be read: ${first.refused}`, retryAfterMs);
}

/** True, and counted, as long as planning may be put off once more. */
async function mayPutOff(deps: Deps, run: Run): Promise<boolean> {
  const prefix = listingPrefix(run.tenantId, run.runId, 'tries');
  const tries = (await deps.workFiles.list(prefix)).length;
  if (tries >= TARGET_TRIES) return false;
  await deps.workFiles.create(`${prefix}${numbered(tries)}`, new Uint8Array());
  return true;
}
