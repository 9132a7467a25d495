import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DueFacts, type DueRules, decideDue, ON_DEMAND_FLOOR_MS } from '../../src/domain/due.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 22, 2);
const SCHEDULED: DueRules = { nowMs: NOW_MS, minKeyAgeMs: 7 * DAY_MS, maxKeyAgeMs: 90 * DAY_MS };
const ON_DEMAND: DueRules = { nowMs: NOW_MS, minKeyAgeMs: ON_DEMAND_FLOOR_MS };
const ago = (ms: number) => NOW_MS - ms;

function said(facts: Partial<DueFacts>, rules: DueRules): string {
  const decision = decideDue({ keyCount: 1, ...facts }, rules);
  return decision.kind === 'skipped' ? decision.reason : decision.kind;
}

describe('decideDue on schedule', () => {
  it.each<[string, Partial<DueFacts>, string]>([
    ['no key in escrow', { keyCount: 0 }, 'due'],
    ['a key older than the maximum age', { newestKeyAtMs: ago(90 * DAY_MS + 1) }, 'due'],
    ['a key of exactly the maximum age', { newestKeyAtMs: ago(90 * DAY_MS) }, 'notDue'],
    ['a key of the minimum age', { newestKeyAtMs: ago(7 * DAY_MS) }, 'notDue'],
    ['a younger key', { newestKeyAtMs: ago(7 * DAY_MS - 1) }, 'keyTooYoung'],
    ['a key from the future', { newestKeyAtMs: ago(-DAY_MS) }, 'keyTooYoung'],
    [
      'an old key, asked within the minimum age',
      { newestKeyAtMs: ago(100 * DAY_MS), lastRequestAtMs: ago(6 * DAY_MS) },
      'keyTooYoung',
    ],
    ['no key, asked within the minimum age', { keyCount: 0, lastRequestAtMs: ago(1) }, 'keyTooYoung'],
    [
      'an old key, asked the minimum age ago',
      { newestKeyAtMs: ago(100 * DAY_MS), lastRequestAtMs: ago(7 * DAY_MS) },
      'due',
    ],
    ['not due, asked lately', { newestKeyAtMs: ago(30 * DAY_MS), lastRequestAtMs: ago(DAY_MS) }, 'notDue'],
    ['194 keys', { keyCount: 194, newestKeyAtMs: ago(100 * DAY_MS) }, 'due'],
    ['195 keys', { keyCount: 195, newestKeyAtMs: ago(100 * DAY_MS) }, 'keyLimitReached'],
    ['195 keys of other volumes', { keyCount: 195 }, 'keyLimitReached'],
  ])('%s', (_what, facts, answer) => {
    expect(said(facts, SCHEDULED)).toBe(answer);
  });
});

describe('decideDue on demand', () => {
  it.each<[string, Partial<DueFacts>, string]>([
    ['a key of an hour', { newestKeyAtMs: ago(3_600_000) }, 'due'],
    ['a younger key', { newestKeyAtMs: ago(3_599_999) }, 'keyTooYoung'],
    ['asked an hour ago', { newestKeyAtMs: ago(DAY_MS), lastRequestAtMs: ago(3_600_000) }, 'due'],
    ['asked within the hour', { newestKeyAtMs: ago(DAY_MS), lastRequestAtMs: ago(3_599_999) }, 'keyTooYoung'],
    ['no key', { keyCount: 0 }, 'due'],
    ['195 keys', { keyCount: 195 }, 'keyLimitReached'],
  ])('%s', (_what, facts, answer) => {
    expect(said(facts, ON_DEMAND)).toBe(answer);
  });

  it('never says that a device is not due', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat({ max: 200 * DAY_MS }), (keyCount, ageMs) => {
        expect(said({ keyCount, newestKeyAtMs: ago(ageMs) }, ON_DEMAND)).not.toBe('notDue');
      }),
    );
  });
});

it('never follows a key or a request younger than the minimum age by another request', () => {
  const age = fc.option(fc.integer({ min: -DAY_MS, max: 200 * DAY_MS }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.nat({ max: 200 }),
      age,
      age,
      fc.constantFrom(SCHEDULED, ON_DEMAND),
      (keyCount, keyAge, asked, rules) => {
        const facts = {
          keyCount,
          ...(keyAge === undefined ? {} : { newestKeyAtMs: ago(keyAge) }),
          ...(asked === undefined ? {} : { lastRequestAtMs: ago(asked) }),
        };
        if (said(facts, rules) !== 'due') return;
        expect(keyAge ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(rules.minKeyAgeMs);
        expect(asked ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(rules.minKeyAgeMs);
        expect(keyCount).toBeLessThan(195);
      },
    ),
  );
});
