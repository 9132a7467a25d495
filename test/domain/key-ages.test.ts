import { expect, it } from 'vitest';
import { KEY_AGE_CLASSES, keyAgeClass, noKeyAges } from '../../src/domain/key-ages.ts';

const NOW_MS = Date.UTC(2026, 10, 22);
const daysAgo = (days: number) => NOW_MS - days * 24 * 3_600_000;

it.each([
  [undefined, 'none'],
  [daysAgo(-1), 'under30Days'],
  [daysAgo(0), 'under30Days'],
  [daysAgo(29.99), 'under30Days'],
  [daysAgo(30), 'under90Days'],
  [daysAgo(90), 'under180Days'],
  [daysAgo(180), 'under365Days'],
  [daysAgo(364.99), 'under365Days'],
  [daysAgo(365), 'older'],
  [0, 'older'],
] as const)('a newest key of %s counts as %s', (createdAtMs, expected) => {
  expect(keyAgeClass(createdAtMs, NOW_MS)).toBe(expected);
});

it('every class has a count to begin with', () => {
  expect(Object.keys(noKeyAges())).toEqual([...KEY_AGE_CLASSES]);
});
