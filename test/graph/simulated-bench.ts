/** The Graph adapter on the simulated tenant, for tests that go from end to end. */
import { inspect } from 'node:util';
import { expect } from 'vitest';
import type { CallOptions } from '../../src/domain/ports.ts';
import type { Page } from '../../src/domain/tenant.ts';
import { createTenant } from '../../src/graph/tenant.ts';
import { CANARY_SECRETS } from '../../src/simulator/canary-secrets.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { createSimulatedTenant, type SimulatedTenantOptions } from '../../src/simulator/simulated-tenant.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createFakeLogger, createFakePacer, START_MS } from './fakes.ts';

/** How many devices there are. */
export const DEVICES = 400;

/** The adapter on the simulated tenant, as it comes, on the virtual clock. */
export function createSimulatedBench(options: Partial<SimulatedTenantOptions> = {}) {
  const clock = createVirtualClock(START_MS);
  const simulated = createSimulatedTenant({
    clock,
    devices: DEVICES,
    pageSize: 50,
    plantSecrets: true,
    latencyMs: [20, 200],
    ...options,
  });
  const logger = createFakeLogger();
  const budget = { limit: 200, windowMs: 20_000 };
  const tenant = createTenant({
    settings: {
      graphRoot: simulated.graphRoot,
      budgets: { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget },
    },
    createCredential: () => simulated.credential(),
    pacer: createFakePacer(clock),
    clock,
    random: createSeededRandom(7),
    logger,
    version: '1.2.3',
    httpClient: simulated.httpClient(),
  });
  const callOptions = (): CallOptions => ({
    priority: 'bulk',
    deadlineAtMs: clock.nowMs() + 3_600_000,
    signal: new AbortController().signal,
  });
  return { clock, simulated, logger, tenant, callOptions };
}

/** What all pages hold. */
export const itemsOf = <T>(pages: readonly Page<T>[]): T[] => pages.flatMap((page) => page.items);

/** Fails when `shown` holds a secret that the tenant planted. */
export function expectNothingLeaked(shown: unknown): void {
  const text = `${inspect(shown, { depth: 10, showHidden: true })} ${JSON.stringify(shown)}`;
  for (const secret of CANARY_SECRETS) expect(text).not.toContain(secret);
}
