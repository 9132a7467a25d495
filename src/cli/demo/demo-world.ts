/** Everything the demo runs on: storage emulator, simulated tenant, the functions on the local host. Layer: cli. */
import type { Clock } from '../../domain/ports.ts';
import { startAzurite } from '../../local/azurite.ts';
import type { FunctionHost } from '../../local/function-host.ts';
import { createServices, type Services } from '../../services.ts';
import { createSimulatedTenant, type SimulatedTenant } from '../../simulator/simulated-tenant.ts';
import { createSimulatorServer } from '../../simulator/simulator-server.ts';
import { startLocalApp } from '../local-app.ts';
import type { DemoLog } from './demo-log.ts';
import { type DemoSettings, demoSettings } from './demo-settings.ts';

export interface DemoWorld {
  readonly tenant: SimulatedTenant;
  readonly settings: DemoSettings;
  readonly services: Services;
  readonly host: FunctionHost;
}

export interface DemoWorldOptions {
  readonly devices: number;
  readonly seed: number;
  readonly speed: number;
  readonly clock: Clock;
  readonly log: DemoLog;
  readonly onStep: (step: string) => void;
}

/** Chosen: short against the compressed delays, so that they are what counts. */
const POLL_EVERY_MS = 100;
/** A message whose function failed comes back this soon instead of after minutes. */
const RETRY_AFTER_MS = 2_000;

/** Ctrl-C ends Azurite too, so there may be nothing to save a checkpoint to. */
const STOP_WITHIN_MS = 3_000;

/**
 * Builds the world, runs `use`, and takes it all down again, whatever happens.
 * @throws {LocalHostError} {@link StorageError}
 */
export async function inDemoWorld<T>(options: DemoWorldOptions, use: (world: DemoWorld) => Promise<T>): Promise<T> {
  const { devices, seed, speed, clock, log, onStep } = options;
  const takeDown: (() => Promise<unknown>)[] = [];
  try {
    onStep('starting Azurite (the Azure Storage emulator) and the simulated tenant');
    const azurite = await startAzurite();
    takeDown.push(() => azurite.stop());
    const tenant = createSimulatedTenant({ clock, devices, seed, speed });
    const server = await createSimulatorServer({ tenant, clock });
    takeDown.push(() => server.close());

    onStep('creating tables and queues, loading the functions');
    const settings = demoSettings(server, azurite.connectionString);
    const services = createServices({ environment: settings.all });
    await services.ready();
    const host = await startLocalApp({
      services,
      settings: settings.all,
      queueSettings: { maxPollingIntervalMs: POLL_EVERY_MS, visibilityTimeoutMs: RETRY_AFTER_MS },
      stopWithinMs: STOP_WITHIN_MS,
      onLog: log.sink,
    });
    takeDown.push(() => host.stop());
    return await use({ tenant, settings, services, host });
  } finally {
    for (const stop of takeDown.reverse()) await stop();
  }
}
