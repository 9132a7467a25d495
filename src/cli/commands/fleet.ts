/** `keyturn fleet`: the state of every device's keys, now. Nothing is sent. Layer: cli. */
import type { Command } from 'commander';
import { drawPicture } from '../../app/fleet/draw-picture.ts';
import { fleetCsv } from '../../app/fleet/fleet-csv.ts';
import { countInNeed, devicesInNeed, FLEET_NEEDS } from '../../app/fleet/fleet-devices.ts';
import { keepPicture, latestPicture, prunePictures } from '../../app/fleet/kept-pictures.ts';
import { type FleetReading, readFleet } from '../../app/fleet/read-fleet.ts';
import { changesSince, withoutKeyAge } from '../../domain/fleet/fleet-picture.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { CallOptions } from '../../domain/ports.ts';
import { MOST_ATTENTION_ROWS } from '../../domain/report/attention-list.ts';
import { StorageError } from '../../domain/storage-error.ts';
import type { Services } from '../../services.ts';
import { type CliContext, type CommonOptions, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { openOutputFiles } from '../output-file.ts';
import { createProgress, progressForm } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { type FleetResult, fleetLines } from '../render/fleet-lines.ts';
import { fleetPage } from '../render/fleet-page.ts';
import { visible } from '../render/text.ts';
import { openForReading } from './open-services.ts';

export interface FleetOptions extends CommonOptions {
  readonly html?: string;
  readonly csv?: string;
}

/** Chosen: what one looks into; --csv has all. */
const MOST_DANGEROUS = 1_000;
/** Chosen: as many as a report shows. */
const MOST_ON_PAGE = MOST_ATTENTION_ROWS;

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

/**
 * Works in any mode. Who may not write to the container gets the picture all the same, with a warning: it is not kept.
 * @throws {UsageError} {@link SettingsError} {@link StorageError} {@link GraphError}
 */
export async function fleetCommand(context: CliContext, options: FleetOptions): Promise<ExitCode> {
  const { html, csv } = await openOutputFiles(context, { html: options.html, csv: options.csv });
  const services = await openForReading(context);
  const { reportFiles } = services.storage;
  const { tenantId } = services.settings;
  const warnings: string[] = [];
  const previous = await orWarn(warnings, 'the picture before could not be read', () =>
    latestPicture(reportFiles, tenantId),
  );
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
    await html.write(
      fleetPage({ ...found, cloud: services.settings.cloud, inNeed, inNeedInAll: countInNeed(reading) }),
    );
  }
  await orWarn(warnings, 'this picture could not be kept to compare the next one with', () =>
    keepPicture(reportFiles, picture),
  );
  await orWarn(warnings, 'older pictures could not be removed', () => prunePictures(reportFiles, tenantId));
  for (const warning of warnings) context.terminal.err.write(`warning: ${visible(warning)}\n`);
  const result: FleetResult = {
    ...found,
    rotatedWithoutKey: devicesInNeed(reading, ['rotatedWithoutKey'], MOST_DANGEROUS),
    files: [html, csv].flatMap((file) => file?.name ?? []),
  };
  const document = { ...result, withoutKeyAge: withoutKeyAge(picture), previous: previous ?? null, warnings };
  printResult(context, options, document, (style, columns) => fleetLines(result, style, columns));
  return EXIT.done;
}

/** Pictures are beside the point: what storage refuses of them is told, and is no failure. */
async function orWarn<T>(warnings: string[], what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    warnings.push(`${what}: ${error.message}`);
    return undefined;
  }
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
