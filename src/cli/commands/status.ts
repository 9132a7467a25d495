/** `keyturn status`: where runs, one run, or one device stand. Layer: cli. */
import type { Command } from 'commander';
import {
  type DeviceHistory,
  deviceHistory,
  HISTORY_BOUNDS,
  isOf,
  type PastRotation,
} from '../../app/device-history.ts';
import { type OutlookDeps, reportOutlook } from '../../app/report-outlook.ts';
import { reportQuarantine } from '../../app/report-quarantine.ts';
import { reportRun } from '../../app/report-run.ts';
import type { DeviceRecord } from '../../domain/device-record.ts';
import type { EntraDeviceId, ManagedDeviceId, RunId } from '../../domain/ids.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { Ledger } from '../../domain/ports.ts';
import type { Run } from '../../domain/run.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { createCarrier } from '../drive/carry-on.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { deviceId, runId } from '../parse-options.ts';
import { type DeviceStanding, deviceLines } from '../render/device-lines.ts';
import { quarantineLines } from '../render/quarantine-lines.ts';
import { runLines } from '../render/run-lines.ts';
import { historyLines, outlookLines, type RunStatus, statusTable } from '../render/status-lines.ts';
import type { Style } from '../render/style.ts';
import { UsageError } from '../usage-error.ts';
import { openForReading } from './open-services.ts';

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
    .argument('[run]', 'id of a run, or of a request', runId)
    .option('--device <id>', 'one device, by Entra device id or managed device id', deviceId)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ npx keyturn status                            the latest runs
  $ npx keyturn status 20261123-023525-ec28de85   one run; the id of a request is that of its run
  $ npx keyturn status --device ID                one device, and its history in all runs`,
    )
    .action(act);
}

/** @throws {UsageError} for a run or device that the ledger does not know. */
export async function statusCommand(
  context: CliContext,
  wanted: RunId | undefined,
  options: StatusOptions,
): Promise<ExitCode> {
  const services = await openForReading(context);
  const { deps } = createCarrier(context, services, options, services.settings.mode);
  const { ledger, clock } = deps;
  const run = wanted === undefined ? undefined : (await ledger.readRun(wanted))?.value;
  if (options.device !== undefined) {
    if (wanted !== undefined && run === undefined) throw unknownRun(wanted);
    return showDevice(context, options, ledger, options.device, run);
  }
  const quarantine = await reportQuarantine(deps, wanted);
  const quarantined = (style: Style, columns: number) => quarantineLines(quarantine, clock.nowMs(), style, columns);
  if (wanted === undefined) {
    const runs = await latestRuns(deps);
    printResult(context, options, { runs, quarantine }, (style, columns) => [
      ...statusTable(runs, clock.nowMs(), style, columns),
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

async function showDevice(
  context: CliContext,
  options: StatusOptions,
  ledger: Ledger,
  device: EntraDeviceId | ManagedDeviceId,
  wanted: Run | undefined,
): Promise<ExitCode> {
  const record = await findRecord(ledger, device);
  const ids = new Set([device, ...[record?.entraDeviceId, record?.managedDeviceId].filter((id) => id !== undefined)]);
  // A run that was asked for is all there is to look into.
  const history = wanted === undefined ? await deviceHistory(ledger, ids, HISTORY_BOUNDS, context.stopping) : undefined;
  const rotation =
    wanted === undefined
      ? await latestRotation(ledger, ids, record, history?.rotations ?? [])
      : await rotationIn(ledger, wanted, ids, record);
  if (record === undefined && rotation === undefined) {
    throw new UsageError(
      `${whereSought(history, wanted)} has a device ${device}. Give its Entra device id or its managed device id.`,
    );
  }
  const standing: DeviceStanding = {
    ...(record === undefined ? {} : { record }),
    ...(rotation === undefined ? {} : { rotation }),
    ...(wanted === undefined ? {} : { wanted: wanted.runId }),
  };
  const document = { ...standing, ...(history === undefined ? {} : { history }) };
  printResult(context, options, document, (style, columns) => [
    ...deviceLines(standing, style),
    ...(history === undefined ? [] : historyLines(history, style, columns)),
  ]);
  return EXIT.done;
}

function whereSought(history: DeviceHistory | undefined, wanted: Run | undefined): string {
  if (wanted !== undefined) return `Neither run ${wanted.runId} nor the record of devices that were asked`;
  const { runsSearched = 0, runsLeft = 0 } = history ?? {};
  return runsLeft === 0 ? 'No run' : `None of the latest ${plural(runsSearched, 'run')}`;
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

type ShownRotation = NonNullable<DeviceStanding['rotation']>;

/** In the run that asked it last, else in the newest that met it, which may be a dry one. */
async function latestRotation(
  ledger: Ledger,
  ids: ReadonlySet<string>,
  record: DeviceRecord | undefined,
  history: readonly PastRotation[],
): Promise<ShownRotation | undefined> {
  const { lastRunId } = record ?? {};
  const last = lastRunId === undefined ? history[0] : history.find(({ runId }) => runId === lastRunId);
  if (last !== undefined) return { runId: last.runId, mode: last.mode, rotation: last.rotation };
  const run = lastRunId === undefined ? undefined : (await ledger.readRun(lastRunId))?.value;
  return run === undefined ? undefined : rotationIn(ledger, run, ids, record);
}

async function rotationIn(
  ledger: Ledger,
  { runId, mode }: Run,
  ids: ReadonlySet<string>,
  record: DeviceRecord | undefined,
): Promise<ShownRotation | undefined> {
  const claim = record?.claim;
  if (claim !== undefined && claim.runId === runId) {
    for (const { value } of await ledger.readRotationsAt(runId, [claim.order])) return { runId, mode, rotation: value };
  }
  for await (const page of ledger.rotationPages(runId)) {
    const rotation = page.find((row) => isOf(row, ids));
    if (rotation !== undefined) return { runId, mode, rotation };
  }
  return undefined;
}
