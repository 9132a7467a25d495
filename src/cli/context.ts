/** What every command is given. Layer: cli. */
import type { Machine } from '../composition-machine.ts';
import type { Environment } from '../config.ts';
import type { StandardInput } from './escrow/standard-input.ts';
import { jsonDocument } from './json-document.ts';
import { createStyle, type Style } from './render/style.ts';
import type { Terminal } from './terminal.ts';

export interface CliContext {
  readonly environment: Environment;
  readonly terminal: Terminal;
  /** Standard input; opened by whoever asks for it first, since an open one may keep the process alive. */
  readonly input: () => StandardInput;
  readonly machine: Machine;
  /** Where the command was called. */
  readonly directory: string;
  /** Aborted by the first Ctrl-C or SIGTERM: finish what is in hand and stop. */
  readonly stopping: AbortSignal;
}

/** On every command. */
export interface CommonOptions {
  readonly json?: boolean;
}

/** Prints the result: one JSON document, or lines for people. */
export function printResult(
  context: CliContext,
  options: CommonOptions,
  document: unknown,
  lines: (style: Style, columns: number) => readonly string[],
): void {
  const { out } = context.terminal;
  const text =
    options.json === true ? jsonDocument(document) : lines(createStyle(out.hasColor), out.columns()).join('\n');
  out.write(`${text}\n`);
}
