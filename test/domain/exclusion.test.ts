import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createExclusion, isExclusionPattern } from '../../src/domain/exclusion.ts';
import { parseManagedDeviceId } from '../../src/domain/ids.ts';

const ID = parseManagedDeviceId('0f0e0d0c-1111-4222-8333-444455556666');
const OTHER_ID = parseManagedDeviceId('99999999-1111-4222-8333-444455556666');
const named = (deviceName: string) => ({ managedDeviceId: OTHER_ID, deviceName });

describe('createExclusion', () => {
  it('excludes nothing when nothing is listed', () => {
    expect(createExclusion([])(named('KIOSK-1'))).toBe(false);
  });

  it('excludes a device by its managed device id, whatever its name', () => {
    const isExcluded = createExclusion([ID]);
    expect(isExcluded({ managedDeviceId: ID, deviceName: 'LAPTOP-1' })).toBe(true);
    expect(isExcluded(named('LAPTOP-1'))).toBe(false);
    expect(isExcluded(named(ID))).toBe(false);
  });

  it.each([
    ['KIOSK-*', 'kiosk-17', true],
    ['KIOSK-*', 'KIOSK-', true],
    ['KIOSK-*', 'MY-KIOSK-1', false],
    ['*kiosk*', 'MY-KIOSK-1', true],
    ['PC-??', 'PC-12', true],
    ['PC-??', 'PC-1', false],
    ['PC-[0-4]*', 'PC-399', true],
    ['PC-[0-4]*', 'PC-599', false],
    ['*', '.hidden', true],
    ['ANNA (OLD)', 'Anna (old)', true],
    ['ANNA (OLD|NEW)', 'Anna new', false],
    ['A+B', 'AAB', false],
    ['A+B', 'a+b', true],
    ['PC-+(1|2)', 'PC-1', false],
    ['LAB.*', 'LABX1', false],
    ['BÜRO-*', 'büro-1', true],
  ])('%j against the name %j: %s', (pattern, deviceName, excluded) => {
    expect(isExclusionPattern(pattern)).toBe(true);
    expect(createExclusion([pattern])(named(deviceName))).toBe(excluded);
  });

  it.each(['', '!KIOSK-*', 'PC-{1,2}', 'PC-[1', 'PC-1]', 'PC-[]', 'PC-[z-a]'])(
    'does not accept the pattern %j',
    (pattern) => {
      expect(isExclusionPattern(pattern)).toBe(false);
    },
  );

  it('a name without wildcards excludes itself, in any letter case, and no longer name', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abXY01 -_.()+@$^|!&#'), minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(name.filter(isExclusionPattern), (deviceName) => {
        const isExcluded = createExclusion([deviceName]);
        expect(isExcluded(named(deviceName))).toBe(true);
        expect(isExcluded(named(deviceName.toUpperCase()))).toBe(true);
        expect(isExcluded(named(`${deviceName}x`))).toBe(false);
      }),
    );
  });
});
