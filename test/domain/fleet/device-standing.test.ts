import { describe, expect, it } from 'vitest';
import { type AskedFacts, deviceStanding, type NewestKey } from '../../../src/domain/fleet/device-standing.ts';

const asked = (changes: Partial<AskedFacts>): AskedFacts => ({
  afterMs: 100,
  keyBeforeId: 'before',
  isDone: false,
  isGivenUp: false,
  ...changes,
});
const key = (changes: Partial<NewestKey> = {}): NewestKey => ({
  keyId: 'after',
  createdAtMs: 101,
  isImported: false,
  ...changes,
});

describe('a device that was asked', () => {
  it.each([
    ['is dangerous when it is done and escrow holds no key', { isDone: true }, undefined, 'rotatedWithoutKey'],
    [
      'is dangerous when its key is the one from before',
      { isDone: true },
      key({ keyId: 'before' }),
      'rotatedWithoutKey',
    ],
    ['is dangerous when its key is not younger', { isDone: true }, key({ createdAtMs: 100 }), 'rotatedWithoutKey'],
    ['is dangerous behind an imported key', { isDone: true }, key({ isImported: true }), 'rotatedWithoutKey'],
    ['is dangerous rather than silent', { isDone: true, isGivenUp: true }, undefined, 'rotatedWithoutKey'],
    ['is safe with a newer key', { isDone: true, isGivenUp: true }, key(), undefined],
    ['is silent once given up on', { isGivenUp: true }, key({ createdAtMs: 99 }), 'neverAnswered'],
    ['is no longer silent with a newer key', { isGivenUp: true }, key(), undefined],
    ['is nothing yet while its run looks', {}, undefined, undefined],
  ] as const)('%s', (_title, facts, newest, expected) => {
    expect(deviceStanding(asked(facts), newest)).toBe(expected);
  });
});
