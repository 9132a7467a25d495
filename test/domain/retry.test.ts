import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, classifyStatus, decideRetry, isPassingStatus } from '../../src/domain/retry.ts';

describe('classifyStatus', () => {
  it.each([
    [200, 'ok'],
    [204, 'ok'],
    [301, 'unexpected'],
    [100, 'unexpected'],
    [400, 'refused'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'notFound'],
    [405, 'refused'],
    [408, 'transient'],
    [409, 'refused'],
    [410, 'notFound'],
    [429, 'throttled'],
    [500, 'transient'],
    [503, 'transient'],
    [509, 'transient'],
  ])('calls %i %s', (status, expected) => {
    expect(classifyStatus(status)).toBe(expected);
  });
});

describe('isPassingStatus', () => {
  it.each([0, 408, 424, 429, 500, 503, 504, 599])(
    'is true of %i, which says nothing of what was asked for',
    (status) => {
      expect(isPassingStatus(status)).toBe(true);
    },
  );

  it.each([200, 204, 302, 400, 401, 403, 404, 410, 423])('is false of %i, which will be the same again', (status) => {
    expect(isPassingStatus(status)).toBe(false);
  });
});

describe('backoffMs', () => {
  it('doubles from half a second to thirty, half of it drawn', () => {
    expect([1, 2, 3, 7, 8, 50].map((attempts) => backoffMs(attempts, 0))).toEqual([
      250, 500, 1000, 15_000, 15_000, 15_000,
    ]);
    expect([1, 2, 3, 7, 8].map((attempts) => backoffMs(attempts, 0.5))).toEqual([375, 750, 1500, 22_500, 22_500]);
  });
});

describe('decideRetry', () => {
  const facts = { attempts: 1, maxAttempts: 8, retryAfterMs: undefined, nowMs: 0, deadlineAtMs: 60_000, random: 0 };

  it('gives up after the last attempt, and when the wait would pass the deadline', () => {
    expect(decideRetry(facts)).toEqual({ kind: 'retry', delayMs: 250 });
    expect(decideRetry({ ...facts, attempts: 8 })).toEqual({ kind: 'giveUp', because: 'attempts', delayMs: 15_000 });
    expect(decideRetry({ ...facts, nowMs: 59_751 })).toEqual({ kind: 'giveUp', because: 'deadline', delayMs: 250 });
    expect(decideRetry({ ...facts, nowMs: 59_750 })).toEqual({ kind: 'retry', delayMs: 250 });
  });

  it('never waits less than asked, nor past the deadline', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined }),
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempts, retryAfterMs, deadlineAtMs, random) => {
          const decision = decideRetry({ attempts, maxAttempts: 8, retryAfterMs, nowMs: 0, deadlineAtMs, random });
          expect(decision.delayMs).toBeGreaterThanOrEqual(retryAfterMs ?? 0);
          if (decision.kind === 'retry') expect(decision.delayMs).toBeLessThanOrEqual(deadlineAtMs);
          if (attempts >= 8) expect(decision.kind).toBe('giveUp');
        },
      ),
    );
  });
});
