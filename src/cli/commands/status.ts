/** `keyturn status`: where runs, one run, or one device stand. Layer: cli. */
import type { Command } from 'commander';
import type { DeviceId } from '../../app/device-history.ts';
import { inOrder } from '../../app/in-order.ts';
import { latestRuns } from '../../app/latest-runs.ts';
import { type OutlookDeps, reportOutlook } from '../../app/report-outlook.ts';
import { reportQuarantine } from '../../app/report-quarantine.ts';
import { reportRun } from '../../app/report-run.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Run } from '../../domain/run.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { createCarrier } from '../drive/carry-on.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { deviceId, runId, wholeNumber } from '../parse-options.ts';
import { quarantineLines } from '../render/quarantine-lines.ts';
import { runLines } from '../render/run-lines.ts';
import { outlookLines, type RunStatus, statusTable } from '../render/status-lines.ts';
import type { Style } from '../render/style.ts';
import { UsageError } from '../usage-error.ts';
import { openForReading } from './open-services.ts';
import { showDevice } from './show-device.ts';

export interface StatusOptions extends CommonOptions {
  readonly device?: DeviceId;
  /** Finished runs to list. */
  readonly last?: number;
}

/** Chosen: a screen of them. */
const FINISHED_RUNS = 10;
/** Chosen: more than anybody reads. */
const MOST_FINISHED_RUNS = 100_000;
/** Runs that are read together. Chosen: as the ledger's own requests. */
const READ_AT_ONCE = 16;

/** Declares the command. */
export function addStatusCommand(
  program: Command,
  act: (run: RunId | undefined, options: StatusOptions) => Promise<void>,
): void {
  program
    .command('status')
    .description('where the latest runs, one run, or one device stand, and what is in quarantine')
    .argument('[run]', 'id of a run, or of a request', runId)
    .option('--device <id>', 'one device, by Entra device id or managed device id', deviceId)
    .option(
      '--last <n>',
      `how many finished runs to list (default: ${FINISHED_RUNS}); those that are not finished are all listed`,
      wholeNumber(1, MOST_FINISHED_RUNS),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ npx keyturn status                            every run that is not finished, and the latest that are
  $ npx keyturn status --last 100                 more of them
  $ npx keyturn status 20261123-023525-ec28de85   one run; the id of a request is that of its run
  $ npx keyturn status --device ID                one device, and its history in all runs`,
    )
    .action(act);
}

/** @throws {UsageError} for a run or device that the ledger does not know. @throws {SettingsError} {@link StorageError} */
export async function statusCommand(
  context: CliContext,
  wanted: RunId | undefined,
  options: StatusOptions,
): Promise<ExitCode> {
  if (options.last !== undefined && (wanted !== undefined || options.device !== undefined)) {
    throw new UsageError('--last is for the list of runs; it goes with neither a run nor --device.');
  }
  const services = await openForReading(context);
  const { deps } = createCarrier(context, services, options, services.settings.mode);
  const { ledger, clock } = deps;
  const run = wanted === undefined ? undefined : (await ledger.readRun(wanted))?.value;
  if (options.device !== undefined) {
    if (wanted !== undefined && run === undefined) throw unknownRun(wanted);
    return showDevice(context, options, deps, options.device, run);
  }
  const quarantine = await reportQuarantine(deps, wanted);
  const quarantined = (style: Style, columns: number) => quarantineLines(quarantine, clock.nowMs(), style, columns);
  if (wanted === undefined) {
    const { runs: listed, leftOut } = await latestRuns(ledger, options.last ?? FINISHED_RUNS, context.stopping);
    const runs = await inOrder(listed, READ_AT_ONCE, (one) => {
      context.stopping.throwIfAborted();
      return statusOf(deps, one);
    });
    printResult(context, options, { runs, finishedLeftOut: leftOut, quarantine }, (style, columns) => [
      ...statusTable({ runs, leftOut }, clock.nowMs(), style, columns),
      ...quarantined(style, columns),
    ]);
    return EXIT.done;
  }
  if (run === undefined) {
    if (quarantine.length === 0) throw unknownRun(wanted);
    printResult(context, options, { run: null, quarantine }, (style, columns) => [
      `No run is called ${wanted}: what was to become one is in quarantine.`,
      ...quarantined(style, columns),
    ]);
    return EXIT.done;
  }
  const status = await statusOf(deps, run);
  printResult(context, options, { run: status, quarantine }, (style, columns) => [
    ...runLines(status, style, columns),
    ...prefixed(outlookLines(status, run, deps.settings.mode, clock.nowMs(), style)),
    ...quarantined(style, columns),
  ]);
  return EXIT.done;
}

function unknownRun(wanted: RunId): UsageError {
  return new UsageError(
    `No run is called ${wanted}, and nothing in quarantine is about it. \`npx keyturn status\` lists the latest runs. ` +
      'A request becomes a run once the function app, or `npx keyturn host`, takes it from its queue.',
  );
}

/** The report, whose figures are the evidence's and the log's, and what is to come. */
async function statusOf(deps: OutlookDeps, run: Run): Promise<RunStatus> {
  const report = await reportRun(deps.ledger, run);
  return { ...report, outlook: await reportOutlook(deps, run, report.counts) };
}

/** Parted from what stands above, when there is anything. */
function prefixed(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}
