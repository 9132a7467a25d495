/** Wires what `keyturn verify --graph` needs: the tenant, and a quota for what is asked of it; storage only where there is one. Layer: wiring. */
import { createGraphDeps } from './composition-graph.ts';
import type { Environment } from './config.ts';
import type { Logger } from './domain/ports.ts';
import type { Settings } from './domain/settings.ts';
import { SettingsError } from './domain/settings-error.ts';
import type { Tenant } from './domain/tenant.ts';
import { createTenant } from './graph/tenant.ts';
import { readSettings, storageProblem } from './services.ts';
import type { ParsedConnection } from './storage/connection.ts';
import { createStorage } from './storage/create-storage.ts';
import { createMemoryBudgetStore } from './storage/memory/memory-budget-store.ts';
import { createSystemClock } from './system/clock.ts';
import { createSystemRandom } from './system/random.ts';

/** `shared`: with every run over the same storage account. `own`: of this process, where no storage is configured; what runs send is not counted. */
export type Quota = 'shared' | 'own';

export interface VerifyServices {
  readonly settings: Settings;
  readonly tenant: Tenant;
  /** Which quota its requests count in. */
  readonly quota: Quota;
  /** Gives unused quota back. Call when done. @throws {StorageError} */
  close(): Promise<void>;
}

/** Sends nothing yet. @throws {SettingsError} naming every problem; that no storage is configured is none. */
export function createVerifyServices(
  environment: Environment,
  makeLogger: (settings: Settings) => Logger,
): VerifyServices {
  const { settings, problems, storage } = readSettings(environment);
  const wrong = [...problems, ...storageProblems(storage)];
  if (settings === undefined || wrong.length > 0) throw new SettingsError(wrong);
  const clock = createSystemClock();
  const random = createSystemRandom();
  const store =
    storage.kind === 'parsed'
      ? createStorage({ connection: storage.connection, tenantId: settings.tenantId, clock, random }).budgetStore
      : createMemoryBudgetStore(clock);
  const deps = createGraphDeps({ settings, environment, store, clock, random, logger: makeLogger(settings) });
  return {
    settings,
    tenant: createTenant(deps),
    quota: storage.kind === 'parsed' ? 'shared' : 'own',
    close: () => deps.pacer.flush(),
  };
}

/** None when nothing is set. */
function storageProblems(storage: ParsedConnection) {
  const problems = storage.kind === 'invalid' ? storage.problems.map(storageProblem) : [];
  return problems.filter(({ given }) => given !== 'nothing');
}
