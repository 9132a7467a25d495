/** The compiled functions on the local host, in this process. Layer: cli. */
import { createFunctionHost, type FunctionHost } from '../local/function-host.ts';
import { type QueueSettings, readHostSettings } from '../local/host-settings.ts';
import { loadFunctionApp } from '../local/load-function-app.ts';
import { provideSettings } from '../local/provide-settings.ts';
import type { LogSink } from '../local/rpc.ts';
import type { TimerStatusStore } from '../local/timer-status.ts';
import type { Services } from '../services.ts';
import { findPackageRoot } from './package-root.ts';

export interface LocalAppOptions {
  /** Of the same settings, for queues, clock and randomness. */
  readonly services: Services;
  /** What the functions read; put into the environment of this process. */
  readonly settings: Readonly<Record<string, string>>;
  /** Instead of what host.json says. */
  readonly queueSettings?: Partial<QueueSettings>;
  readonly timerStatuses?: TimerStatusStore;
  /** How long a stop waits for what is running. Default: the host's. */
  readonly stopWithinMs?: number;
  readonly onLog: LogSink;
}

/** Loads the functions and starts them. Once per process, since Node keeps modules. @throws {LocalHostError} */
export async function startLocalApp(options: LocalAppOptions): Promise<FunctionHost> {
  const { services, settings, onLog, timerStatuses, stopWithinMs } = options;
  const packageRoot = findPackageRoot();
  provideSettings(settings);
  const host = createFunctionHost({
    app: await loadFunctionApp(packageRoot, onLog),
    packageRoot,
    queues: { getQueueClient: services.storage.queue },
    settings: { ...(await readHostSettings(packageRoot)), ...options.queueSettings },
    environment: settings,
    clock: services.clock,
    random: services.random,
    onLog,
    ...(timerStatuses === undefined ? {} : { timerStatuses }),
    ...(stopWithinMs === undefined ? {} : { stopWithinMs }),
  });
  await host.start();
  return host;
}
