/** Whether an eligible device is due, given its newest key and what the ledger knows. Pure. Layer: domain. */
import { KEY_COUNT_REFUSAL } from './recovery-key.ts';
import type { SkipReason } from './rotation.ts';

/** On demand a device may be asked again this soon. Source: design contract of ROTATION_MIN_KEY_AGE, "on demand the floor is PT1H". */
export const ON_DEMAND_FLOOR_MS = 3_600_000;

export interface DueFacts {
  /** Newest OS-volume key in escrow; absent when there is none. */
  readonly newestKeyAtMs?: number;
  readonly keyCount: number;
  /** Last time any run asked, or meant to. */
  readonly lastRequestAtMs?: number;
}

export interface DueRules {
  readonly nowMs: number;
  /** `ROTATION_MIN_KEY_AGE`, or the floor when on demand. */
  readonly minKeyAgeMs: number;
  /** `ROTATION_MAX_KEY_AGE`; absent on demand, where age is no question. */
  readonly maxKeyAgeMs?: number;
}

export type DueDecision =
  | { readonly kind: 'due' }
  | { readonly kind: 'notDue' }
  | { readonly kind: 'skipped'; readonly reason: SkipReason };

/** A key younger than the minimum, or a request within it, is never followed by another request: it protects against loops. */
export function decideDue(facts: DueFacts, rules: DueRules): DueDecision {
  const youngestMs = rules.nowMs - rules.minKeyAgeMs;
  if (facts.keyCount >= KEY_COUNT_REFUSAL) return { kind: 'skipped', reason: 'keyLimitReached' };
  if (facts.newestKeyAtMs !== undefined && facts.newestKeyAtMs > youngestMs)
    return { kind: 'skipped', reason: 'keyTooYoung' };
  const keyIsOld =
    facts.newestKeyAtMs === undefined ||
    rules.maxKeyAgeMs === undefined ||
    facts.newestKeyAtMs < rules.nowMs - rules.maxKeyAgeMs;
  if (!keyIsOld) return { kind: 'notDue' };
  if (facts.lastRequestAtMs !== undefined && facts.lastRequestAtMs > youngestMs)
    return { kind: 'skipped', reason: 'keyTooYoung' };
  return { kind: 'due' };
}
