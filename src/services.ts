/** Wires settings, storage, pacer and tenant into what the use cases need. Layer: wiring. */
import pLimit from 'p-limit';
import { DEFAULT_TIMING, type Deps, type Timing } from './app/deps.ts';
import { type Environment, parseSettings, parseWebhook } from './config.ts';
import type { Escrow } from './domain/escrow.ts';
import { createExclusion } from './domain/exclusion.ts';
import type { Pacer } from './domain/pacer.ts';
import type { Clock, Logger, Random } from './domain/ports.ts';
import type { RotationMode, Settings } from './domain/settings.ts';
import { SettingsError, type SettingsProblem } from './domain/settings-error.ts';
import type { TenantUsage } from './domain/tenant.ts';
import { REQUEST_TIMEOUT_MS } from './graph/attempt.ts';
import type { GraphDeps } from './graph/connection.ts';
import { createCredential } from './graph/credential.ts';
import { createEscrow } from './graph/escrow.ts';
import { createPacer } from './graph/pacer.ts';
import { createTenant } from './graph/tenant.ts';
import { createWebhookNotifier } from './notify/webhook.ts';
import { createHttpClient } from './outbound/http-client.ts';
import { type ParsedConnection, parseStorageConnection, type StorageConnection } from './storage/connection.ts';
import { createStorage, type Storage } from './storage/create-storage.ts';
import { createSystemClock } from './system/clock.ts';
import { createSystemRandom } from './system/random.ts';
import { VERSION } from './version.ts';

export interface ServicesOptions {
  readonly environment: Environment;
  /** Replaces `DEFAULT_TIMING`; for tests that wait in real time. */
  readonly timing?: Partial<Timing>;
  /** A Graph request is given up after this, ms. */
  readonly requestTimeoutMs?: number;
}

/** Everything long-lived of one process: one pacer, one connection pool, one credential. */
export interface Services {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly storage: Storage;
  readonly pacer: Pacer;
  /** Tables, queues and containers exist; made once per process. @throws {StorageError} */
  ready(): Promise<void>;
  /** Use-case dependencies for one invocation, and what its tenant client did. `mode` replaces the setting. */
  invocation(logger: Logger, mode?: () => RotationMode): { readonly deps: Deps; readonly usage: () => TenantUsage };
  /** The two escrow operations, apart from the dependencies of use cases that have no business with them. */
  escrow(logger: Logger): Escrow;
}

/** @throws {SettingsError} naming every problem. */
export function createServices({
  environment,
  timing,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: ServicesOptions): Services {
  const { settings, connection } = parseEnvironment(environment);
  const clock = createSystemClock();
  const random = createSystemRandom();
  let credential = createCredential(settings, environment);
  let isFirst = true;
  const storage = createStorage({ connection, tenantId: settings.tenantId, clock, random });
  const owner = random.guid().slice(0, 8);
  const pacer = createPacer({ store: storage.budgetStore, clock, budgets: settings.budgets, owner, requestTimeoutMs });
  const httpClient = createHttpClient();
  const limiter = pLimit(settings.concurrency);
  const isExcluded = createExclusion(settings.exclude);
  const webhook = parseWebhook(environment);
  const notifier =
    webhook === undefined
      ? undefined
      : createWebhookNotifier({ ...webhook, clock, random, httpClient, version: VERSION });
  let made: Promise<void> | undefined;

  /** Shared, so that tokens are cached across invocations; replaced when Graph keeps rejecting what it hands out. */
  function nextCredential() {
    if (!isFirst) credential = createCredential(settings, environment);
    isFirst = false;
    return credential;
  }

  const graphDeps = (logger: Logger): GraphDeps => ({
    settings,
    createCredential: nextCredential,
    pacer,
    clock,
    random,
    logger,
    version: VERSION,
    httpClient,
    requestTimeoutMs,
  });

  return {
    settings,
    clock,
    random,
    storage,
    pacer,
    ready: () => {
      made ??= storage.createAll().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
    escrow: (logger) => createEscrow(graphDeps(logger)),
    invocation: (logger, mode = () => settings.mode) => {
      const tenant = createTenant(graphDeps(logger));
      const { ledger, queues, workFiles, reportFiles } = storage;
      const deps: Deps = {
        settings,
        mode,
        tenant,
        ledger,
        queues,
        workFiles,
        reportFiles,
        ...(notifier === undefined ? {} : { notifier }),
        pacer,
        limiter,
        isExcluded,
        clock,
        random,
        logger,
        timing: { ...DEFAULT_TIMING, ...timing },
        version: VERSION,
      };
      return { deps, usage: () => tenant.usage() };
    },
  };
}

/** All problems at once: those of the settings, and those of the storage connection. */
function parseEnvironment(environment: Environment): {
  readonly settings: Settings;
  readonly connection: StorageConnection;
} {
  const { settings, storage, problems } = readSettings(environment);
  if (storage.kind === 'parsed' && settings !== undefined) return { settings, connection: storage.connection };
  throw new SettingsError([...problems, ...(storage.kind === 'invalid' ? storage.problems.map(storageProblem) : [])]);
}

/** The settings and the storage connection, each apart; `problems` are those of the settings alone. */
export function readSettings(environment: Environment): {
  readonly settings?: Settings;
  readonly problems: readonly SettingsProblem[];
  readonly storage: ParsedConnection;
} {
  const storage = parseStorageConnection(environment);
  try {
    return { settings: parseSettings(environment), problems: [], storage };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { problems: error.problems, storage };
  }
}

/** The problem starts with its setting's name. Its value may be a key, so it is never shown. */
export function storageProblem(problem: string): SettingsProblem {
  const [name = '', ...rule] = problem.split(' ');
  return { name, rule: rule.join(' '), given: problem.endsWith('neither is set') ? 'nothing' : 'not shown' };
}
