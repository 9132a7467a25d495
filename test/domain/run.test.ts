import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSliceId } from '../../src/domain/ids.ts';
import { ROTATION_STATES } from '../../src/domain/rotation.ts';
import { addCounts, type StateCounts, sliceIdOf } from '../../src/domain/run.ts';

const counts = fc.dictionary(fc.constantFrom(...ROTATION_STATES), fc.nat({ max: 1_000 })) as fc.Arbitrary<StateCounts>;
const total = (of: StateCounts) => Object.values(of).reduce((sum, n) => sum + n, 0);

describe('addCounts', () => {
  it('loses and invents nothing', () => {
    fc.assert(
      fc.property(fc.array(counts), (all) => {
        const sum = addCounts(...all);
        expect(total(sum)).toBe(all.reduce((n, one) => n + total(one), 0));
        for (const state of ROTATION_STATES)
          expect(sum[state] ?? 0).toBe(all.reduce((n, one) => n + (one[state] ?? 0), 0));
      }),
    );
  });

  it('names no state that nobody is in', () => {
    expect(addCounts()).toEqual({});
    expect(addCounts({ proven: 0, failed: 2 }, { failed: 1 })).toEqual({ failed: 3 });
  });
});

describe('sliceIdOf', () => {
  it('makes ids that are valid, differ, and sort in the order of the run', () => {
    fc.assert(
      fc.property(fc.nat({ max: 9_999_999 }), fc.nat({ max: 9_999_999 }), fc.nat({ max: 9 }), (a, b, attempt) => {
        const [x, y] = [sliceIdOf(a, attempt), sliceIdOf(b, attempt)];
        expect(parseSliceId(x)).toBe(x);
        expect(Math.sign(a - b)).toBe(x < y ? -1 : Number(x > y));
        expect(sliceIdOf(a, attempt + 1)).not.toBe(x);
      }),
    );
  });
});
