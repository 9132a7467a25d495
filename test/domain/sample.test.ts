import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededSample } from '../../src/domain/sample.ts';

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('seededSample', () => {
  it('is a subset of the wanted size, in the order of the items, each at most once', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer()), fc.nat({ max: 50 }), seed, (items, count, n) => {
        const sample = seededSample(items, count, n);
        expect(sample).toHaveLength(Math.min(count, items.length));
        expect(sample).toEqual(items.filter((item) => sample.includes(item)));
      }),
    );
  });

  it('is the same for the same seed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat({ max: 50 }), seed, (items, count, n) => {
        expect(seededSample(items, count, n)).toEqual(seededSample([...items], count, n));
      }),
    );
  });

  it('is another one for another seed', () => {
    const items = Array.from({ length: 1_000 }, (_, i) => i);
    const samples = Array.from({ length: 20 }, (_, n) => seededSample(items, 20, n).join());
    expect(new Set(samples).size).toBe(20);
  });

  it('favours nobody: over many seeds every item is chosen about as often', () => {
    const items = Array.from({ length: 20 }, (_, i) => i);
    const chosen = new Map<number, number>();
    for (let n = 0; n < 4_000; n++) {
      for (const item of seededSample(items, 5, n)) chosen.set(item, (chosen.get(item) ?? 0) + 1);
    }
    // Expected 1,000 each; five standard deviations are 137.
    for (const item of items) expect(Math.abs((chosen.get(item) ?? 0) - 1_000)).toBeLessThan(140);
  });
});
