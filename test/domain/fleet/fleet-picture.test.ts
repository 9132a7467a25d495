import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changesSince,
  FLEET_FIGURES,
  type FleetPicture,
  readPicture,
} from '../../../src/domain/fleet/fleet-picture.ts';
import { KEY_AGE_CLASSES } from '../../../src/domain/key-ages.ts';
import { SKIP_REASONS } from '../../../src/domain/rotation.ts';

const count = fc.nat({ max: 1_000_000 });
const counts = <Name extends string>(names: readonly Name[]): fc.Arbitrary<Record<Name, number>> =>
  fc
    .array(count, { minLength: names.length, maxLength: names.length })
    .map((all) => Object.fromEntries(names.map((name, i) => [name, all[i] ?? 0])) as Record<Name, number>);
const instant = fc
  .date({ min: new Date('2020-01-01T00:00:00Z'), max: new Date('2090-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString());

const picture: fc.Arbitrary<FleetPicture> = fc
  .tuple(counts(FLEET_FIGURES), counts(KEY_AGE_CLASSES), counts(SKIP_REASONS), instant, fc.option(instant))
  .map(([figures, keyAges, ineligible, at, silentSince]) => ({
    tenantId: '7e570000-0000-4000-8000-000000000001',
    at,
    ...figures,
    keyAges,
    ineligible,
    ...(silentSince === null ? {} : { silentSince }),
  }));

describe('a picture', () => {
  it('that was kept is read as it was', () => {
    fc.assert(
      fc.property(picture, (one) => {
        expect(readPicture(JSON.parse(JSON.stringify(one)))).toEqual(one);
      }),
    );
  });

  it('differs from itself in nothing, and from another in exactly the figures that are not the same', () => {
    fc.assert(
      fc.property(picture, picture, (before, now) => {
        expect(changesSince(now, now)).toEqual([]);
        const changes = changesSince(before, now);
        for (const name of FLEET_FIGURES) {
          const expected = before[name] === now[name] ? [] : [{ name, before: before[name], now: now[name] }];
          expect(changes.filter((change) => change.name === name)).toEqual(expected);
        }
        for (const name of KEY_AGE_CLASSES)
          expect(changes.some((change) => change.name === `keyAges.${name}`)).toBe(
            before.keyAges[name] !== now.keyAges[name],
          );
      }),
    );
  });
});

describe('what is no picture', () => {
  it.each([
    ['nothing', undefined],
    ['text', 'fleet'],
    ['an empty object', {}],
    ['a figure that is missing', { neverAnswered: undefined }],
    ['a figure that is no number', { devices: '5' }],
    ['a figure below zero', { devices: -1 }],
    ['an age that is missing', { keyAges: {} }],
    ['an instant that is none', { at: 'yesterday' }],
  ])('is not read: %s', (_what, changes) => {
    const [whole] = fc.sample(picture, { numRuns: 1, seed: 1 });
    const given = typeof changes === 'object' && Object.keys(changes).length > 0 ? { ...whole, ...changes } : changes;
    expect(readPicture(given)).toBeUndefined();
  });
});
