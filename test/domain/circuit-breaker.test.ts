import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addOutcomes, NO_OUTCOMES } from '../../src/domain/circuit-breaker.ts';

const outcomes = (good: number, bad: number): boolean[] => [
  ...Array<boolean>(bad).fill(false),
  ...Array<boolean>(good).fill(true),
];

describe('addOutcomes', () => {
  it.each([
    ['nothing yet', 0, 0, false],
    ['19 failures say too little', 0, 19, false],
    ['20 outcomes are enough', 15, 5, true],
    ['exactly the rate is tolerated', 16, 4, false],
    ['exactly the rate of a full window', 80, 20, false],
    ['one more than the rate', 79, 21, true],
  ])('%s', (_what, good, bad, tripped) => {
    const added = outcomes(good, bad);
    expect(addOutcomes(NO_OUTCOMES, { answers: added }, 0.2).tripped).toBe(tripped);
    expect(addOutcomes(NO_OUTCOMES, { results: added }, 0.2).tripped).toBe(tripped);
  });

  it('tolerates exactly the rate for every whole percentage, whatever the rounding', () => {
    for (let percent = 1; percent <= 99; percent++) {
      const at = (bad: number) =>
        addOutcomes(NO_OUTCOMES, { answers: outcomes(100 - bad, bad) }, percent / 100).tripped;
      expect([percent, at(percent), at(percent + 1)]).toEqual([percent, false, true]);
    }
  });

  it('counts answers and results apart', () => {
    const mixed = addOutcomes(NO_OUTCOMES, { answers: outcomes(100, 0), results: outcomes(10, 10) }, 0.2);
    expect(mixed.tripped).toBe(true);
    expect(addOutcomes(NO_OUTCOMES, { answers: outcomes(0, 15), results: outcomes(0, 15) }, 0.2).tripped).toBe(false);
  });

  it('forgets what is more than 100 outcomes ago', () => {
    const bad = addOutcomes(NO_OUTCOMES, { answers: outcomes(0, 19) }, 0.2);
    expect(bad.tripped).toBe(false);
    const later = addOutcomes(bad, { answers: outcomes(100, 0) }, 0.2);
    expect(later).toEqual({ answers: '.'.repeat(100), results: '', tripped: false });
  });

  it('holds the last 100 outcomes, newest last, and trips exactly when more than the rate of at least 20 of them failed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.boolean(), { maxLength: 60 }), { maxLength: 8 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (batches, rate) => {
          let state = NO_OUTCOMES;
          let tripped = false;
          const all: boolean[] = [];
          for (const batch of batches) {
            state = addOutcomes(state, { answers: batch }, rate);
            all.push(...batch);
            const window = all.slice(-100);
            const share = window.filter((wentWell) => !wentWell).length / window.length;
            tripped ||= window.length >= 20 && share > rate + 1e-9;
            expect(state.answers).toBe(window.map((wentWell) => (wentWell ? '.' : 'x')).join(''));
          }
          expect(state.tripped).toBe(tripped);
        },
      ),
    );
  });

  it('stays tripped for good', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), fc.array(fc.boolean()), (answers, results) => {
        expect(addOutcomes({ ...NO_OUTCOMES, tripped: true }, { answers, results }, 1).tripped).toBe(true);
      }),
    );
  });
});
