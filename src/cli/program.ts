/** The command line: parses it, runs one command, and answers with an exit code. Layer: cli. */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { addDemoCommand, demoCommand } from './commands/demo.ts';
import { addDoctorCommand, doctorCommand } from './commands/doctor.ts';
import { addEscrowCommand, escrowCommand } from './commands/escrow-command.ts';
import { addFleetCommand, fleetCommand } from './commands/fleet.ts';
import { addGrantCommand, grantCommand } from './commands/grant.ts';
import { addHostCommand, hostCommand } from './commands/host.ts';
import { addPlanCommand, planCommand } from './commands/plan.ts';
import { addReportCommand, reportCommand } from './commands/report.ts';
import { addRequestCommand, requestCommand } from './commands/request.ts';
import { addRequeueCommand, requeueCommand } from './commands/requeue.ts';
import { addRunCommand, runCommand } from './commands/run.ts';
import { addSimulateCommand, simulateCommand } from './commands/simulate.ts';
import { addStatusCommand, statusCommand } from './commands/status.ts';
import { addVerifyCommand, verifyCommand } from './commands/verify.ts';
import type { CliContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { explainError } from './explain-error.ts';
import { createStyle } from './render/style.ts';
import { visible } from './render/text.ts';

/** Never throws: whatever goes wrong is explained on standard error. @param args without node and script. */
export async function runProgram(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const act = (work: Promise<ExitCode>): Promise<void> =>
    work.then((code) => {
      exitCode = code;
    });
  try {
    await createProgram(context, act).parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return complain(context, error);
  }
}

function complain(context: CliContext, error: unknown): ExitCode {
  const { err } = context.terminal;
  if (context.stopping.aborted && error === context.stopping.reason) {
    err.write('Stopped.\n');
    return EXIT.failed;
  }
  const { lines, exitCode } = explainError(
    error,
    context.environment.LOG_LEVEL === 'debug' ? 'full' : 'message',
    context.machine.printable,
  );
  const style = createStyle(err.hasColor);
  // A message may quote what came from outside.
  const shown = lines.flatMap((line) => line.split('\n')).map(visible);
  err.write(`${style.bad('error:')} ${shown.join('\n')}\n`);
  return exitCode;
}

/** The whole grammar of the command line; parsing runs the command, whose work is handed to `act`. */
export function createProgram(context: CliContext, act: (work: Promise<ExitCode>) => Promise<void>): Command {
  const { out, err } = context.terminal;
  const program = new Command('keyturn')
    .description(
      'Rotates BitLocker recovery keys across an Intune fleet, proves every rotation, and keeps the evidence.',
    )
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      // Whatever is quoted was typed by someone, perhaps in the wrong place.
      outputError: (text, write) => write(context.machine.printable(text)),
      getOutHelpWidth: out.columns,
      getErrHelpWidth: err.columns,
      getOutHasColors: () => out.hasColor,
      getErrHasColors: () => err.hasColor,
    })
    .showHelpAfterError('(see npx keyturn --help)')
    .addHelpText(
      'after',
      '\nBegin with `npx keyturn demo`, then `npx keyturn plan`. Settings are environment variables: see README.md.\nExit codes: 0 the work was done, 1 aborted or faulted, 2 usage or configuration.',
    );
  addDemoCommand(program, (options) => act(demoCommand(context, options)));
  addPlanCommand(program, (options) => act(planCommand(context, options)));
  addRunCommand(program, (options) => act(runCommand(context, options)));
  addRequestCommand(program, (options) => act(requestCommand(context, options)));
  addStatusCommand(program, (run, options) => act(statusCommand(context, run, options)));
  addFleetCommand(program, (options) => act(fleetCommand(context, options)));
  addReportCommand(program, (run, options) => act(reportCommand(context, run, options)));
  addVerifyCommand(program, (file, options) => act(verifyCommand(context, file, options)));
  addRequeueCommand(program, (ids, options) => act(requeueCommand(context, ids, options)));
  addHostCommand(program, (options) => act(hostCommand(context, options)));
  addSimulateCommand(program, (options) => act(simulateCommand(context, options)));
  addGrantCommand(program, (options) => act(grantCommand(context, options)));
  addDoctorCommand(program, (options) => act(doctorCommand(context, options)));
  for (const command of program.commands) command.showHelpAfterError(`(see npx keyturn ${command.name()} --help)`);
  // Escrow says something of its own.
  addEscrowCommand(program, (operation, options) => act(escrowCommand(context, operation, options)));
  return program;
}
