import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bar, stackedBar } from '../../../src/cli/render/bar.ts';

describe('a bar', () => {
  it.each([
    [0, '░░░░░░░░░░'],
    [0.001, '█░░░░░░░░░'],
    [0.5, '█████░░░░░'],
    [0.999, '█████████░'],
    [1, '██████████'],
    [1.5, '██████████'],
  ])('at %d of 1 looks like %s', (share, expected) => {
    expect(bar(share, 10)).toBe(expected);
  });

  it('stacks its parts in order, each in its paint', () => {
    const tag = (name: string) => (text: string) => `<${name}${text.length}>`;
    const parts = [
      { share: 0.5, paint: tag('a') },
      { share: 0, paint: tag('b') },
      { share: 0.25, paint: tag('c') },
    ];
    expect(stackedBar(parts, 8)).toBe('<a4><c2>░░');
  });

  it('is as wide as asked for, and full exactly when its parts are the whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 8 }),
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        (counts, rest, columns) => {
          const whole = counts.reduce((sum, n) => sum + n, rest);
          const text = stackedBar(
            counts.map((n) => ({ share: whole === 0 ? 0 : n / whole })),
            columns,
          );
          expect(text).toHaveLength(columns);
          expect(!text.includes('░')).toBe(whole > 0 && rest === 0);
        },
      ),
    );
  });
});
