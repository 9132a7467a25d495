import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CanaryFacts, decideCanary } from '../../src/domain/canary.ts';
import { ROTATION_STATES } from '../../src/domain/rotation.ts';
import type { StateCounts } from '../../src/domain/run.ts';

const SENT_MS = 1_000_000;
const facts = (counts: StateCounts, over: Partial<CanaryFacts> = {}): CanaryFacts => ({
  counts,
  minProven: 0.8,
  sentAtMs: SENT_MS,
  waitMs: 86_400_000,
  followers: 100,
  nowMs: SENT_MS + 60_000,
  ...over,
});

describe('decideCanary', () => {
  it.each<[string, StateCounts, 'go' | 'abort' | 'wait']>([
    ['none proven yet', { requested: 20 }, 'wait'],
    ['one too few proven', { proven: 15, requested: 5 }, 'wait'],
    ['enough proven, the rest still out', { proven: 16, requested: 4 }, 'go'],
    ['enough proven, the rest failed', { proven: 16, failed: 4 }, 'go'],
    ['so many failed that enough can no longer be proven', { failed: 5, requested: 15 }, 'abort'],
    ['just as many failed as may', { failed: 4, requested: 16 }, 'wait'],
    ['refused ones count as not proven', { refused: 5, requested: 15 }, 'abort'],
    ['confirmed is not proven', { confirmed: 20 }, 'wait'],
    ['uncertain and due again are still open', { uncertain: 10, planned: 10 }, 'wait'],
    ['overdue and abandoned are not', { overdue: 10, abandoned: 10 }, 'abort'],
    ['skipped ones count neither way', { skipped: 15, proven: 4, failed: 1 }, 'go'],
    ['all skipped proves nothing, so nobody follows', { skipped: 20 }, 'abort'],
  ])('%s', (_what, counts, kind) => {
    expect(decideCanary(facts(counts)).kind).toBe(kind);
  });

  it('lets a run end whose only devices were canaries, all of them skipped', () => {
    expect(decideCanary(facts({ skipped: 3 }, { followers: 0 })).kind).toBe('go');
  });

  it('does not ask for one more than the share says, whatever the rounding', () => {
    for (let total = 1; total <= 100; total++) {
      for (let proven = 0; proven <= total; proven++) {
        const { kind } = decideCanary(facts({ proven, failed: total - proven }, { minProven: proven / total }));
        expect(kind).toBe('go');
      }
    }
  });

  it('waits for the next look, at most until the end of the wait', () => {
    const endMs = SENT_MS + 86_400_000;
    const untilMs = (over: Partial<CanaryFacts>) => {
      const decision = decideCanary(facts({ requested: 20 }, over));
      return decision.kind === 'wait' ? decision.untilMs : decision.kind;
    };
    expect(untilMs({ nextLookAtMs: SENT_MS + 1_800_000 })).toBe(SENT_MS + 1_800_000);
    expect(untilMs({ nextLookAtMs: endMs + 1 })).toBe(endMs);
    expect(untilMs({})).toBe(endMs);
    expect(untilMs({ nextLookAtMs: SENT_MS })).toBe(SENT_MS + 60_000);
    expect(untilMs({ nowMs: endMs - 1 })).toBe(endMs);
    expect(untilMs({ nowMs: endMs })).toBe('abort');
  });

  it('goes only when enough are proven, aborts only when they are not, and waits only for what can still change', () => {
    const counts = fc.dictionary(fc.constantFrom(...ROTATION_STATES), fc.nat({ max: 30 })) as fc.Arbitrary<StateCounts>;
    fc.assert(
      fc.property(counts, fc.integer({ min: 0, max: 100 }), fc.nat({ max: 172_800_000 }), (of, percent, agoMs) => {
        const decision = decideCanary(facts(of, { minProven: percent / 100, nowMs: SENT_MS + agoMs }));
        const total = Object.values(of).reduce((sum, n) => sum + n, 0) - (of.skipped ?? 0);
        const isEnough = total > 0 && 100 * (of.proven ?? 0) >= percent * total;
        expect(decision.kind === 'go').toBe(isEnough);
        if (decision.kind === 'wait') {
          expect(agoMs).toBeLessThan(86_400_000);
          expect(decision.untilMs).toBeGreaterThanOrEqual(SENT_MS + agoMs);
          expect(decision.untilMs).toBeLessThanOrEqual(SENT_MS + 86_400_000);
        }
      }),
    );
  });
});
