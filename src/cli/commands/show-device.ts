/** One device as `keyturn status --device` shows it: its record, its rotation, and its history. Layer: cli. */
import {
  type DeviceHistory,
  type DeviceId,
  deviceHistory,
  deviceInRun,
  findDevice,
  type KnownDevice,
  type PastRotation,
} from '../../app/device-history.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Ledger } from '../../domain/ledger.ts';
import { number, plural } from '../../domain/plain-figures.ts';
import type { Clock } from '../../domain/ports.ts';
import type { Rotation } from '../../domain/rotation.ts';
import type { Run } from '../../domain/run.ts';
import { type CliContext, type CommonOptions, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { createProgress, progressForm } from '../progress.ts';
import { type DeviceStanding, deviceLines } from '../render/device-lines.ts';
import { historyLines } from '../render/status-lines.ts';
import { UsageError } from '../usage-error.ts';

/** Chosen: a ledger of some weeks is searched without a word. */
const PROGRESS_EVERY_RUNS = 25;

/** @param wanted the run to look into; absent: all. @throws {UsageError} for a device that is not there. @throws {StorageError} */
export async function showDevice(
  context: CliContext,
  options: CommonOptions,
  { ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock },
  id: DeviceId,
  wanted: Run | undefined,
): Promise<ExitCode> {
  const found = await findDevice(ledger, id, context.stopping);
  // A run that was asked for is all there is to look into.
  const history = wanted === undefined ? await searchRuns(context, options, ledger, clock, found) : undefined;
  const inRun = wanted && (await deviceInRun(ledger, wanted.runId, found, context.stopping));
  const { record } = history?.device ?? inRun?.device ?? found;
  const rotation =
    wanted === undefined
      ? latestRotation(history?.rotations ?? [], record?.lastRunId)
      : shownOf(wanted, inRun?.rotations[0]);
  if (record === undefined && rotation === undefined) {
    const where =
      wanted === undefined ? 'No run' : `Neither run ${wanted.runId} nor the record of devices that were asked`;
    throw new UsageError(`${where} has a device ${id}. Give its Entra device id or its managed device id.`);
  }
  const standing: DeviceStanding = {
    ...(record === undefined ? {} : { record }),
    ...(rotation === undefined ? {} : { rotation }),
    ...(wanted === undefined ? {} : { wanted: wanted.runId }),
  };
  const document = { ...standing, ...(history === undefined ? {} : { history: withoutDevice(history) }) };
  printResult(context, options, document, (style, columns) => [
    ...deviceLines(standing, style),
    ...(history === undefined ? [] : historyLines(history, style, columns)),
  ]);
  return EXIT.done;
}

/** What stands beside it anyway. */
function withoutDevice({ device: _device, ...history }: DeviceHistory): Omit<DeviceHistory, 'device'> {
  return history;
}

async function searchRuns(
  context: CliContext,
  options: CommonOptions,
  ledger: Ledger,
  clock: Clock,
  device: KnownDevice,
): Promise<DeviceHistory> {
  const { err } = context.terminal;
  const progress = createProgress(err, clock, progressForm(err, options));
  try {
    return await deviceHistory(ledger, device, context.stopping, (runs, ofRuns) => {
      if (runs % PROGRESS_EVERY_RUNS !== 0) return;
      const plain = `${number(runs)} of ${plural(ofRuns, 'run')} searched`;
      progress.show({ stage: 'history', plain, draw: () => [plain] });
    });
  } finally {
    progress.end();
  }
}

type ShownRotation = NonNullable<DeviceStanding['rotation']>;

/** In the run that asked it last, else in the newest that met it, which may be a dry one. */
function latestRotation(rotations: readonly PastRotation[], lastRunId: RunId | undefined): ShownRotation | undefined {
  const last = rotations.find((past) => past.runId === lastRunId) ?? rotations[0];
  return last && shownOf(last, last.rotation);
}

function shownOf(
  { runId: id, mode }: Pick<PastRotation, 'runId' | 'mode'>,
  rotation: Rotation | undefined,
): ShownRotation | undefined {
  return rotation && { runId: id, mode, rotation };
}
