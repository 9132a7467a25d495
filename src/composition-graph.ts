/** Wires a connection to Graph for commands that need no more of the app. Layer: wiring. */
import type { Environment } from './config.ts';
import type { BudgetStore } from './domain/budget-store.ts';
import type { Clock, Logger, Random } from './domain/ports.ts';
import type { Settings } from './domain/settings.ts';
import { REQUEST_TIMEOUT_MS } from './graph/attempt.ts';
import type { GraphDeps } from './graph/connection.ts';
import { createCredential } from './graph/credential.ts';
import { createPacer } from './graph/pacer.ts';
import { createHttpClient } from './outbound/http-client.ts';
import { VERSION } from './version.ts';

interface Around {
  readonly settings: Settings;
  readonly environment: Environment;
  /** Where its quota is kept. */
  readonly store: BudgetStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Nothing is sent yet. The pacer gives unused quota back with `flush`. */
export function createGraphDeps({ settings, environment, store, clock, random, logger }: Around): GraphDeps {
  const owner = random.guid().slice(0, 8);
  const { budgets } = settings;
  return {
    settings,
    createCredential: () => createCredential(settings, environment),
    pacer: createPacer({ store, clock, budgets, owner, requestTimeoutMs: REQUEST_TIMEOUT_MS }),
    clock,
    random,
    logger,
    version: VERSION,
    httpClient: createHttpClient(),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  };
}
