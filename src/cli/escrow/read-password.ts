/** One recovery password from standard input: a line, or typed without echo. Layer: cli. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { parseRecoveryPassword, type RecoveryPassword } from '../../domain/recovery-password.ts';
import type { Output } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import type { StandardInput } from './standard-input.ts';

/** Chosen: a password has 55 characters; what is longer is something else, and is not read to its end. */
const MOST_CHARACTERS = 1_024;

const NOT_GIVEN = 'No recovery password was given; nothing was sent.';

/**
 * Reads it and checks it. Typed characters are shown nowhere.
 * @throws {UsageError} that names the bad group by its position, and never holds a digit. @throws the signal's reason.
 */
export async function readPassword(
  input: StandardInput,
  prompt: Pick<Output, 'write'>,
  signal: AbortSignal,
): Promise<RecoveryPassword> {
  const text = input.isTTY === true ? await typed(input, prompt, signal) : await piped(input, signal);
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
  if (lines.length > 1) {
    throw new UsageError('Standard input must be one line, the recovery password. For many keys, see --csv.');
  }
  if (lines.length === 0) {
    throw new UsageError(
      input.isTTY === true ? NOT_GIVEN : 'Nothing came on standard input: it must be one line, the recovery password.',
    );
  }
  const { password, problem } = parseRecoveryPassword((lines[0] ?? '').replace(/^\uFEFF/, ''));
  if (password === undefined)
    throw new UsageError(`The recovery password on standard input cannot be right: ${problem}.`);
  return password;
}

async function piped(input: StandardInput, signal: AbortSignal): Promise<string> {
  const stop = () => input.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let text = '';
  try {
    for await (const chunk of input.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length > MOST_CHARACTERS) {
        throw new UsageError(
          'Standard input must be one line, the recovery password; this is longer. For many keys, see --csv.',
        );
      }
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
    input.destroy();
  }
  signal.throwIfAborted();
  return text;
}

/** The line editor writes what is typed to its output, so it gets one that goes nowhere. */
async function typed(input: StandardInput, prompt: Pick<Output, 'write'>, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const editor = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  const given = new AbortController();
  // While it is typed, Ctrl-C is a character like any other, and Ctrl-D ends the input.
  editor.on('SIGINT', () => given.abort(new UsageError('Stopped; nothing was sent.')));
  editor.on('close', () => given.abort(new UsageError(NOT_GIVEN)));
  prompt.write('Recovery password (it is not shown): ');
  try {
    return await editor.question('', { signal: AbortSignal.any([given.signal, signal]) });
  } catch (error) {
    throw signal.aborted ? signal.reason : given.signal.aborted ? given.signal.reason : error;
  } finally {
    prompt.write('\n');
    editor.close();
  }
}
