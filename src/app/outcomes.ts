/** What all instances of a run share of how it goes: its circuit breaker, and whether the tenant takes encryption states. Layer: app. */
import { addOutcomes, NO_OUTCOMES } from '../domain/circuit-breaker.ts';
import type { RunId } from '../domain/ids.ts';
import type { Deps } from './deps.ts';

/** Adds outcomes to the circuit breaker. True when it is, or was, tripped. */
export async function recordOutcomes(
  deps: Deps,
  runId: RunId,
  added: Parameters<typeof addOutcomes>[1],
): Promise<boolean> {
  for (;;) {
    const found = await deps.ledger.readOutcomes(runId);
    const before = found?.value ?? NO_OUTCOMES;
    if ((added.answers ?? []).length === 0 && (added.results ?? []).length === 0) return before.tripped;
    const after = { ...before, ...addOutcomes(before, added, deps.settings.abortFailureRate) };
    if (await deps.ledger.writeOutcomes(runId, after, found?.version)) return after.tripped;
  }
}

/** True once the tenant refused to create encryption states in this run. */
export async function areStatesRefused(deps: Deps, runId: RunId): Promise<boolean> {
  return (await deps.ledger.readOutcomes(runId))?.value.statesRefused !== undefined;
}

/** Remembers for good that the tenant refuses to create encryption states. True for the one that was first to say so. */
export async function refuseStates(deps: Deps, runId: RunId, httpStatus: number): Promise<boolean> {
  for (;;) {
    const found = await deps.ledger.readOutcomes(runId);
    const before = found?.value ?? NO_OUTCOMES;
    if (before.statesRefused !== undefined) return false;
    if (await deps.ledger.writeOutcomes(runId, { ...before, statesRefused: httpStatus }, found?.version)) return true;
  }
}
