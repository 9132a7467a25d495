import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readPassword } from '../../../src/cli/escrow/read-password.ts';
import type { StandardInput } from '../../../src/cli/escrow/standard-input.ts';
import { withoutDigits } from '../../../src/cli/escrow/without-digits.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';
import { type RecoveryPassword, revealRecoveryPassword } from '../../../src/domain/recovery-password.ts';
import { digitsOf } from '../../app/escrow/escrow-world.ts';
import { rejection } from '../../graph/fakes.ts';

const DIGITS = digitsOf(1);
const idle = new AbortController().signal;

function read(text: string): Promise<RecoveryPassword> {
  const shown: string[] = [];
  return readPassword(Readable.from([Buffer.from(text)]), { write: (more) => shown.push(more) }, idle);
}

describe('a recovery password on standard input', () => {
  it.each([DIGITS, `${DIGITS}\n`, `${DIGITS}\r\n`, `\n${DIGITS}\n\n`, `\uFEFF${DIGITS}`, DIGITS.replaceAll('-', ' ')])(
    'is one line: %#',
    async (text) => {
      expect(revealRecoveryPassword(await read(text))).toBe(DIGITS);
    },
  );

  it.each([
    ['nothing', '', 'Nothing came on standard input'],
    ['blanks', ' \n', 'Nothing came on standard input'],
    ['two lines', `${DIGITS}\n${DIGITS}\n`, 'must be one line'],
    ['a whole file', `${DIGITS},`.repeat(10_000), 'must be one line'],
    ['a wrong group', `${DIGITS.slice(0, -1)}x`, 'group 8 is not six digits'],
    ['half of it', DIGITS.slice(0, 27), 'came as 4 groups'],
  ])('is not %s', async (_what, text, message) => {
    const error = await rejection(read(text));
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(message);
    for (const group of DIGITS.split('-')) expect(String(error)).not.toContain(group);
  });

  it('is not waited for once stopped', async () => {
    const stop = new AbortController();
    const input = new Readable({ read: () => undefined });
    const reading = readPassword(input, { write: () => undefined }, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(reading).rejects.toThrow('stopped');
  });
});

describe('a recovery password typed at a terminal', () => {
  function terminal() {
    const modes: boolean[] = [];
    const input: StandardInput = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (mode: boolean) => modes.push(mode),
    });
    const shown: string[] = [];
    const reading = readPassword(input, { write: (text) => shown.push(text) }, idle);
    return { input: input as unknown as PassThrough, modes, shown, reading };
  }

  it('is asked for, and not echoed', async () => {
    const { input, modes, shown, reading } = terminal();
    for (const key of `${DIGITS.slice(0, 20)}9\b${DIGITS.slice(20)}\r`) input.write(key);
    expect(revealRecoveryPassword(await reading)).toBe(DIGITS);
    expect(shown.join('')).toBe('Recovery password (it is not shown): \n');
    // The terminal echoes only what is typed outside raw mode.
    expect(modes).toEqual([true, false]);
  });

  it.each([
    ['Ctrl-C', '\u0003', 'Stopped'],
    ['Ctrl-D', '\u0004', 'No recovery password was given'],
    ['Enter', '\r', 'No recovery password was given'],
  ])('may be left out with %s', async (_what, key, message) => {
    const { input, modes, shown, reading } = terminal();
    input.write(key);
    await expect(reading).rejects.toThrow(message);
    expect(modes.at(-1)).toBe(false);
    expect(shown.join('')).not.toMatch(/\d/);
  });
});

describe('what is quoted of the command line', () => {
  it.each([
    [`error: too many arguments. Expected 0 arguments but got 1: ${DIGITS}.`, ': [not shown].'],
    [`argument '${DIGITS.slice(0, -1)}' is invalid`, "argument '[not shown]' is invalid"],
    [`but got 3: ${DIGITS.split('-').join(', ')}.`, 'but got 3: [not shown].'],
    [`unknown command '${DIGITS.replaceAll('-', '')}'`, "'[not shown]'"],
    ["argument 'LT-FRA-00001' is invalid", "'LT-FRA-00001'"],
  ])('loses its digits: %#', (text, expected) => {
    expect(withoutDigits(text)).toContain(expected);
    expect(withoutDigits(text)).not.toMatch(/\d{6}/);
  });
});
