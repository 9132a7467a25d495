/** The settings of the demo: the production code, with time compressed by settings alone. Layer: cli. */
import { SETTINGS } from '../../config-table.ts';
import type { SimulatorServer } from '../../simulator/simulator-server.ts';
import { settingsFor } from '../../simulator/simulator-settings.ts';

const HOUR_MS = 3_600_000;

/**
 * Delays between looks, before compression. Chosen: together 21.5 hours, after the last check-in of the slowest device that ever obeys
 * (20 hours), so that what is overdue at the end has really not rotated.
 */
export const DEMO_LOOKS_MS: readonly number[] = [0.5, 1, 2, 4, 14].map((hours) => hours * HOUR_MS);
/** Before compression; the default of `ROTATION_CANARY_WAIT`. */
const CANARY_WAIT_MS = 24 * HOUR_MS;
/**
 * Chosen: the simulated fleet has far more asleep, offline and broken devices than a real one, so that each kind is met; of twenty
 * canaries, about thirteen answer within the working day.
 */
const CANARY_MIN_PROVEN = '0.6';

/** Settings that differ from their defaults, for the functions and for people. Every other setting of the contract is set to nothing. */
export interface DemoSettings {
  /** What the functions get. */
  readonly all: Readonly<Record<string, string>>;
  /** Those that change how the run behaves: time, and the canary's threshold. */
  readonly shown: Readonly<Record<string, string>>;
}

/** Nothing of the caller's environment gets in: the demo never leaves this machine. */
export function demoSettings(
  server: Pick<SimulatorServer, 'tenant' | 'url' | 'identityEndpoint' | 'identityHeader'>,
  storageConnectionString: string,
): DemoSettings {
  const simulator = settingsFor(server, { confirmScheduleMs: DEMO_LOOKS_MS, canaryWaitMs: CANARY_WAIT_MS });
  const compressed = Object.fromEntries(
    Object.entries(simulator).filter(
      ([name]) => name.endsWith('_BUDGET') || name === 'CONFIRM_SCHEDULE' || name === 'ROTATION_CANARY_WAIT',
    ),
  );
  return {
    all: {
      ...Object.fromEntries(SETTINGS.map(({ name }) => [name, ''])),
      ...simulator,
      AzureWebJobsStorage: storageConnectionString,
      // The demo fires the timer itself; the schedule only has to be one.
      ROTATION_SCHEDULE: '0 0 2 * * *',
      ROTATION_MODE: 'live',
      ROTATION_MAX_DEVICES: '1000000',
      ROTATION_CANARY_MIN_PROVEN: CANARY_MIN_PROVEN,
    },
    shown: { ...compressed, ROTATION_CANARY_MIN_PROVEN: CANARY_MIN_PROVEN },
  };
}
