/** Takes what the shared budgets remember of 429s over into a run, so that its evidence can tell. Layer: app. */
import type { Run } from '../domain/run.ts';
import { NO_THROTTLING, notePauses, PAUSING_CLASSES } from '../domain/run-throttling.ts';
import type { Deps } from './deps.ts';

/**
 * To be written with whatever else is; empty when there is nothing new. `sinceMs`: when asking began, storage server's clock; pauses that were
 * over by then do not concern the run. Absent: since it began to rotate, and none once it no longer does. Noting the same twice changes
 * nothing: an owner that takes over notes what a dead one could not. Storage is asked only by a process that has not sent anything yet.
 * @throws {StorageError}
 */
export async function pausesOf(
  deps: Pick<Deps, 'pacer'>,
  run: Run,
  sinceMs = run.state === 'rotating' ? run.rotatingStartedAtMs : undefined,
): Promise<Partial<Run>> {
  if (sinceMs === undefined) return {};
  const known = run.throttling ?? NO_THROTTLING;
  let throttling = known;
  for (const requestClass of PAUSING_CLASSES) {
    throttling = notePauses(throttling, requestClass, await deps.pacer.recentPauses(requestClass), sinceMs);
  }
  return throttling === known ? {} : { throttling };
}
