/** Wires what `keyturn grant` needs: the settings and Graph, no storage. Layer: wiring. */
import { createGraphDeps } from './composition-graph.ts';
import { type Environment, parseSettings } from './config.ts';
import type { Directory, NeededRole } from './domain/directory.ts';
import type { Clock, Logger } from './domain/ports.ts';
import type { Settings } from './domain/settings.ts';
import { FEATURES, type Feature } from './graph/app-roles.ts';
import { createDirectory } from './graph/directory.ts';
import { neededRoles } from './graph/needed-roles.ts';
import { createMemoryBudgetStore } from './storage/memory/memory-budget-store.ts';
import { createSystemClock } from './system/clock.ts';
import { createSystemRandom } from './system/random.ts';

/** Features one may ask for: rotating needs no asking, and where no page says which roles are needed there are none to give. */
export const OPTIONAL_FEATURES: readonly string[] = FEATURES.filter(
  (feature) => feature !== 'rotation' && neededRoles([feature]).length > 0,
);

export interface GrantServices {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly directory: Directory;
  /** What rotating, the settings and the features asked for need. */
  readonly needed: readonly NeededRole[];
}

/** Features that are on: rotating, what the settings turn on, and what was asked for. Unknown names are left out. */
export function featuresOf(settings: Pick<Settings, 'recordToGraph'>, asked: readonly string[]): readonly Feature[] {
  return FEATURES.filter(
    (feature) =>
      feature === 'rotation' || asked.includes(feature) || (feature === 'recordToGraph' && settings.recordToGraph),
  );
}

/**
 * Sends nothing yet. The pacer is this process's own: the directory's requests count in no quota that runs share.
 * @throws {SettingsError} naming every problem.
 */
export function createGrantServices(
  environment: Environment,
  asked: readonly string[],
  makeLogger: (settings: Settings) => Logger,
): GrantServices {
  const settings = parseSettings(environment);
  const clock = createSystemClock();
  const random = createSystemRandom();
  const store = createMemoryBudgetStore(clock);
  const directory = createDirectory(
    createGraphDeps({ settings, environment, store, clock, random, logger: makeLogger(settings) }),
  );
  return { settings, clock, directory, needed: neededRoles(featuresOf(settings, asked)) };
}
