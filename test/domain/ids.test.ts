import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isGuid,
  parseEntraDeviceId,
  parseManagedDeviceId,
  parseRecoveryKeyId,
  parseRunId,
  parseSliceId,
  parseTenantId,
} from '../../src/domain/ids.ts';

const UPPER = '0F0E0D0C-1111-4222-8333-44445555ABCD';
const ZERO = '00000000-0000-0000-0000-000000000000';
const NO_GUIDS: readonly unknown[] = [
  '',
  'LT-00001',
  '0f0e0d0c1111422283334444555566660',
  '{0f0e0d0c-1111-4222-8333-444455556666}',
  '0f0e0d0c-1111-4222-8333-44445555666',
  '0f0e0d0c-1111-4222-8333-4444555566666',
  '0g0e0d0c-1111-4222-8333-444455556666',
  ' 0f0e0d0c-1111-4222-8333-444455556666',
  '0f0e0d0c-1111-4222-8333-444455556666\n',
  null,
  undefined,
  7,
  {},
  [UPPER],
];

const required = [
  ['tenant id', parseTenantId],
  ['managed device id', parseManagedDeviceId],
  ['recovery key id', parseRecoveryKeyId],
] as const;

describe('GUIDs', () => {
  it('are one GUID in any letter case, kept in lower case', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.boolean(), (guid, upper) => {
        const given = upper ? guid.toUpperCase() : guid;
        expect(isGuid(given)).toBe(true);
        for (const [, parse] of required) expect(parse(given)).toBe(guid.toLowerCase());
        expect(parseEntraDeviceId(given)).toBe(guid.toLowerCase());
      }),
    );
  });

  it.each(NO_GUIDS)('are not made of %j', (value) => {
    expect(isGuid(value)).toBe(false);
    expect(parseEntraDeviceId(value)).toBeUndefined();
    for (const [what, parse] of required) expect(() => parse(value)).toThrow(`${what} must be a GUID, got`);
  });

  it('name the value that was refused', () => {
    expect(() => parseManagedDeviceId('LT-00001')).toThrow('got "LT-00001"');
    expect(() => parseManagedDeviceId(undefined)).toThrow('got nothing');
  });

  it('of all zeros mean that there is no Entra device', () => {
    expect(parseEntraDeviceId(ZERO)).toBeUndefined();
    expect(parseManagedDeviceId(ZERO)).toBe(ZERO);
  });
});

describe('run ids and slice ids', () => {
  it.each(['a', '20261122-020000-1a2b3c4d', UPPER, 'x'.repeat(64)])('takes %s as a run id', (id) => {
    expect(parseRunId(id)).toBe(id);
  });

  it.each(['', 'x'.repeat(65), 'a/b', 'a b', 'ä', '../x', 'a\n', 7, undefined])('refuses %j as a run id', (id) => {
    expect(() => parseRunId(id)).toThrow('run id must be 1 to 64 letters, digits and hyphens');
  });

  it.each(['0000120-0', '0999999-12', '9999999-9999'])('takes %s as a slice id', (id) => {
    expect(parseSliceId(id)).toBe(id);
  });

  it.each(['120-0', '0000120', '0000120-', '0000120-12345', '00001200-0', 'x000120-0', 120, null])(
    'refuses %j as a slice id',
    (id) => {
      expect(() => parseSliceId(id)).toThrow('slice id must look like 0000120-0');
    },
  );
});
