/** `keyturn plan`: what a run would do and why; nothing is sent. Layer: cli. */
import type { Command } from 'commander';
import { reportRun } from '../../app/report-run.ts';
import { startFleetRun } from '../../app/start-run.ts';
import { countEligible } from '../../domain/eligibility.ts';
import type { Ledger } from '../../domain/ledger.ts';
import type { Run } from '../../domain/run.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { createCarrier } from '../drive/carry-on.ts';
import { closingOf } from '../drive/closing.ts';
import { isEnded } from '../drive/stage.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { planLines } from '../render/plan-lines.ts';
import { runLines } from '../render/run-lines.ts';
import { openServices } from './open-services.ts';
import { readPlan } from './read-plan.ts';

/** Declares the command. */
export function addPlanCommand(program: Command, act: (options: CommonOptions) => Promise<void>): void {
  program
    .command('plan')
    .description('what a run would do and why; nothing is sent')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A device can be asked when no rule keeps it from it, whatever its keys; of these, those with an old key or none are due.
While a live run plans or asks, that run is shown instead. \`npx keyturn run --live\` does what is planned.`,
    )
    .action(act);
}

/** Sends nothing in any mode, so it works in any. @throws {SettingsError} {@link StorageError} {@link GraphError} */
export async function planCommand(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const services = await openServices(context);
  const carrier = createCarrier(context, services, options, 'dryRun');
  const { ledger } = carrier.deps;
  const { run } = await startFleetRun(carrier.deps, { trigger: 'commandLine', mode: 'dryRun' });
  if (run.mode === 'live') return showInProgress(context, options, ledger, run);

  const end = await carrier.carryOn(run.runId, 'settled');
  const now = (await ledger.readRun(run.runId))?.value ?? run;
  const closing = closingOf(end, now);
  const plan = isEnded(now) ? await readPlan(services, now) : undefined;
  const document =
    plan === undefined
      ? { plan: await reportRun(ledger, now), complete: false }
      : {
          plan: plan.report,
          complete: true,
          canBeAsked: countEligible(plan.report.devices, plan.report.skipped),
          leastSendingMs: plan.leastMs,
          first: plan.first,
        };
  printResult(context, options, { ...document, message: closing.message }, (style, columns) => [
    ...(plan === undefined ? [] : [...planLines(plan, style, columns), '']),
    closing.message,
  ]);
  return closing.exitCode;
}

/** A plan made beside a live run would count devices that the run is about to ask. */
async function showInProgress(
  context: CliContext,
  options: CommonOptions,
  ledger: Ledger,
  run: Run,
): Promise<ExitCode> {
  const report = await reportRun(ledger, run);
  printResult(context, options, { plan: null, inProgress: report }, (style, columns) => [
    'A live run is in progress, so none is planned beside it. This is how it stands:',
    '',
    ...runLines(report, style, columns),
  ]);
  return EXIT.done;
}
