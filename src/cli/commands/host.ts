/** `keyturn host`: the functions on this machine, against the configured tenant and storage, until stopped. Layer: cli. */
import type { Command } from 'commander';
import { createBlobTimerStatus } from '../../local/timer-status.ts';
import { createServices } from '../../services.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { startLocalApp } from '../local-app.ts';
import { withLocalSettings } from '../local-settings.ts';
import { hostLines } from '../render/host-lines.ts';
import { logLine } from '../render/log-line.ts';
import { createStyle } from '../render/style.ts';
import { untilStopped } from '../until-stopped.ts';

/** Where the Functions host keeps timer statuses. Source: azure-webjobs-sdk-extensions `StorageScheduleMonitor` (read 2026-11-22). */
const HOSTS_CONTAINER = 'azure-webjobs-hosts';
/** Chosen: a name of its own, so that a deployed app on the same storage keeps its own timer status. */
const HOST_ID = 'keyturn-local';

/** Declares the command. */
export function addHostCommand(program: Command, act: (options: CommonOptions) => Promise<void>): void {
  program
    .command('host')
    .description('runs the functions on this machine, against the configured tenant and storage, until stopped')
    .option('--json', 'print one JSON document when stopped; log lines go to standard error in any case')
    .action(act);
}

/** @throws {SettingsError} {@link StorageError} {@link LocalHostError} */
export async function hostCommand(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const environment = await withLocalSettings(context.environment, context.directory);
  const services = createServices({ environment });
  await services.ready();
  const { err } = context.terminal;
  const style = createStyle(err.hasColor);
  const isVerbose = services.settings.logLevel === 'debug';
  const host = await startLocalApp({
    services,
    settings: Object.fromEntries(
      Object.entries({ ROTATION_SCHEDULE: services.settings.schedule, ...environment }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    ),
    timerStatuses: createBlobTimerStatus(services.storage.container(HOSTS_CONTAINER), HOST_ID),
    onLog: (functionName, level, line) => {
      if (!isVerbose && (level === 'debug' || level === 'trace')) return;
      err.write(`${logLine({ atMs: services.clock.nowMs(), functionName, level, line }, style)}\n`);
    },
  });
  const { tenantId, mode, schedule } = services.settings;
  err.write(
    `Running ${host.functionNames.length} functions for tenant ${tenantId}, mode ${mode}, schedule ${schedule}. Ctrl-C stops.\n`,
  );
  await untilStopped(context.stopping);
  const { unfinished } = await host.stop();
  const functions = host.counters();
  printResult(context, options, { functions, unfinished }, (outStyle, columns) =>
    hostLines(functions, unfinished, outStyle, columns),
  );
  return unfinished === 0 ? EXIT.done : EXIT.failed;
}
