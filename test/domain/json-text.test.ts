import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText } from '../../src/domain/json-text.ts';

const nested = (depth: number, inner: string): string =>
  Array.from({ length: depth }, (_, i) => (i % 2 === 0 ? '[1,' : '{"é\\n":')).join('') +
  inner +
  Array.from({ length: depth }, (_, i) => ((depth - 1 - i) % 2 === 0 ? ',"x"]' : ',"y":[]}')).join('');

describe('the text of a JSON value', () => {
  it('is what JSON.stringify makes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonText(value)).toBe(JSON.stringify(value));
      }),
    );
    expect(jsonText(undefined)).toBe('');
  });

  it('is the same where JSON.stringify runs out of stack', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = nested(20_000, JSON.stringify(value));
        const parsed: unknown = JSON.parse(text);
        expect(() => JSON.stringify(parsed)).toThrow(RangeError);
        expect(jsonText(parsed)).toBe(text);
      }),
      { numRuns: 20 },
    );
  });
});
