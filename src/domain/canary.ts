/** Whether the fleet may follow the canaries. Pure. Layer: domain. */
import type { StateCounts } from './run.ts';

/** `wait` says until when: the next look, or the end of the wait. */
export type CanaryDecision =
  | { readonly kind: 'go' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'wait'; readonly untilMs: number };

export interface CanaryFacts {
  readonly counts: StateCounts;
  readonly minProven: number;
  /** When the last canary was sent. */
  readonly sentAtMs: number;
  readonly waitMs: number;
  /** When the next look at a canary falls due; absent when all are settled. */
  readonly nextLookAtMs?: number;
  /** Due devices that wait for the canaries. */
  readonly followers: number;
  readonly nowMs: number;
}

/**
 * Goes on as soon as enough are proven, aborts as soon as enough can no longer be, and otherwise at the end of the wait.
 * A canary that was skipped after all (another run holds it) counts neither way. When none is left nothing was proven, so nobody follows.
 */
export function decideCanary(facts: CanaryFacts): CanaryDecision {
  const total = Object.values(facts.counts).reduce((sum, n) => sum + n, 0) - (facts.counts.skipped ?? 0);
  if (total === 0) return { kind: facts.followers > 0 ? 'abort' : 'go' };
  const proven = facts.counts.proven ?? 0;
  const needed = Math.ceil(facts.minProven * total - 1e-9);
  if (proven >= needed) return { kind: 'go' };
  const undecided = (['planned', 'claimed', 'requested', 'uncertain', 'confirmed'] as const).reduce(
    (sum, state) => sum + (facts.counts[state] ?? 0),
    0,
  );
  if (proven + undecided < needed) return { kind: 'abort' };
  const endMs = facts.sentAtMs + facts.waitMs;
  if (facts.nowMs >= endMs) return { kind: 'abort' };
  return { kind: 'wait', untilMs: Math.min(endMs, Math.max(facts.nowMs, facts.nextLookAtMs ?? endMs)) };
}
