import { expect, it } from 'vitest';
import { KEY_AGE_WORDS as FLEET_WORDS } from '../../src/cli/render/fleet-words.ts';
import { KEY_AGE_CLASSES, KEY_AGE_WORDS, keyAgeClass, noKeyAges } from '../../src/domain/key-ages.ts';

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

it('a class is called the same in a report and in the fleet', () => {
  for (const name of KEY_AGE_CLASSES.filter((one) => one !== 'none'))
    expect(FLEET_WORDS[name]).toBe(KEY_AGE_WORDS[name].toLowerCase());
  expect(Object.values(KEY_AGE_WORDS)).toEqual([
    'Under 30 days',
    '30 to 90 days',
    '90 to 180 days',
    '180 days to a year',
    'Over a year',
    'No key known',
  ]);
});
