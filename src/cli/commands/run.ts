/** `keyturn run`: one run from this machine, with the same code as the functions. Layer: cli. */
import type { Command } from 'commander';
import { reportRun } from '../../app/report-run.ts';
import { startRequest } from '../../app/start-request.ts';
import { startFleetRun } from '../../app/start-run.ts';
import type { ManagedDeviceId, RunId } from '../../domain/ids.ts';
import type { Run } from '../../domain/run.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { type Carrier, createCarrier } from '../drive/carry-on.ts';
import { closingOf } from '../drive/closing.ts';
import { isEnded } from '../drive/stage.ts';
import type { ExitCode } from '../exit-code.ts';
import { managedDeviceIds } from '../parse-options.ts';
import { planLines } from '../render/plan-lines.ts';
import { runLines } from '../render/run-lines.ts';
import { checkedRequest } from '../request-options.ts';
import { UsageError } from '../usage-error.ts';
import { openServices } from './open-services.ts';
import { readPlan } from './read-plan.ts';

export interface RunOptions extends CommonOptions {
  readonly live?: boolean;
  readonly device?: readonly ManagedDeviceId[];
  readonly wait?: boolean;
}

/** Declares the command. */
export function addRunCommand(program: Command, act: (options: RunOptions) => Promise<void>): void {
  program
    .command('run')
    .description(
      'one run from this machine against the configured tenant; carries on the run in progress if there is one',
    )
    .option('--live', 'send requests although ROTATION_MODE is dryRun (never when it is off)')
    .option('--device <id...>', 'only these devices, by managed device id', managedDeviceIds)
    .option('--wait', 'stay until every request is settled, not only sent')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Unless ROTATION_MODE is live or --live is given, it is a dry run: it plans, reports and sends nothing.
Ctrl-C saves the place. The next \`run\` carries on a run over the fleet that still plans or asks; once everything is sent, a run
only settles, and the next \`run\` starts a new one. --wait settles what earlier runs have sent, too.

Examples:
  $ npx keyturn run                  a dry run
  $ npx keyturn run --live --wait    canaries, proof, the fleet, and every look until all is settled

Exit codes: 0 the work was done, whatever devices answered, 1 aborted, stopped or faulted, 2 usage or configuration.`,
    )
    .action(act);
}

/** @throws {UsageError} {@link SettingsError} {@link StorageError} {@link GraphError} */
export async function runCommand(context: CliContext, options: RunOptions): Promise<ExitCode> {
  const services = await openServices(context);
  if (services.settings.mode === 'off') {
    throw new UsageError(
      'ROTATION_MODE is off: no run is started and none carried on, with --live or without. Set it to dryRun or live first.',
    );
  }
  const mode = options.live === true ? 'live' : services.settings.mode;
  const carrier = createCarrier(context, services, options, mode);
  const { ledger } = carrier.deps;
  const until = options.wait === true ? 'settled' : 'sent';

  let run = await start(carrier, options, mode, services.random.guid() as RunId);
  let end = await carrier.carryOn(run.runId, until);
  // A dry run that was in progress is not what was asked for: once it has ended, the live one follows.
  while (mode === 'live' && run.mode === 'dryRun' && end.kind === 'finished') {
    carrier.progress.note(`The dry run ${run.runId} that was in progress is finished; the live run follows.`);
    run = await start(carrier, options, mode, services.random.guid() as RunId);
    end = await carrier.carryOn(run.runId, until);
  }

  if (options.wait === true && options.device === undefined && end.kind === 'finished') await settleOthers(carrier);

  run = (await ledger.readRun(run.runId))?.value ?? run;
  const report = await reportRun(ledger, run);
  const closing = closingOf(end, run);
  const plan = run.mode === 'dryRun' && isEnded(run) ? await readPlan(services, run) : undefined;
  const document = {
    end: end.kind,
    message: closing.message,
    run: report,
    ...(plan === undefined ? {} : { first: plan.first }),
  };
  printResult(context, options, document, (style, columns) => [
    ...(plan === undefined ? runLines(report, style, columns) : planLines(plan, style, columns)),
    '',
    closing.message,
  ]);
  return closing.exitCode;
}

/** Earlier runs whose last request was sent by a `run` without `--wait` have looks to come too. */
async function settleOthers(carrier: Carrier): Promise<void> {
  const settling: RunId[] = [];
  for await (const { runId, state } of carrier.deps.ledger.listRuns({ unfinished: true })) {
    if (state === 'settling') settling.push(runId);
  }
  for (const runId of settling) {
    carrier.progress.note(`Run ${runId} still has looks to come; settling it too.`);
    const end = await carrier.carryOn(runId, 'settled');
    if (end.kind !== 'finished') return;
  }
}

async function start(carrier: Carrier, options: RunOptions, mode: Run['mode'], runId: RunId): Promise<Run> {
  const { deps, progress } = carrier;
  if (options.device !== undefined) {
    const targets = options.device.map((managedDeviceId) => ({ managedDeviceId }));
    const request = checkedRequest({ targets }, deps.settings);
    const started = await startRequest(deps, { runId, trigger: 'commandLine', mode, request });
    if (started.kind === 'refused') throw new UsageError(started.reason);
    return started.run;
  }
  const { run, isNew } = await startFleetRun(deps, { trigger: 'commandLine', mode });
  progress.note(
    isNew
      ? `Run ${run.runId} started${run.mode === 'dryRun' ? ' as a dry run: nothing is sent' : ''}.`
      : `Run ${run.runId} is in progress (${run.mode === 'dryRun' ? 'dry run' : 'live'}); carrying it on.`,
  );
  return run;
}
