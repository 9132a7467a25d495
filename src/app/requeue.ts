/** Puts quarantined work back where it can be done, or dismisses what nobody needs any more. Layer: app. */

import type { QuarantineEntry } from '../domain/ledger.ts';
import type { LogFields } from '../domain/log-fields.ts';
import { type Decision, decideRequeue } from './decide-requeue.ts';
import type { Deps } from './deps.ts';

/** What was decided. With `requeued` and `settled` the entry is gone afterwards; with `stays` it is kept. */
export interface Requeued extends Decision {
  readonly id: string;
  readonly queue: string;
}

/**
 * Decides what is to be done about the entry, and does it. `dryRun` only decides. The entry is deleted last, and only as it was read:
 * a message that fails again at once is in quarantine again, and stays there. Twice, or again after a crash at any line, is once.
 * @throws {StorageError}
 */
export async function requeue(deps: Deps, entry: QuarantineEntry, mode: 'really' | 'dryRun'): Promise<Requeued> {
  const { act, holdsWork: _work, ...decided } = await decideRequeue(deps, entry);
  if (mode === 'really' && decided.outcome !== 'stays') {
    await act?.();
    await deps.ledger.deleteQuarantine(entry.id, entry.atMs);
    deps.logger.info('quarantined work was put back', { ...idsOf(entry, decided.runId), outcome: decided.outcome });
  }
  return { id: entry.id, queue: entry.queue, ...decided };
}

/** `dismissed`: the entry is gone. `kept`: work depends on it. */
export interface Dismissed {
  readonly id: string;
  readonly queue: string;
  readonly outcome: 'dismissed' | 'kept';
  /** Why it is kept, and what to do instead; or what goes with it. */
  readonly message: string;
}

/**
 * Deletes the entry without acting upon it, only as it was read. One whose run has not ended, or whose devices hold a request that nobody
 * looks at, is kept: putting it back is what it needs. `dryRun` only decides. @throws {StorageError}
 */
export async function dismiss(deps: Deps, entry: QuarantineEntry, mode: 'really' | 'dryRun'): Promise<Dismissed> {
  // A switched-off app holds work all the same.
  const { holdsWork, ...decided } = await decideRequeue({ ...deps, mode: () => 'live' }, entry);
  const { id, queue } = entry;
  if (holdsWork === true) {
    const work =
      queue === 'encryption-states'
        ? 'requests of its devices may still take effect, and nobody looks at them'
        : `run ${decided.runId} has not ended`;
    return { id, queue, outcome: 'kept', message: `${work}: put it back instead` };
  }
  if (mode === 'really') {
    await deps.ledger.deleteQuarantine(entry.id, entry.atMs);
    // The last word on a message that nothing was done about.
    deps.logger.warn('quarantined message was dismissed', { ...idsOf(entry), devices: entry.devices.length });
  }
  return {
    id,
    queue,
    outcome: 'dismissed',
    message:
      decided.outcome === 'requeued'
        ? 'it could have been put back; what it asks for is not done'
        : 'no work depends on it',
  };
}

/** Names the entry in the log; its texts are other people's. */
function idsOf({ id, queue, ...entry }: QuarantineEntry, runId = entry.runId): LogFields {
  return { quarantineId: id, queue, ...(runId === undefined ? {} : { runId }) };
}
