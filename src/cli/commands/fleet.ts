/** `keyturn fleet`: the state of every device's keys, now. Nothing is sent. Layer: cli. */
import type { Command } from 'commander';
import { drawPicture } from '../../app/fleet/draw-picture.ts';
import { fleetCsv } from '../../app/fleet/fleet-csv.ts';
import { countInNeed, devicesInNeed, FLEET_NEEDS } from '../../app/fleet/fleet-devices.ts';
import { keepPicture, latestPicture } from '../../app/fleet/kept-pictures.ts';
import { type FleetReading, readFleet } from '../../app/fleet/read-fleet.ts';
import { changesSince } from '../../domain/fleet/fleet-picture.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { Services } from '../../services.ts';
import { type CliContext, type CommonOptions, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { openOutputFile } from '../output-file.ts';
import { createProgress, progressForm } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { type FleetResult, fleetLines } from '../render/fleet-lines.ts';
import { fleetPage } from '../render/fleet-page.ts';
import { plural } from '../render/text.ts';
import { openServices } from './open-services.ts';

export interface FleetOptions extends CommonOptions {
  readonly html?: string;
  readonly csv?: string;
}

/** Chosen: what one looks into; --csv has all. */
const MOST_DANGEROUS = 1_000;
/** Chosen: a page that opens at once. */
const MOST_ON_PAGE = 5_000;

/** Declares the command. */
export function addFleetCommand(program: Command, act: (options: FleetOptions) => Promise<void>): void {
  program
    .command('fleet')
    .description(
      "age of every device's newest key, devices without one, near the cap, or rotated but never escrowed; nothing is sent",
    )
    .option('--html <file>', 'also write a page to look at and hand on')
    .option('--csv <file>', 'also write a table with a line per device')
    .option('--json', 'print one JSON document')
    .action(act);
}

/** Works in any mode. @throws {UsageError} {@link SettingsError} {@link StorageError} {@link GraphError} */
export async function fleetCommand(context: CliContext, options: FleetOptions): Promise<ExitCode> {
  const html = options.html === undefined ? undefined : await openOutputFile(context, options.html);
  const csv = options.csv === undefined ? undefined : await openOutputFile(context, options.csv);
  const services = await openServices(context);
  const { reportFiles } = services.storage;
  const previous = await latestPicture(reportFiles, services.settings.tenantId);
  const reading = await read(context, services, options);
  const picture = drawPicture(reading);
  const found = {
    picture,
    ...(previous === undefined ? {} : { previous }),
    changes: previous === undefined ? [] : changesSince(previous, picture),
  };
  if (csv !== undefined) await csv.write(fleetCsv(reading));
  if (html !== undefined) {
    const inNeed = devicesInNeed(reading, FLEET_NEEDS, MOST_ON_PAGE);
    await html.write(fleetPage({ ...found, inNeed, inNeedInAll: countInNeed(reading) }));
  }
  const result: FleetResult = {
    ...found,
    rotatedWithoutKey: devicesInNeed(reading, ['rotatedWithoutKey'], MOST_DANGEROUS),
    files: [html, csv].flatMap((file) => file?.name ?? []),
  };
  printResult(context, options, { ...result, previous: previous ?? null }, (style, columns) =>
    fleetLines(result, style, columns),
  );
  // Last: a picture that was shown is worth comparing with, and one that could not be kept was shown all the same.
  await keepPicture(reportFiles, picture);
  return EXIT.done;
}

async function read(context: CliContext, services: Services, options: FleetOptions): Promise<FleetReading> {
  const { err } = context.terminal;
  const { logLevel } = services.settings;
  const progress = createProgress(err, services.clock, progressForm(err, options));
  const logger = createProgressLogger(progress, logLevel === 'info' ? 'warn' : logLevel, context.machine.printable);
  const { deps } = services.invocation(logger);
  const call: CallOptions = { priority: 'bulk', deadlineAtMs: Number.POSITIVE_INFINITY, signal: context.stopping };
  try {
    return await readFleet(deps, call, (what, count) => {
      const plain = `${plural(count, what === 'devices' ? 'device' : 'key')} listed`;
      progress.show({ stage: what, plain, draw: () => [plain] });
    });
  } finally {
    progress.end();
    await services.pacer.flush();
  }
}
