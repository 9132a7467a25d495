import { describe, expect, it } from 'vitest';
import { hresult, moment, percent, plural, span } from '../../src/domain/plain-figures.ts';

describe('a span of time', () => {
  it.each([
    [-5, '0 s'],
    [0, '0 s'],
    [44, '44 ms'],
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
    [0, '0 %', '0 %'],
    [0.0004, 'under 1 %', 'under 0.1 %'],
    [0.004, 'under 1 %', '0.4 %'],
    [0.29, '29 %', '29 %'],
    [0.9996, '99 %', '99.9 %'],
    [1, '100 %', '100 %'],
  ])('of %d is %s, or with a decimal %s', (share, whole, exact) => {
    expect([percent(share), percent(share, 1)]).toEqual([whole, exact]);
  });
});

it('numbers are counted in words', () => {
  expect([plural(1, 'device'), plural(2_000, 'device'), plural(2, 'canary', 'canaries')]).toEqual([
    '1 device',
    '2,000 devices',
    '2 canaries',
  ]);
});

it('an instant is told in UTC, to the minute', () => {
  expect(moment(Date.UTC(2026, 10, 22, 20, 15, 59))).toBe('2026-11-22 20:15');
});

it.each([
  [-2_016_281_112, '0x87D1FDE8'],
  [2_278_686_184, '0x87D1FDE8'],
  [5, '0x00000005'],
])('error code %d is told as %s, as Microsoft writes it', (code, expected) => {
  expect(hresult(code)).toBe(expected);
});
