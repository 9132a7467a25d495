/** One row of a CSV of recovery keys: from cells to checked values, or to everything that is wrong with it. Pure. Layer: app. */
import {
  type EscrowKey,
  type EscrowOperation,
  type EscrowVolume,
  isEscrowCreation,
  parseEscrowInstant,
  parseEscrowVolume,
} from '../../domain/escrow.ts';
import { isGuid, parseEntraDeviceId, parseRecoveryKeyId } from '../../domain/ids.ts';
import { parseRecoveryPassword } from '../../domain/recovery-password.ts';
import { isPathSegment } from '../../domain/targets.ts';

/** The columns there are, as they are documented; letter case does not matter. */
export const ESCROW_COLUMNS = [
  'userId',
  'deviceId',
  'volumeType',
  'recoveryPassword',
  'keyId',
  'createdDateTime',
] as const;
export type EscrowColumn = (typeof ESCROW_COLUMNS)[number];

/** What a header must have. Any other column of ours may be there as well. */
export const REQUIRED_COLUMNS: Readonly<Record<EscrowOperation, readonly EscrowColumn[]>> = {
  add: ['userId', 'deviceId', 'volumeType', 'recoveryPassword'],
  update: ['deviceId', 'volumeType', 'recoveryPassword'],
};

/** A row that may be sent. */
export interface EscrowRow {
  /** Of an add; a user's object id or user principal name. */
  readonly userId?: string;
  readonly key: EscrowKey;
}

/** What is wrong with a cell, in words of ours that hold nothing of it. */
export interface CellProblem {
  readonly column: EscrowColumn;
  readonly rule: string;
}

export type ParsedEscrowRow =
  | { readonly row: EscrowRow; readonly problems?: never }
  | { readonly problems: readonly CellProblem[]; readonly row?: never };

/** The rule for each column, in words that follow its name. A cell that breaks it may hold a password in the wrong place: it is not shown. */
const RULES = {
  userId:
    'must be a user\'s object id or user principal name, without / \\ ? # % (of a guest, whose name has a "#", give the object id)',
  deviceId: "must be the device's Entra device id, a GUID that is not all zeros",
  volumeType: 'must be operatingSystemVolume, fixedDataVolume or removableDataVolume',
  keyId: 'must be a recovery key id, a GUID',
  createdDateTime: 'must be an ISO 8601 date and time with its zone, from 2006 until now, such as 2026-11-22T20:15:00Z',
} as const satisfies Partial<Record<EscrowColumn, string>>;

/** A text that is mostly digits is a password in the wrong column rather than the name of a user. */
const isUserId = (text: string): boolean =>
  isPathSegment(text) && text.length <= 256 && !/\d{6}\D?\d{6}\D?\d{6}/.test(text);

/** Reads the cells, blanks around them aside. Every problem is named, not only the first. `nowMs`: our clock; no key is younger. */
export function parseEscrowRow(
  operation: EscrowOperation,
  cell: (column: EscrowColumn) => string | undefined,
  nowMs: number,
): ParsedEscrowRow {
  const problems: CellProblem[] = [];
  const text = (column: EscrowColumn): string => cell(column)?.trim() ?? '';

  function checked<T>(column: keyof typeof RULES, value: T | undefined): T | undefined {
    if (value === undefined) problems.push({ column, rule: RULES[column] });
    return value;
  }
  function optional<T>(column: keyof typeof RULES, parse: (given: string) => T | undefined): T | undefined {
    const given = text(column);
    return given === '' ? undefined : checked(column, parse(given));
  }

  const userId =
    operation === 'add' ? checked('userId', isUserId(text('userId')) ? text('userId') : undefined) : undefined;
  const entraDeviceId = checked('deviceId', parseEntraDeviceId(text('deviceId')));
  const volumeType: EscrowVolume | undefined = checked('volumeType', parseEscrowVolume(text('volumeType')));
  const { password, problem } = parseRecoveryPassword(text('recoveryPassword'));
  if (problem !== undefined) problems.push({ column: 'recoveryPassword', rule: problem });
  const keyId = optional('keyId', (given) => (isGuid(given) ? parseRecoveryKeyId(given) : undefined));
  const createdAtMs = optional('createdDateTime', (given) => {
    const atMs = parseEscrowInstant(given);
    return atMs !== undefined && isEscrowCreation(atMs, nowMs) ? atMs : undefined;
  });

  if (problems.length > 0 || entraDeviceId === undefined || volumeType === undefined || password === undefined) {
    return { problems };
  }
  return {
    row: {
      ...(userId === undefined ? {} : { userId }),
      key: {
        entraDeviceId,
        volumeType,
        password,
        ...(keyId === undefined ? {} : { keyId }),
        ...(createdAtMs === undefined ? {} : { createdAtMs }),
      },
    },
  };
}
