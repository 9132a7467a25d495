import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHttpDate, parseRetryAfter } from '../../src/domain/retry-after.ts';

const START_MS = Date.UTC(2026, 10, 22, 12);
const date = (offsetMs: number) => new Date(START_MS + offsetMs).toUTCString();

describe('parseRetryAfter', () => {
  it.each([
    ['absent', undefined, undefined],
    ['empty', '', undefined],
    ['whole seconds', '120', 120_000],
    ['a fraction', '2.128', 2128],
    ['a fraction below a millisecond, rounded up', '0.0001', 1],
    ['zero', '0', 0],
    ['a number, as in JSON', 7, 7000],
    ['surrounding blanks', ' 5 ', 5000],
    ['a day', '86400', 86_400_000],
    ['half a year, not clamped', '15552000', 15_552_000_000],
    ['an HTTP date', date(90_000), 90_000],
    ['an HTTP date of now', date(0), 0],
    ['an RFC 850 date', 'Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
    ['an ISO date', new Date(START_MS + 1500).toISOString(), 1500],
    ['a past date', date(-60_000), undefined],
    ['a negative number', '-5', undefined],
    ['a negative fraction', '-0.5', undefined],
    ['words', 'soon', undefined],
    ['a number with a unit', '5s', undefined],
    ['exponents', '1e3', undefined],
    ['so many digits that no date can hold it', '9'.repeat(40), undefined],
    ['infinity', Number.POSITIVE_INFINITY, undefined],
    ['null', null, undefined],
    ['an object', {}, undefined],
  ])('reads %s', (_name, value, expected) => {
    expect(parseRetryAfter(value, START_MS)).toBe(expected);
  });

  it('is a floor: never less than the seconds asked for, and at most a millisecond more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: 0, max: 999_999 }), (whole, micros) => {
        const text = `${whole}.${String(micros).padStart(6, '0')}`;
        const ms = parseRetryAfter(text, START_MS) ?? Number.NaN;
        expect(ms).toBeGreaterThanOrEqual(whole * 1000 + Math.floor(micros / 1000));
        expect(ms).toBeLessThan(Number(text) * 1000 + 1.001);
        expect(Number.isInteger(ms)).toBe(true);
      }),
    );
  });

  it('gives nothing or a whole, finite, non-negative wait, whatever the header says', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.double(),
          fc.date({ noInvalidDate: true }).map((d) => d.toUTCString()),
        ),
        (value) => {
          const ms = parseRetryAfter(value, START_MS);
          expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
        },
      ),
    );
  });
});

describe('parseHttpDate', () => {
  it.each(['120', '-5', '2026', '', 'Sunny, today', 'Sun, 99 Nov 2026 12:00:00 GMT'])('refuses %j', (value) => {
    expect(parseHttpDate(value)).toBeUndefined();
  });
});
