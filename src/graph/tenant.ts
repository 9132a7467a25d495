/** The `Tenant` port on Microsoft Graph. Layer: graph. */
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { GraphError } from '../domain/graph-error.ts';
import type { EntraDeviceId, ManagedDeviceId } from '../domain/ids.ts';
import type { Pacer } from '../domain/pacer.ts';
import type { CallOptions, Clock, Logger, Page, Random, Reading, Tenant, TenantUsage } from '../domain/ports.ts';
import type { Settings } from '../domain/settings.ts';
import { parseActionResults } from './action-results.ts';
import { REQUEST_TIMEOUT_MS } from './attempt.ts';
import { type BatchPlan, createBatchReader } from './batch.ts';
import { createGraphClient } from './client.ts';
import { parseDevice } from './devices.ts';
import { parseEncryptionState } from './encryption-states.ts';
import { createLinks } from './links.ts';
import { type Collection, type ParseItem, pages, parseCollection } from './paging.ts';
import { createGraphPipeline } from './pipeline.ts';
import { parseRecoveryKey } from './recovery-keys.ts';
import { requestRotation } from './rotation.ts';
import { type Route, routeUrl } from './routes.ts';
import { createServerClock } from './server-clock.ts';
import { createTokenProvider, rolesOf } from './token-provider.ts';
import { createMeter } from './usage.ts';

export interface GraphTenantDeps {
  readonly settings: Pick<Settings, 'graphRoot' | 'budgets'> & Partial<Pick<Settings, 'tenantId'>>;
  /** Called when the first token is needed, and again when a credential keeps handing out a token that Graph rejected. */
  readonly createCredential: () => TokenCredential;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ours, for the user agent: `keyturn/<version>`. */
  readonly version: string;
  /** The transport; the library's own by default. */
  readonly httpClient?: HttpClient;
  /** A request is given up after this, ms; 30 s by default. A rotation waits this long for its answer, whatever the signal says. */
  readonly requestTimeoutMs?: number;
}

/** The port, and what it did so far. */
export type GraphTenant = Tenant & {
  usage(): TenantUsage;
};

/**
 * A tenant behind Microsoft Graph. Keeps promises of the port; makes no request before it is asked to.
 * @throws {TypeError} when the Graph root is plain http to another machine.
 */
export function createTenant(deps: GraphTenantDeps): GraphTenant {
  const { clock, logger, pacer, random, version } = deps;
  const { graphRoot, tenantId } = deps.settings;
  const meter = createMeter(deps.settings.budgets.write);
  const tokens = createTokenProvider({
    createCredential: deps.createCredential,
    graphRoot,
    clock,
    ...(tenantId === undefined ? {} : { tenantId }),
  });
  const send = createGraphPipeline(graphRoot, deps.httpClient);
  const requestTimeoutMs = deps.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const serverClock = createServerClock();
  const shared = { graphRoot, pacer, clock, random, logger, meter, serverClock, version };
  const client = createGraphClient({ ...shared, send, tokens, requestTimeoutMs });
  const batches = createBatchReader({ ...shared, client });
  // Every collection we list is a v1.0 one.
  const links = createLinks(graphRoot, 'v1.0');

  const DEVICES = { operation: 'managedDevices', requestClass: 'any', parseItem: parseDevice } as const;
  const KEYS = { operation: 'recoveryKeys', requestClass: 'key', parseItem: parseRecoveryKey } as const;

  function list<T>(
    collection: Omit<Collection<T>, 'url'>,
    route: Route,
    from: string | undefined,
    options: CallOptions,
  ) {
    return pages(client, links, { ...collection, url: routeUrl(graphRoot, route) }, from, options);
  }

  /** Reads a collection per id. A part that has more than one page is read on, page by page. */
  async function listEach<Id extends string, T>(
    collection: Omit<Collection<T>, 'url'>,
    route: (id: Id) => Route,
    ids: readonly Id[],
    options: CallOptions,
  ): Promise<Map<Id, Reading<readonly T[]>>> {
    const { operation, requestClass } = collection;
    const parseItem: ParseItem<T> = collection.parseItem;
    const plan: BatchPlan<Id, Page<T>> = {
      operation,
      requestClass,
      route,
      parse: (body, context, at) => parseCollection(parseItem, links, body, context, at),
    };
    const readings = new Map<Id, Reading<readonly T[]>>();
    for (const [id, reading] of await batches.read(plan, ids, options)) {
      readings.set(
        id,
        reading.kind === 'found' ? await readOn(collection, reading.value, () => route(id), options) : reading,
      );
    }
    return readings;
  }

  async function readOn<T>(
    collection: Omit<Collection<T>, 'url'>,
    first: Page<T>,
    route: () => Route,
    options: CallOptions,
  ): Promise<Reading<readonly T[]>> {
    if (first.next === undefined) return { kind: 'found', value: first.items };
    const items = [...first.items];
    try {
      for await (const page of list(collection, route(), first.next, options)) items.push(...page.items);
      return { kind: 'found', value: items };
    } catch (error) {
      // Part of a collection must not pass for all of it.
      if (!(error instanceof GraphError) || (error.kind !== 'throttled' && error.kind !== 'unavailable')) throw error;
      return { kind: 'unreadable', status: error.kind === 'throttled' ? 429 : (error.status ?? 0) };
    }
  }

  const tokenFor = (options: { readonly signal: AbortSignal; readonly deadlineAtMs: number }) =>
    tokens.getToken({ signal: options.signal, deadlineAtMs: options.deadlineAtMs });

  return {
    managedDevicePages: (from, options) => list(DEVICES, { to: 'windowsDevices' }, from, options),
    recoveryKeyPages: (from, options) => list(KEYS, { to: 'recoveryKeys' }, from, options),
    managedDevices: (ids, options) =>
      batches.read(
        {
          operation: 'managedDevices',
          requestClass: 'any',
          route: (managedDeviceId: ManagedDeviceId) => ({ to: 'device', managedDeviceId }),
          parse: parseDevice,
        },
        ids,
        options,
      ),
    managedDevicesOf: (ids, options) =>
      listEach(DEVICES, (entraDeviceId: EntraDeviceId) => ({ to: 'devicesOf', entraDeviceId }), ids, options),
    actionResults: (ids, options) =>
      batches.read(
        {
          operation: 'actionResults',
          requestClass: 'any',
          route: (managedDeviceId: ManagedDeviceId) => ({ to: 'actionResults', managedDeviceId }),
          parse: parseActionResults,
        },
        ids,
        options,
      ),
    recoveryKeys: (ids, options) =>
      listEach(KEYS, (entraDeviceId: EntraDeviceId) => ({ to: 'recoveryKeysOf', entraDeviceId }), ids, options),
    encryptionStates: (ids, options) =>
      batches.read(
        {
          operation: 'encryptionStates',
          requestClass: 'stateAny',
          route: (managedDeviceId: ManagedDeviceId) => ({ to: 'encryptionState', managedDeviceId }),
          parse: parseEncryptionState,
        },
        ids,
        options,
      ),
    requestRotation: (target, options) =>
      requestRotation(
        {
          client,
          graphRoot,
          pacer,
          clock,
          random,
          meter,
          grantedRoles: async (call) => rolesOf(await tokenFor(call)),
        },
        target,
        options,
      ),
    clockAheadMs: () => serverClock.aheadMs(),
    grantedRoles: async (signal) => rolesOf(await tokenFor({ signal, deadlineAtMs: Number.POSITIVE_INFINITY })),
    usage: () => meter.read(pacer.usage().waitMs),
  };
}
