#!/usr/bin/env node
/** The `keyturn` executable: hands this process's streams, signals and environment to the program. Layer: cli. */
import { createMachine } from '../composition-machine.ts';
import { readEnvironment } from '../config.ts';
import { EXIT } from './exit-code.ts';
import { createInterrupt } from './interrupt.ts';
import { runProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

const environment = readEnvironment();
const terminal = createTerminal({ out: process.stdout, err: process.stderr }, environment);
const interrupt = createInterrupt(
  process,
  () => terminal.err.write('\nStopping; what is in hand is finished and saved first. Ctrl-C again quits at once.\n'),
  () => process.exit(EXIT.failed),
);
process.exitCode = await runProgram(process.argv.slice(2), {
  environment,
  terminal,
  input: () => process.stdin,
  machine: createMachine(),
  directory: process.cwd(),
  stopping: interrupt.signal,
});
interrupt.dispose();
