import { describe, expect, it } from 'vitest';
import { parseSchedule, resolveSetting } from '../../src/local/timer-schedule.ts';

const occurrences = (expression: string, after: string, count: number): string[] => {
  const schedule = parseSchedule(expression);
  const found: string[] = [];
  for (let atMs = Date.parse(after); found.length < count; ) {
    atMs = schedule.nextAfterMs(atMs);
    found.push(new Date(atMs).toISOString());
  }
  return found;
};

describe('timer schedule', () => {
  it.each([
    ['0 0 2 * * *', '2026-11-22T01:59:59.999Z', ['2026-11-22T02:00:00.000Z', '2026-11-23T02:00:00.000Z']],
    ['0 0 2 * * *', '2026-11-22T02:00:00.000Z', ['2026-11-23T02:00:00.000Z']],
    ['*/20 * * * * *', '2026-11-22T23:59:30.500Z', ['2026-11-22T23:59:40.000Z', '2026-11-23T00:00:00.000Z']],
    ['0 30 9 * Jan Mon-Fri', '2026-12-31T00:00:00.000Z', ['2027-01-01T09:30:00.000Z', '2027-01-04T09:30:00.000Z']],
    ['0 0 0 * * 0', '2026-11-20T00:00:00.000Z', ['2026-11-22T00:00:00.000Z', '2026-11-29T00:00:00.000Z']],
    ['0 5,35 */12 * * *', '2026-11-22T00:10:00.000Z', ['2026-11-22T00:35:00.000Z', '2026-11-22T12:05:00.000Z']],
  ])('%s after %s comes when it should, in UTC', (expression, after, expected) => {
    expect(occurrences(expression, after, expected.length)).toEqual(expected);
  });

  it('needs both the day and the day of week to match', () => {
    expect(occurrences('0 0 0 13 * 5', '2026-11-14T00:00:00.000Z', 1)).toEqual(['2027-08-13T00:00:00.000Z']);
  });

  it('keeps UTC over a change of daylight saving time', () => {
    expect(occurrences('0 30 2 * * *', '2026-03-28T12:00:00.000Z', 2)).toEqual([
      '2026-03-29T02:30:00.000Z',
      '2026-03-30T02:30:00.000Z',
    ]);
  });

  it.each([
    ['0 0 2 * *', '5 fields instead of 6'],
    ['', '1 fields instead of 6'],
    ['@daily', '1 fields instead of 6'],
    ['0 0 25 * * *', 'hour'],
    ['0 61 2 * * *', 'minute'],
    ['0 0 2 L * *', '"L" is not a field'],
    ['0 0 2 ? * *', '"?" is not a field'],
    ['0 0 2 * * 7', 'day of week goes from 0 to 6'],
    ['0 0 2 * * 5#2', '"5#2" is not a field'],
    ['0 0 2 30 2 *', 'never occurs'],
    ['01:00:00', '1 fields instead of 6'],
  ])('refuses %s with the reason', (expression, reason) => {
    expect(() => parseSchedule(expression)).toThrow(
      expect.objectContaining({ kind: 'schedule', message: expect.stringContaining(reason) }),
    );
  });

  it('tells schedules that come more than once a minute', () => {
    expect(parseSchedule('*/5 * * * * *').everyFewSeconds).toBe(true);
    expect(parseSchedule('0 * * * * *').everyFewSeconds).toBe(false);
    expect(parseSchedule('0 0 2 * * *').everyFewSeconds).toBe(false);
  });
});

describe('settings in triggers', () => {
  it('takes the setting between percent signs from the environment', () => {
    expect(resolveSetting('%ROTATION_SCHEDULE%', { ROTATION_SCHEDULE: ' 0 0 2 * * * ' })).toBe('0 0 2 * * *');
    expect(resolveSetting('rotation-runs', {})).toBe('rotation-runs');
    expect(resolveSetting('%A%-%B%', { A: 'x', B: 'y' })).toBe('x-y');
  });

  it.each([[{}], [{ ROTATION_SCHEDULE: '' }], [{ ROTATION_SCHEDULE: '  ' }]])(
    'names the setting that is not set in %j',
    (environment) => {
      expect(() => resolveSetting('%ROTATION_SCHEDULE%', environment)).toThrow(
        expect.objectContaining({ kind: 'setting', message: expect.stringContaining('ROTATION_SCHEDULE') }),
      );
    },
  );
});
