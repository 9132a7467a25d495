/** `keyturn doctor`: settings, storage, token and its roles, Graph, devices, clocks, runs; and what to do about each. Layer: cli. */
import type { Command } from 'commander';
import { examine } from '../../app/doctor/examine.ts';
import { createDoctor } from '../../composition-doctor.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { features, WITH_HELP } from '../feature-options.ts';
import { createProgress } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { doctorLines } from '../render/doctor-lines.ts';

export interface DoctorOptions extends CommonOptions {
  readonly with?: readonly string[];
}

/** Declares the command. */
export function addDoctorCommand(program: Command, act: (options: DoctorOptions) => Promise<void>): void {
  program
    .command('doctor')
    .description(
      'checks settings, storage, token and roles, Graph, devices, clocks and runs; says what to do about each',
    )
    .option('--with <features>', WITH_HELP, features)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Rotates nothing and sends no message. Reads one page or one device of each endpoint; writes and deletes one row (Budgets)
and one blob (work/doctor/probe) to try the roles on storage.

Examples:
  $ npx keyturn doctor
  $ npx keyturn doctor --json | jq '.checks[] | select(.status == "fail")'

Exit codes: 0 nothing failed, 1 something did.`,
    )
    .action(act);
}

/** Goes on after a failure. @throws the reason of `context.stopping`. */
export async function doctorCommand(context: CliContext, options: DoctorOptions): Promise<ExitCode> {
  const { clock, printable } = context.machine;
  const progress = createProgress(context.terminal.err, clock, 'plain');
  // What `warn` lines say is in the findings.
  const { deps, close } = createDoctor(context.environment, options.with ?? [], (level) =>
    createProgressLogger(progress, level === 'debug' ? level : 'error', printable),
  );
  try {
    const diagnosis = await examine(deps, context.stopping);
    printResult(context, options, diagnosis, (style, columns) => doctorLines(diagnosis, style, columns));
    return diagnosis.ok ? EXIT.done : EXIT.failed;
  } finally {
    await close();
  }
}
