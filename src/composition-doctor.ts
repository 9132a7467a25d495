/** Wires what the doctor looks at, as far as the settings allow it. Layer: wiring. */
import type { DoctorDeps, StorageSignIn } from './app/doctor/doctor-deps.ts';
import { featuresOf } from './composition-grant.ts';
import { type Environment, parseSettings } from './config.ts';
import { scheduleFacts } from './config-schedule.ts';
import { SETTINGS } from './config-table.ts';
import { createExclusion } from './domain/exclusion.ts';
import type { Pacer } from './domain/pacer.ts';
import type { Clock, Logger, Random } from './domain/ports.ts';
import type { LogLevel, Settings } from './domain/settings.ts';
import { SettingsError, type SettingsProblem } from './domain/settings-error.ts';
import { REQUEST_TIMEOUT_MS } from './graph/attempt.ts';
import { createCredential } from './graph/credential.ts';
import { createGraphProbe } from './graph/graph-probe.ts';
import { neededRoles } from './graph/needed-roles.ts';
import { createPacer } from './graph/pacer.ts';
import { createTenant } from './graph/tenant.ts';
import { createHttpClient, proxyProblem } from './outbound/http-client.ts';
import { storageProblem } from './services.ts';
import { parseStorageConnection, type StorageConnection } from './storage/connection.ts';
import { createStorage, type Storage } from './storage/create-storage.ts';
import { createMemoryBudgetStore } from './storage/memory/memory-budget-store.ts';
import { createStorageProbe } from './storage/storage-probe.ts';
import { createSystemClock } from './system/clock.ts';
import { createSystemRandom } from './system/random.ts';
import { VERSION } from './version.ts';

export interface Doctor {
  readonly deps: DoctorDeps;
  /** Gives unused quota back. Call when done. @throws {StorageError} */
  close(): Promise<void>;
}

/** They decide which tenant is asked, and as whom: without them, nobody is. */
const GRAPH_SETTINGS: readonly string[] = ['TENANT_ID', 'GRAPH_CLOUD', 'GRAPH_ENDPOINT', 'AZURE_CLIENT_ID'];

/** Never throws for settings that are wrong: they are what it reports. @param asked features besides those the settings turn on. */
export function createDoctor(
  environment: Environment,
  asked: readonly string[],
  makeLogger: (level: LogLevel) => Logger,
): Doctor {
  const clock = createSystemClock();
  const random = createSystemRandom();
  const { settings, problems } = salvage(environment);
  const parsed = parseStorageConnection(environment);
  const proxy = proxyProblem();
  const connection = parsed.kind === 'parsed' && proxy === undefined ? parsed.connection : undefined;
  const features = featuresOf(settings ?? { recordToGraph: false }, asked);
  const storage =
    connection === undefined || settings === undefined
      ? undefined
      : createStorage({ connection, tenantId: settings.tenantId, clock, random });
  const pacers: Pacer[] = [];
  const hasGraph =
    settings !== undefined && proxy === undefined && !problems.some(({ name }) => GRAPH_SETTINGS.includes(name));
  const deps: DoctorDeps = {
    clock,
    problems: [
      ...problems,
      ...(proxy === undefined ? [] : [proxy]),
      ...(parsed.kind === 'invalid' ? parsed.problems.map(storageProblem) : []),
    ],
    given: SETTINGS.filter(({ name }) => (environment[name] ?? '').trim() !== '').length,
    ...(settings === undefined ? {} : { settings }),
    isExcluded: createExclusion(settings?.exclude ?? []),
    ...(connection === undefined
      ? {}
      : { storage: storageOf({ connection, clock, storage, tenantId: settings?.tenantId ?? 'no-tenant' }) }),
    ...(hasGraph
      ? {
          graph: graphOf({
            settings,
            environment,
            clock,
            random,
            storage,
            pacers,
            logger: makeLogger(settings.logLevel),
          }),
        }
      : {}),
    needed: neededRoles(features),
    hasScriptTargets: features.includes('scriptTargets'),
    schedule: ({ schedule }) => scheduleFacts(schedule, clock.nowMs()),
  };
  return { deps, close: async () => void (await Promise.all(pacers.map((pacer) => pacer.flush()))) };
}

/** Everything that is wrong, and settings with a default wherever that is; none when the tenant's id is wrong. */
function salvage(environment: Environment): {
  readonly settings?: Settings;
  readonly problems: readonly SettingsProblem[];
} {
  const problems: SettingsProblem[] = [];
  const isWrong = (name: string) => problems.some((problem) => problem.name === name);
  const kept = (keep: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(environment).filter(([name]) => keep(name)));
  // First as they are, then without those that are wrong, at last with nothing but what tells the tenant: two settings may be wrong together.
  const attempts = [
    () => environment,
    () => kept((name) => !isWrong(name)),
    () => kept((name) => GRAPH_SETTINGS.includes(name) && !isWrong(name)),
  ];
  for (const attempt of attempts) {
    try {
      return { settings: parseSettings(attempt()), problems };
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(...error.problems.filter(({ name }) => !isWrong(name)));
      if (isWrong('TENANT_ID')) break;
    }
  }
  return { problems };
}

function storageOf({
  connection,
  clock,
  storage,
  tenantId,
}: {
  readonly connection: StorageConnection;
  readonly clock: Clock;
  readonly storage: Storage | undefined;
  readonly tenantId: string;
}): NonNullable<DoctorDeps['storage']> {
  const probe = createStorageProbe({ connection, clock, partition: `${tenantId}_doctor` });
  return { signIn: signInOf(connection), probe, ...(storage === undefined ? {} : { ledger: storage.ledger }) };
}

function signInOf({ authority, endpoints }: StorageConnection): StorageSignIn {
  if (authority.kind === 'identity') return 'identity';
  const { hostname } = new URL(endpoints.table);
  if (hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)) return 'emulator';
  return authority.kind === 'sharedKey' ? 'key' : 'signature';
}

function graphOf({
  settings,
  environment,
  clock,
  random,
  storage,
  pacers,
  logger,
}: {
  readonly settings: Settings;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  readonly storage: Storage | undefined;
  readonly pacers: Pacer[];
  readonly logger: Logger;
}): NonNullable<DoctorDeps['graph']> {
  const credential = createCredential(settings, environment);
  const shared = {
    settings,
    createCredential: () => credential,
    clock,
    random,
    version: VERSION,
    httpClient: createHttpClient(),
  };
  return {
    probe: createGraphProbe(shared),
    tenant(pacing) {
      const pacer = createPacer({
        store: pacing === 'shared' && storage !== undefined ? storage.budgetStore : createMemoryBudgetStore(clock),
        clock,
        budgets: settings.budgets,
        owner: random.guid().slice(0, 8),
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
      });
      pacers.push(pacer);
      return createTenant({ ...shared, pacer, logger });
    },
  };
}
