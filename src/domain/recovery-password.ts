/** The one value that holds a recovery password, and shows it to nobody. Only the escrow operations make one. Layer: domain. */

declare const brand: unique symbol;

/**
 * A checked recovery password. However it is printed, serialised, inspected, copied or joined to a text, `[recovery password]` or nothing at
 * all comes out: the digits are no part of the object.
 */
export interface RecoveryPassword {
  readonly [brand]: true;
  toString(): string;
  toJSON(): string;
}

/** What came of reading one. `problem` follows "recovery password:", names groups by position, and never holds a digit of them. */
export type ParsedRecoveryPassword =
  | { readonly password: RecoveryPassword; readonly problem?: never }
  | { readonly problem: string; readonly password?: never };

const SHOWN = '[recovery password]';

/** Where the digits are. Keyed by the object, so that they are gone with it, and cannot be reached from it. */
const DIGITS = new WeakMap<RecoveryPassword, string>();

const show = (): string => SHOWN;
const PROTOTYPE: object = Object.freeze(
  Object.create(null, {
    toString: { value: show },
    toJSON: { value: show },
    valueOf: { value: show },
    toLocaleString: { value: show },
    [Symbol.toPrimitive]: { value: show },
    [Symbol.toStringTag]: { value: 'RecoveryPassword' },
    // What `util.inspect`, the console and assertion messages ask for. Source: Node.js documentation, `util.inspect.custom` (read 2026-11-22).
    [Symbol.for('nodejs.util.inspect.custom')]: { value: show },
  }),
);

/** Source: Windows documentation, "BitLocker recovery password": eight groups, each a 16-bit value times eleven (read 2026-11-22). */
const GROUPS = 8;
const DIVISOR = 11;
const GROUP_LIMIT = DIVISOR * 2 ** 16;

/**
 * Reads eight groups of six digits with hyphens or blanks between them; blanks around them do not matter.
 * Each group must be divisible by 11 and below 720,896. Every bad group is named.
 */
export function parseRecoveryPassword(text: string): ParsedRecoveryPassword {
  const groups = text.trim().split(/\s*-\s*|\s+/);
  if (groups.length === 1 && groups[0] === '') return { problem: 'is missing' };
  if (groups.length !== GROUPS) {
    const came = groups.length === 1 ? '1 group' : `${groups.length} groups`;
    return { problem: `must be eight groups of six digits with hyphens or blanks between them, came as ${came}` };
  }
  const problems = groups.flatMap((group, i) => {
    const problem = problemOf(group);
    return problem === undefined ? [] : [`group ${i + 1} is ${problem}`];
  });
  if (problems.length > 0) return { problem: problems.join(', ') };
  const password = Object.freeze(Object.create(PROTOTYPE)) as RecoveryPassword;
  DIGITS.set(password, groups.join('-'));
  return { password };
}

function problemOf(group: string): string | undefined {
  if (!/^[0-9]{6}$/.test(group)) return 'not six digits';
  if (Number(group) % DIVISOR !== 0) return 'not divisible by 11';
  return Number(group) >= GROUP_LIMIT ? 'not below 720,896' : undefined;
}

/**
 * The 48 digits, eight groups with hyphens: for the body of an escrow request, and nothing else. The architecture test lets no file but
 * `graph/escrow.ts` name this function.
 * @throws {TypeError} for an object that only looks like one, such as a copy.
 */
export function revealRecoveryPassword(password: RecoveryPassword): string {
  const digits = DIGITS.get(password);
  if (digits === undefined) throw new TypeError('this is not a recovery password, or a copy of one');
  return digits;
}
