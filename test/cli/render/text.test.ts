import { describe, expect, it } from 'vitest';
import { createStyle } from '../../../src/cli/render/style.ts';
import { clip, percent, plural, span, width, wrap } from '../../../src/cli/render/text.ts';

describe('a span of time', () => {
  it.each([
    [-5, '0 s'],
    [0, '0 s'],
    [440, '0.4 s'],
    [9_940, '9.9 s'],
    [61_000, '1 min 1 s'],
    [80_000, '1 min 20 s'],
    [3_600_000, '1 h'],
    [3_599_600, '1 h'],
    [90_061_000, '1 d 1 h'],
    [86_400_000 + 60_000, '1 d'],
  ])('of %d ms is %s', (ms, expected) => {
    expect(span(ms)).toBe(expected);
  });
});

describe('a share', () => {
  it.each([
    [0, '0 %'],
    [0.0004, 'under 1 %'],
    [0.29, '29 %'],
    [0.999, '99 %'],
    [1, '100 %'],
  ])('of %d is %s', (share, expected) => {
    expect(percent(share)).toBe(expected);
  });
});

describe('texts', () => {
  it('count in words', () => {
    expect([plural(1, 'device'), plural(2_000, 'device'), plural(2, 'canary', 'canaries')]).toEqual([
      '1 device',
      '2,000 devices',
      '2 canaries',
    ]);
  });

  it('are cut to the width, colours not counted and none left open', () => {
    const red = createStyle(true).bad('0123456789');
    expect(width(red)).toBe(10);
    expect(clip(red, 10)).toBe(red);
    expect(clip(red, 6)).toBe('01234…');
  });

  it('break at blanks', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('unbreakable word', 5)).toEqual(['unbreakable', 'word']);
  });
});
