/** `keyturn demo`, what `npm start` runs: a whole run against a simulated fleet, and an honest summary. Layer: cli. */
import path from 'node:path';
import type { Command } from 'commander';
import { reportRun } from '../../app/report-run.ts';
import type { Clock } from '../../domain/ports.ts';
import type { Rotation } from '../../domain/rotation.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { createDirectLog, createFileLog, type DemoLog } from '../demo/demo-log.ts';
import { saveDemoReport } from '../demo/demo-report.ts';
import { compareWithTruth } from '../demo/demo-result.ts';
import { inDemoWorld } from '../demo/demo-world.ts';
import { followDemo } from '../demo/follow-demo.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { positiveNumber, wholeNumber } from '../parse-options.ts';
import { createProgress, progressForm } from '../progress.ts';
import { demoLines, demoOpening } from '../render/demo-lines.ts';
import { createStyle } from '../render/style.ts';

export interface DemoOptions extends CommonOptions {
  readonly devices: number;
  readonly seed: number;
  readonly speed: number;
  readonly verbose?: boolean;
  readonly html?: string;
}

/** Chosen: an hour takes 1.8 seconds, so a day's worth of looks is over within a minute. */
const SPEED = 2_000;
/** Chosen: what a laptop plans and settles within the compressed delays. */
const MOST_DEMO_DEVICES = 20_000;
/** Above this, delays between looks are shorter than queues can keep, and the figures would depend on the machine. */
const MOST_DEMO_SPEED = 4_000;

/** Declares the command. */
export function addDemoCommand(program: Command, act: (options: DemoOptions) => Promise<void>): void {
  program
    .command('demo')
    .description('a whole run against a simulated fleet on this machine, accelerated; what `npm start` runs')
    .option('--devices <n>', 'how many simulated devices', wholeNumber(1, MOST_DEMO_DEVICES), 2_000)
    .option('--seed <s>', 'the same seed makes the same devices', wholeNumber(0, 2 ** 31 - 1), 1)
    .option('--speed <x>', 'how many times faster time passes', positiveNumber(MOST_DEMO_SPEED), SPEED)
    .option('--verbose', "write the functions' log lines to standard error instead of a file")
    .option('--html <file>', "write the run's report there; else it lies beside the log")
    .option('--json', 'print the summary as one JSON document')
    .action(act);
}

/** Exit code 1 when the figures disagree or a rule of Graph was broken. */
export async function demoCommand(context: CliContext, options: DemoOptions): Promise<ExitCode> {
  const { clock } = context.machine;
  const log = await openLog(context, options, clock);
  try {
    return await demo(context, options, clock, log);
  } catch (error) {
    if (log.file !== undefined) context.terminal.err.write(`The functions' log: ${log.file}\n`);
    throw error;
  } finally {
    await log.close();
  }
}

async function demo(context: CliContext, options: DemoOptions, clock: Clock, log: DemoLog): Promise<ExitCode> {
  const { err } = context.terminal;
  // Lines drawn over and log lines do not mix.
  const form = options.verbose === true ? 'plain' : progressForm(err, options);
  const progress = createProgress(err, clock, form);
  const startedAtMs = clock.nowMs();
  for (const line of demoOpening(options)) progress.note(line);

  const { devices, seed, speed } = options;
  const onStep = (step: string) => progress.note(`- ${step}`);
  return inDemoWorld({ devices, seed, speed, clock, log, onStep }, async (world) => {
    const { tenant, services, settings } = world;
    const { ledger } = services.storage;
    const run = await followDemo({ world, progress, form, signal: context.stopping });
    const report = await reportRun(ledger, run);
    const rotations: Rotation[] = [];
    for await (const page of ledger.rotationPages(run.runId)) rotations.push(...page);
    const result = compareWithTruth({ report, rotations, truth: [...tenant.truth.devices()], referee: tenant.referee });
    const reportFile = await saveDemoReport(services.storage.reportFiles, run, reportPath(context, options, log));
    const summary = {
      result,
      report,
      speed,
      tookMs: clock.nowMs() - startedAtMs,
      settings: settings.shown,
      notListed: tenant.truth.size - report.devices,
      ...(log.file === undefined ? {} : { logFile: log.file }),
      ...(reportFile === undefined ? {} : { reportFile }),
    };
    printResult(context, options, { ...summary, seed }, (style, columns) => demoLines(summary, style, columns));
    return result.agrees ? EXIT.done : EXIT.failed;
  });
}

/** `undefined`: nowhere. */
function reportPath(context: CliContext, { html }: DemoOptions, { file }: DemoLog): string | undefined {
  if (html !== undefined) return path.resolve(context.directory, html);
  return file === undefined ? undefined : path.join(path.dirname(file), 'report.html');
}

async function openLog(context: CliContext, options: DemoOptions, clock: Clock): Promise<DemoLog> {
  const { err } = context.terminal;
  return options.verbose === true
    ? createDirectLog(clock, createStyle(err.hasColor), (line) => err.write(`${line}\n`))
    : createFileLog(clock);
}
