/** The doctor on the simulated tenant, with storage as a test says it is, on the virtual clock. */
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Check, CheckName, Diagnosis } from '../../src/app/doctor/check.ts';
import type { DoctorDeps } from '../../src/app/doctor/doctor-deps.ts';
import { examine } from '../../src/app/doctor/examine.ts';
import { parseSettings } from '../../src/config.ts';
import { scheduleFacts } from '../../src/config-schedule.ts';
import { createExclusion } from '../../src/domain/exclusion.ts';
import type { ServiceFindings, StorageFault, StorageFindings, StorageService } from '../../src/domain/probes.ts';
import type { Settings } from '../../src/domain/settings.ts';
import type { Feature } from '../../src/graph/app-roles.ts';
import { createGraphProbe } from '../../src/graph/graph-probe.ts';
import { neededRoles } from '../../src/graph/needed-roles.ts';
import { createTenant } from '../../src/graph/tenant.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { createSimulatedTenant, type SimulatedTenantOptions } from '../../src/simulator/simulated-tenant.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { createFakeLogger, createFakePacer, START_MS } from '../graph/fakes.ts';

/** What rotating needs, and nothing else. */
export const NEEDED = neededRoles(['rotation']).map(({ role }) => role);

const found = (host: string, wanted: readonly string[]): ServiceFindings => ({
  host,
  wanted,
  missing: [],
  access: { kind: 'tried' },
});

/** Everything is there and allowed. */
export const STORAGE_WELL: StorageFindings = {
  services: {
    Table: found('a.table.core.windows.net', ['Runs', 'Rotations', 'Devices', 'Quarantine', 'Budgets']),
    Queue: found('a.queue.core.windows.net', ['rotation-runs', 'rotation-runs-poison']),
    Blob: found('a.blob.core.windows.net', ['reports', 'work']),
  },
  depths: { 'rotation-runs': 1, 'rotation-runs-poison': 0 },
  aheadMs: 0,
};

/** The same with one service changed. */
export function storageWith(service: StorageService, change: Partial<ServiceFindings>): StorageFindings {
  return {
    ...STORAGE_WELL,
    services: { ...STORAGE_WELL.services, [service]: { ...STORAGE_WELL.services[service], ...change } },
  };
}

export const faultyAccess = (kind: StorageFault['kind'], code: string): Pick<ServiceFindings, 'access'> => ({
  access: { kind: 'fault', fault: { kind, code, message: `Azure Table Storage did not (${code}): do something` } },
});

export interface BenchOptions extends Partial<Omit<SimulatedTenantOptions, 'clock'>> {
  readonly settings?: Readonly<Record<string, string>>;
  readonly storage?: StorageFindings;
  readonly features?: readonly Feature[];
  /** Changes the token of the simulated tenant. */
  readonly token?: (token: string) => string | undefined;
  /** Changes what the doctor is given. */
  readonly change?: (deps: DoctorDeps) => DoctorDeps;
  readonly http?: HttpClient;
}

export interface DoctorBench {
  readonly tenant: ReturnType<typeof createSimulatedTenant>;
  readonly ledger: ReturnType<typeof createMemoryLedger>;
  readonly settings: Settings;
  readonly clock: ReturnType<typeof createVirtualClock>;
  /** How Graph's quota was taken, in the order of asking. */
  readonly pacing: string[];
  look(signal?: AbortSignal): Promise<Diagnosis>;
}

/** A healthy tenant of 40 devices with exactly the roles needed, unless told otherwise. */
export function doctorBench(options: BenchOptions = {}): DoctorBench {
  const {
    settings: given = {},
    storage = STORAGE_WELL,
    features = ['rotation'],
    token,
    change,
    http,
    ...simulation
  } = options;
  const clock = createVirtualClock(START_MS);
  const tenant = createSimulatedTenant({ devices: 40, fleet: 'healthy', roles: NEEDED, ...simulation, clock });
  const settings = parseSettings({ TENANT_ID: tenant.tenantId, ROTATION_MODE: 'live', ...given });
  const ledger = createMemoryLedger({ clock });
  const pacing: string[] = [];
  const credential = tenant.credential();
  const shared = {
    settings,
    createCredential: () => ({
      async getToken(scopes: string | string[]) {
        const access = await credential.getToken(scopes);
        if (token === undefined || access === null) return access;
        const changed = token(access.token);
        return changed === undefined ? null : { ...access, token: changed };
      },
    }),
    clock,
    random: createSeededRandom(5),
    version: '1.2.3',
    httpClient: http ?? tenant.httpClient(),
  };
  const deps: DoctorDeps = {
    clock,
    problems: [],
    given: 2,
    settings,
    isExcluded: createExclusion(settings.exclude),
    storage: { signIn: 'identity', probe: { examine: () => Promise.resolve(storage) }, ledger },
    graph: {
      probe: createGraphProbe(shared),
      tenant(kind) {
        pacing.push(kind);
        return createTenant({ ...shared, pacer: createFakePacer(clock), logger: createFakeLogger() });
      },
    },
    needed: neededRoles(features),
    hasScriptTargets: features.includes('scriptTargets'),
    schedule: ({ schedule }) => scheduleFacts(schedule, clock.nowMs()),
  };
  return {
    tenant,
    ledger,
    settings,
    clock,
    pacing,
    look: (signal = new AbortController().signal) => clock.run(() => examine(change?.(deps) ?? deps, signal)),
  };
}

/** The check of that name; fails when there is not exactly one. */
export function checkOf({ checks }: Pick<Diagnosis, 'checks'>, name: CheckName): Check {
  const [one, ...more] = checks.filter((check) => check.name === name);
  if (one === undefined || more.length > 0)
    throw new Error(`there should be one check ${name}, got ${more.length + 1}`);
  return one;
}

/** Names of the checks of a status. */
export const namesOf = ({ checks }: Pick<Diagnosis, 'checks'>, status: Check['status']): readonly string[] =>
  checks.filter((check) => check.status === status).map(({ name }) => name);
