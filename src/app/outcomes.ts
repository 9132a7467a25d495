/** Adds outcomes to a run's circuit breaker. Layer: app. */
import { addOutcomes, NO_OUTCOMES } from '../domain/circuit-breaker.ts';
import type { RunId } from '../domain/ids.ts';
import type { Deps } from './deps.ts';

/** True when the breaker is, or was, tripped. */
export async function recordOutcomes(
  deps: Deps,
  runId: RunId,
  added: Parameters<typeof addOutcomes>[1],
): Promise<boolean> {
  for (;;) {
    const found = await deps.ledger.readOutcomes(runId);
    const before = found?.value ?? NO_OUTCOMES;
    if ((added.answers ?? []).length === 0 && (added.results ?? []).length === 0) return before.tripped;
    const after = addOutcomes(before, added, deps.settings.abortFailureRate);
    if (await deps.ledger.writeOutcomes(runId, after, found?.version)) return after.tripped;
  }
}
