/** Starts the run of a request, or finds it: a request id stands for one list of targets, for good. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import { plural } from '../domain/plain-figures.ts';
import type { RotationRequest } from '../domain/rotation-request.ts';
import type { Run, RunTrigger } from '../domain/run.ts';
import { type RotationTarget, targetKey } from '../domain/targets.ts';
import type { Deps } from './deps.ts';
import { type RunStart, startTargetedRun } from './start-run.ts';

export type RequestStart =
  | ({ readonly kind: 'started' } & RunStart)
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * The same id with the same targets is the same run: its reason and time are the first request's. One that was planned as a dry run is never
 * sent, so a live request under its id is refused. @throws {StorageError}
 */
export async function startRequest(
  deps: Deps,
  start: {
    readonly runId: RunId;
    readonly trigger: RunTrigger;
    readonly mode: Run['mode'];
    readonly request: RotationRequest;
  },
): Promise<RequestStart> {
  const { requestId: _id, ...request } = start.request;
  const started = await startTargetedRun(deps, { ...start, ...request });
  const reason = started.isNew ? undefined : whyTaken(started.run, { targets: request.targets, mode: start.mode });
  return reason === undefined ? { kind: 'started', ...started } : { kind: 'refused', reason };
}

/** Why a request cannot be carried on by the run that has its id; `undefined` when it can. */
export function whyTaken(
  run: Run,
  { targets, mode }: { readonly targets: readonly RotationTarget[]; readonly mode: Run['mode'] },
): string | undefined {
  if (!isSameList(run.targets, targets)) {
    const then =
      run.targets === undefined
        ? 'a run over the whole fleet'
        : `a request for ${plural(run.targets.length, 'target')}`;
    return (
      `requestId ${run.runId} was used at ${new Date(run.createdAtMs).toISOString()} for ${then}, and here for ` +
      `${plural(targets.length, 'other target')}: give each request an id of its own`
    );
  }
  return mode === 'live' && run.mode === 'dryRun'
    ? `request ${run.runId} was planned as a dry run; send it with a new requestId`
    : undefined;
}

/** In any order. */
function isSameList(then: readonly RotationTarget[] | undefined, now: readonly RotationTarget[]): boolean {
  if (then === undefined) return false;
  const keys = new Set(then.map(targetKey));
  return keys.size === now.length && now.every((target) => keys.has(targetKey(target)));
}
