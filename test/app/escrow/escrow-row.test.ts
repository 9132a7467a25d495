import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEscrowHeader } from '../../../src/app/escrow/escrow-header.ts';
import { ESCROW_COLUMNS, type EscrowColumn, parseEscrowRow } from '../../../src/app/escrow/escrow-row.ts';
import { revealRecoveryPassword } from '../../../src/domain/recovery-password.ts';
import { digitsOf } from './escrow-world.ts';

const NOW_MS = Date.UTC(2026, 10, 23);
type Cells = Partial<Record<EscrowColumn, string>>;
const GOOD: Cells = {
  userId: 'ada@contoso.com',
  deviceId: '11111111-0000-4000-8000-000000000001',
  volumeType: 'operatingSystemVolume',
  recoveryPassword: digitsOf(1),
};
const parse = (cells: Cells, operation: 'add' | 'update' = 'add') =>
  parseEscrowRow(operation, (column) => cells[column], NOW_MS);

describe('a row', () => {
  it('is read into checked values, blanks around cells aside', () => {
    const { row } = parse({
      userId: ' ada@contoso.com ',
      deviceId: ' 1111111A-0000-4000-8000-000000000001',
      volumeType: 'FixedDataVolume ',
      recoveryPassword: ` ${digitsOf(1)} `,
      keyId: '33333333-0000-4000-8000-00000000000A',
      createdDateTime: '2026-11-22T20:15:00Z',
    });
    expect(row).toMatchObject({
      userId: 'ada@contoso.com',
      key: {
        entraDeviceId: '1111111a-0000-4000-8000-000000000001',
        volumeType: 'fixedDataVolume',
        keyId: '33333333-0000-4000-8000-00000000000a',
        createdAtMs: Date.UTC(2026, 10, 22, 20, 15),
      },
    });
    expect(row === undefined ? '' : revealRecoveryPassword(row.key.password)).toBe(digitsOf(1));
  });

  it.each<[EscrowColumn, string, string]>([
    ['userId', '', 'object id or user principal name'],
    ['userId', 'a/b', 'without / \\ ? # %'],
    ['userId', '..', 'object id or user principal name'],
    ['userId', 'bob_contoso.com#EXT#@fabrikam.com', 'of a guest, whose name has a "#", give the object id'],
    ['userId', digitsOf(1), 'object id or user principal name'],
    ['userId', 'x'.repeat(257), 'object id or user principal name'],
    ['deviceId', '', "the device's Entra device id"],
    ['deviceId', 'LT-1', 'a GUID'],
    ['deviceId', '00000000-0000-0000-0000-000000000000', 'not all zeros'],
    ['volumeType', '', 'operatingSystemVolume, fixedDataVolume or removableDataVolume'],
    ['volumeType', 'unknownFutureValue', 'must be operatingSystemVolume'],
    ['volumeType', '1', 'must be operatingSystemVolume'],
    ['recoveryPassword', '', 'is missing'],
    ['recoveryPassword', `${digitsOf(1).slice(0, -1)}x`, 'group 8 is not six digits'],
    ['keyId', 'x', 'recovery key id, a GUID'],
    ['createdDateTime', '22.11.2026', 'ISO 8601'],
    ['createdDateTime', '2026-02-30T08:00:00Z', 'ISO 8601'],
    ['createdDateTime', '9999-12-31T23:59:59Z', 'from 2006 until now'],
    ['createdDateTime', '2026-11-23T00:05:01Z', 'from 2006 until now'],
    ['createdDateTime', '2005-12-31T23:59:59Z', 'from 2006 until now'],
  ])('is not sent with a %s of %j: %s', (column, value, rule) => {
    const { problems, row } = parse({ ...GOOD, [column]: value });
    expect(row).toBeUndefined();
    expect(problems).toEqual([{ column, rule: expect.stringContaining(rule) }]);
  });

  it('needs no user to be updated', () => {
    const { userId: _, ...rest } = GOOD;
    expect(parse(rest, 'update').row).not.toHaveProperty('userId');
    expect(parse(rest).problems).toMatchObject([{ column: 'userId' }]);
  });

  it('names everything that is wrong with it, and quotes nothing of it', () => {
    const cell = fc.oneof(fc.string(), fc.constant(digitsOf(5)), fc.constantFrom(...Object.values(GOOD)));
    fc.assert(
      fc.property(fc.record(Object.fromEntries(ESCROW_COLUMNS.map((column) => [column, cell]))), (cells) => {
        const { problems = [], row } = parse(cells as Cells);
        expect(row === undefined).toBe(problems.length > 0);
        for (const { rule } of problems) expect(rule).not.toContain(digitsOf(5).slice(0, 6));
        expect(new Set(problems.map(({ column }) => column)).size).toBe(problems.length);
      }),
    );
    expect(parse({}).problems?.map(({ column }) => column)).toEqual([
      'userId',
      'deviceId',
      'volumeType',
      'recoveryPassword',
    ]);
  });
});

describe('a header', () => {
  it('is found in any order and letter case', () => {
    expect(parseEscrowHeader('add', ['RECOVERYPASSWORD', ' deviceid', 'userId', 'VolumeType', 'keyID']).header).toEqual(
      {
        columns: { recoveryPassword: 0, deviceId: 1, userId: 2, volumeType: 3, keyId: 4 },
        width: 5,
        ignored: [],
      },
    );
  });

  it('may have other columns, which are told by name as far as it is one', () => {
    const names = ['Computer', 'userId', 'deviceId', 'volumeType', 'recoveryPassword', digitsOf(1), '12345678', ''];
    expect(parseEscrowHeader('add', names).header?.ignored).toEqual(['Computer', 'column 6', 'column 7', 'column 8']);
  });

  it.each([
    ['add', [], 'the header must name userId, deviceId, volumeType, recoveryPassword'],
    ['update', ['deviceId'], 'the header must name volumeType, recoveryPassword'],
    ['add', ['ada@contoso.com', 'x', 'y', digitsOf(1)], 'the header must name userId, deviceId'],
    ['update', ['deviceId', 'DeviceId', 'volumeType', 'recoveryPassword'], 'the column deviceId is there twice'],
  ] as const)('of %s must not be %j', (operation, names, problem) => {
    const problems = parseEscrowHeader(operation, names).problems?.join('; ') ?? '';
    expect(problems).toContain(problem);
    expect(problems).not.toContain('ada@');
    expect(problems).not.toMatch(/\d{6}/);
  });
});
