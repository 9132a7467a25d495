/** `keyturn simulate`: the simulated tenant alone, until stopped. Layer: cli. */
import type { Command } from 'commander';
import { createSimulatedTenant } from '../../simulator/simulated-tenant.ts';
import { createSimulatorServer } from '../../simulator/simulator-server.ts';
import { settingsFor } from '../../simulator/simulator-settings.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { MOST_DEVICES, MOST_SPEED, positiveNumber, wholeNumber } from '../parse-options.ts';
import { simulatorEndLines, simulatorLines } from '../render/simulator-lines.ts';
import { createStyle } from '../render/style.ts';
import { untilStopped } from '../until-stopped.ts';
import { UsageError } from '../usage-error.ts';

export interface SimulateOptions extends CommonOptions {
  readonly devices: number;
  readonly seed: number;
  readonly speed: number;
  readonly port: number;
}

/** Declares the command. */
export function addSimulateCommand(program: Command, act: (options: SimulateOptions) => Promise<void>): void {
  program
    .command('simulate')
    .description('the simulated tenant alone, with a managed-identity endpoint; prints the settings to use')
    .option('--devices <n>', 'how many devices it has', wholeNumber(1, MOST_DEVICES), 2_000)
    .option('--seed <s>', 'the same seed makes the same devices', wholeNumber(0, 2 ** 31 - 1), 1)
    .option('--speed <x>', 'how many times faster its time passes', positiveNumber(MOST_SPEED), 1)
    .option('--port <p>', 'port on 127.0.0.1; 0 takes any free one', wholeNumber(0, 65_535), 0)
    .option('--json', 'print the settings as one JSON document')
    .action(act);
}

/** Ends when stopped. @throws {UsageError} when the port is taken. */
export async function simulateCommand(context: CliContext, options: SimulateOptions): Promise<ExitCode> {
  const { clock } = context.machine;
  const { devices, seed, speed, port } = options;
  const tenant = createSimulatedTenant({ clock, devices, seed, speed });
  const server = await createSimulatorServer({ tenant, clock, port }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE' || code === 'EACCES')
      throw new UsageError(`Port ${port} cannot be used (${code}); give another with --port.`);
    throw error;
  });
  const settings = settingsFor(server);
  const windowsDevices = devices - tenant.truth.summary().otherPlatform.devices;
  const document = { url: server.url, tenantId: tenant.tenantId, devices, windowsDevices, seed, speed, settings };
  printResult(context, options, document, (style) => simulatorLines(document, style));
  await untilStopped(context.stopping);
  await server.close();
  const { err } = context.terminal;
  const { httpRequests, rotationsAccepted, violationCounts } = tenant.referee;
  for (const line of simulatorEndLines(
    { httpRequests, rotationsAccepted, violationCounts },
    createStyle(err.hasColor),
  )) {
    err.write(`${line}\n`);
  }
  return EXIT.done;
}
