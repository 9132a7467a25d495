import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BudgetState, FRESH_BUDGET, type ThrottlePause } from '../../src/domain/budget-state.ts';
import { throttlingDetails, throttlingOf } from '../../src/domain/evidence/throttling-details.ts';
import { pacingRule } from '../../src/domain/pacing-rule.ts';
import { factorAt, throttle } from '../../src/domain/pacing-throttle.ts';
import {
  MOST_RUN_PAUSES,
  NO_THROTTLING,
  notePauses,
  type RunThrottling,
  throttledOf,
} from '../../src/domain/run-throttling.ts';

const NOW_MS = 1_795_334_400_000;
const rule = pacingRule({ limit: 200, windowMs: 20_000 }, 30_000);
const at = (state: BudgetState, atMs: number, retryAfterMs?: number, sentAtMs?: number) =>
  throttle(state, { retryAfterMs, sentAtMs, runId: 'run' }, rule, atMs);

describe('the pauses that a budget remembers', () => {
  it('have the whole time, and every 429 of their flight', () => {
    const first = at(FRESH_BUDGET, NOW_MS, 5_000, NOW_MS - 100);
    const second = at(first, NOW_MS + 300, 30_000, NOW_MS - 50);
    expect(second.pauses).toEqual([{ fromMs: NOW_MS, untilMs: NOW_MS + 31_300, throttled: 2 }]);
    expect(second.pausedUntilMs).toBe(NOW_MS + 31_300);
  });

  it('tell by how much the rate was lowered at any time after them', () => {
    const cut = at(at(FRESH_BUDGET, NOW_MS, 1_000), NOW_MS + 60_000, 1_000);
    const later = at(cut, NOW_MS + 63_000, 1_000);
    expect(later.pauses).toHaveLength(3);
    expect(later.pauses?.[0]).not.toHaveProperty('lowered');
    for (const ms of [0, 1_000, 50_000, 400_000]) {
      const { lowered } = later.pauses?.at(-1) ?? {};
      expect(lowered && factorAt(lowered, rule, later.factorAtMs + ms)).toBe(
        factorAt(later, rule, later.factorAtMs + ms),
      );
    }
    // A 429 of the same flight moves the end of the pause, and with it the beginning of recovery.
    const longer = at(later, NOW_MS + 63_200, 90_000, NOW_MS + 62_900);
    expect(longer.pauses?.at(-1)?.lowered).toMatchObject({ factorAtMs: longer.pausedUntilMs });
  });

  it('never overlap, however the 429s come, and are the latest fifty', () => {
    const event = fc.record({
      afterMs: fc.nat(60_000),
      retryAfterMs: fc.option(fc.nat(90_000), { nil: undefined }),
      sentBeforeMs: fc.option(fc.nat(30_000), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), (events) => {
        let state: BudgetState = FRESH_BUDGET;
        let nowMs = NOW_MS;
        for (const { afterMs, retryAfterMs, sentBeforeMs } of events) {
          nowMs += afterMs;
          state = at(state, nowMs, retryAfterMs, sentBeforeMs === undefined ? undefined : nowMs - sentBeforeMs);
        }
        const pauses = state.pauses ?? [];
        expect(pauses.length).toBeLessThanOrEqual(50);
        if (pauses.length < 50) expect(throttledOf(pauses)).toBe(events.length);
        for (const [i, pause] of pauses.entries()) {
          expect(pause.untilMs).toBeGreaterThan(pause.fromMs);
          expect(pause.fromMs).toBeGreaterThanOrEqual(pauses[i - 1]?.untilMs ?? 0);
        }
        expect(pauses.at(-1)?.untilMs ?? 0).toBe(state.pausedUntilMs);
      }),
      { numRuns: 60 },
    );
  });
});

const pause = (n: number, throttled = 1): ThrottlePause => ({
  fromMs: NOW_MS + n * 30_000,
  untilMs: NOW_MS + n * 30_000 + 21_000,
  throttled,
});
const note = (known: RunThrottling, remembered: readonly ThrottlePause[], sinceMs = NOW_MS) =>
  notePauses(known, 'write', remembered, sinceMs);

describe('what a run notes of them', () => {
  it('is the same however often, and whatever of it the row still remembers', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 12 }), (looks) => {
        let known = NO_THROTTLING;
        for (const upTo of [...looks].sort((a, b) => a - b)) {
          const remembered = Array.from({ length: upTo }, (_, n) => pause(n)).slice(-41);
          known = note(note(known, remembered), remembered);
        }
        expect(known.pauses.map(({ fromMs }) => fromMs)).toEqual(
          Array.from({ length: Math.max(0, ...looks) }, (_, n) => pause(n).fromMs),
        );
      }),
    );
  });

  it('takes the latest pause anew while it grows', () => {
    const known = note(note(NO_THROTTLING, [pause(0), pause(1)]), [pause(0), pause(1, 9), pause(2)]);
    expect(known.pauses.map(({ throttled }) => throttled)).toEqual([1, 9, 1]);
    expect(note(known, [pause(1, 9), pause(2)])).toBe(known);
  });

  it('leaves out what was over before the run began to ask', () => {
    expect(note(NO_THROTTLING, [pause(0), pause(1)], NOW_MS + 22_000).pauses).toEqual([
      { requestClass: 'write', ...pause(1) },
    ]);
  });

  it('keeps the classes apart, in one order', () => {
    const both = notePauses(note(NO_THROTTLING, [pause(0), pause(2)]), 'any', [pause(1)], NOW_MS);
    expect(both.pauses.map(({ requestClass }) => requestClass)).toEqual(['write', 'any', 'write']);
    expect(note(both, [pause(2), pause(3)]).pauses).toHaveLength(4);
  });

  it('keeps the numbers of those it has no room for, and notes none of them twice', () => {
    const more = 30;
    let known = notePauses(NO_THROTTLING, 'any', [pause(0, 5)], NOW_MS);
    for (let n = 1; n < MOST_RUN_PAUSES + more; n += 10) {
      known = note(
        known,
        Array.from({ length: 10 }, (_, i) => pause(n + i, 2)),
      );
    }
    const noted = notePauses(known, 'any', [pause(0, 5)], NOW_MS);
    expect(noted).toBe(known);
    expect(known.pauses).toHaveLength(MOST_RUN_PAUSES);
    expect(known.earlier).toEqual({ pauses: more + 1, throttled: 5 + 2 * more });
  });

  it('reads from the evidence as it was written', () => {
    const lowered = { factor: 0.7224999, factorAtMs: NOW_MS + 5, ceiling: 0.97 };
    const known: RunThrottling = {
      pauses: [
        { requestClass: 'any', ...pause(0) },
        { requestClass: 'write', ...pause(1), lowered },
      ],
      earlier: { pauses: 2, throttled: 7 },
    };
    expect(throttlingOf(JSON.parse(JSON.stringify(throttlingDetails(known))))).toEqual(known);
    expect(throttlingOf(throttlingDetails(NO_THROTTLING))).toEqual(NO_THROTTLING);
  });
});
