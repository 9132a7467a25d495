/** `keyturn status`: where runs, one run, or one device stand. Layer: cli. */
import type { Command } from 'commander';
import { deviceHistory, HISTORY_BOUNDS, isOf } from '../../app/device-history.ts';
import { type OutlookDeps, reportOutlook } from '../../app/report-outlook.ts';
import { reportQuarantine } from '../../app/report-quarantine.ts';
import { reportRun } from '../../app/report-run.ts';
import type { DeviceRecord } from '../../domain/device-record.ts';
import type { EntraDeviceId, ManagedDeviceId, RunId } from '../../domain/ids.ts';
import type { Ledger } from '../../domain/ports.ts';
import type { Rotation } from '../../domain/rotation.ts';
import type { Run } from '../../domain/run.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { deviceId, runId } from '../parse-options.ts';
import { type DeviceStanding, deviceLines } from '../render/device-lines.ts';
import { quarantineLines } from '../render/quarantine-lines.ts';
import { runLines } from '../render/run-lines.ts';
import { historyLines, outlookLines, type RunStatus, statusTable } from '../render/status-lines.ts';
import { UsageError } from '../usage-error.ts';
import { openServices } from './open-services.ts';

export interface StatusOptions extends CommonOptions {
  readonly device?: EntraDeviceId | ManagedDeviceId;
}

const LATEST_RUNS = 10;

/** Declares the command. */
export function addStatusCommand(
  program: Command,
  act: (run: RunId | undefined, options: StatusOptions) => Promise<void>,
): void {
  program
    .command('status')
    .description('where the latest runs, one run, or one device stand, and what is in quarantine')
    .argument('[run]', 'id of a run', runId)
    .option('--device <id>', 'one device, by Entra device id or managed device id', deviceId)
    .option('--json', 'print one JSON document')
    .action(act);
}

/** @throws {UsageError} for a run or device that the ledger does not know. */
export async function statusCommand(
  context: CliContext,
  wanted: RunId | undefined,
  options: StatusOptions,
): Promise<ExitCode> {
  const { storage, clock, settings } = await openServices(context);
  const { ledger } = storage;
  const deps: OutlookDeps = { ledger, clock, settings };
  const run = wanted === undefined ? undefined : await findRun(ledger, wanted);
  if (options.device !== undefined) return showDevice(context, options, ledger, options.device, run);
  if (run !== undefined) {
    const status = await statusOf(deps, run);
    const quarantine = await reportQuarantine(ledger, run.runId);
    printResult(context, options, { run: status, quarantine }, (style, columns) => [
      ...runLines(status, style, columns),
      ...prefixed(outlookLines(status, clock.nowMs(), style)),
      ...quarantineLines(quarantine, clock.nowMs(), style, columns),
    ]);
    return EXIT.done;
  }
  const runs = await latestRuns(deps);
  const quarantine = await reportQuarantine(ledger);
  printResult(context, options, { runs, quarantine }, (style, columns) => [
    ...statusTable(runs, clock.nowMs(), style, columns),
    ...quarantineLines(quarantine, clock.nowMs(), style, columns),
  ]);
  return EXIT.done;
}

/** The report, whose figures are the evidence's and the log's, and what is to come. */
async function statusOf(deps: OutlookDeps, run: Run): Promise<RunStatus> {
  const report = await reportRun(deps.ledger, run);
  return { ...report, outlook: await reportOutlook(deps, run, report.counts) };
}

async function latestRuns(deps: OutlookDeps): Promise<readonly RunStatus[]> {
  const runs: RunStatus[] = [];
  for await (const run of deps.ledger.listRuns({ unfinished: false })) {
    runs.push(await statusOf(deps, run));
    if (runs.length >= LATEST_RUNS) break;
  }
  return runs;
}

/** Parted from what stands above, when there is anything. */
function prefixed(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

async function findRun(ledger: Ledger, wanted: RunId): Promise<Run> {
  const found = await ledger.readRun(wanted);
  if (found !== undefined) return found.value;
  throw new UsageError(`No run is called ${wanted}. \`keyturn status\` lists the latest.`);
}

async function showDevice(
  context: CliContext,
  options: StatusOptions,
  ledger: Ledger,
  device: EntraDeviceId | ManagedDeviceId,
  wanted: Run | undefined,
): Promise<ExitCode> {
  const record = await findRecord(ledger, device);
  const run = wanted ?? (await latestRunOf(ledger, record));
  const rotation = run === undefined ? undefined : await findRotation(ledger, run.runId, device, record);
  if (record === undefined && rotation === undefined) {
    throw new UsageError(
      `The ledger does not know a device ${device}${run === undefined ? '' : `, nor does run ${run.runId}`}. ` +
        'Give its Entra device id or its managed device id.',
    );
  }
  const standing: DeviceStanding = {
    ...(record === undefined ? {} : { record }),
    ...(rotation === undefined || run === undefined ? {} : { rotation: { runId: run.runId, rotation } }),
  };
  // A run that was asked for is all there is to look into.
  const history =
    wanted === undefined
      ? await deviceHistory(ledger, idsOf(device, record, rotation), HISTORY_BOUNDS, context.stopping)
      : undefined;
  const document = { ...standing, ...(history === undefined ? {} : { history }) };
  printResult(context, options, document, (style, columns) => [
    ...deviceLines(standing, style),
    ...(history === undefined ? [] : historyLines(history, style, columns)),
  ]);
  return EXIT.done;
}

/** Filed by Entra device id; by managed device id it has to be searched for. */
async function findRecord(ledger: Ledger, device: EntraDeviceId | ManagedDeviceId): Promise<DeviceRecord | undefined> {
  const direct = await ledger.readDevices([device as EntraDeviceId]);
  for (const { value } of direct.values()) return value;
  for await (const page of ledger.devicePages()) {
    const found = page.find(({ value }) => value.managedDeviceId === device);
    if (found !== undefined) return found.value;
  }
  return undefined;
}

function idsOf(device: string, record: DeviceRecord | undefined, rotation: Rotation | undefined): ReadonlySet<string> {
  const known = [record?.entraDeviceId, record?.managedDeviceId, rotation?.entraDeviceId, rotation?.managedDeviceId];
  return new Set([device, ...known.filter((id) => id !== undefined)]);
}

/** The run that asked it last, else the latest of all. */
async function latestRunOf(ledger: Ledger, record: DeviceRecord | undefined): Promise<Run | undefined> {
  if (record?.lastRunId !== undefined) return (await ledger.readRun(record.lastRunId))?.value;
  for await (const run of ledger.listRuns({ unfinished: false })) return run;
  return undefined;
}

async function findRotation(
  ledger: Ledger,
  wanted: RunId,
  device: string,
  record: DeviceRecord | undefined,
): Promise<Rotation | undefined> {
  const claim = record?.claim;
  if (claim !== undefined && claim.runId === wanted) {
    for (const { value } of await ledger.readRotationsAt(wanted, [claim.order])) return value;
  }
  const ids = idsOf(device, record, undefined);
  for await (const page of ledger.rotationPages(wanted)) {
    const found = page.find((row) => isOf(row, ids));
    if (found !== undefined) return found;
  }
  return undefined;
}
