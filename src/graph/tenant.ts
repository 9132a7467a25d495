/** The `Tenant` port on Microsoft Graph. Layer: graph. */
import type { EntraDeviceId, ManagedDeviceId } from '../domain/ids.ts';
import type { CallOptions } from '../domain/ports.ts';
import type { Tenant, TenantUsage } from '../domain/tenant.ts';
import { parseActionResults } from './action-results.ts';
import { createBatchReader } from './batch.ts';
import { connectGraph, type GraphDeps } from './connection.ts';
import { parseDevice } from './devices.ts';
import { parseEncryptionState } from './encryption-states.ts';
import { createLinks } from './links.ts';
import { createListings } from './listings.ts';
import { parseRecoveryKey } from './recovery-keys.ts';
import { requestRotation } from './rotation.ts';
import { runStateParser } from './run-states.ts';
import { createEncryptionState } from './state-creation.ts';
import { rolesOf } from './token-provider.ts';

/** The port, and what it did so far. */
export type GraphTenant = Tenant & {
  usage(): TenantUsage;
};

/**
 * A tenant behind Microsoft Graph. Keeps promises of the port; makes no request before it is asked to.
 * @throws {TypeError} when the Graph root is plain http to another machine.
 */
export function createTenant(deps: GraphDeps): GraphTenant {
  const { clock, logger, pacer, random, version } = deps;
  const { graphRoot } = deps.settings;
  const { client, tokens, meter, serverClock } = connectGraph(deps);
  const batches = createBatchReader({ graphRoot, pacer, clock, random, logger, meter, version, client });
  const listings = createListings({ client, batches, graphRoot, logger });
  const links = createLinks(graphRoot, 'v1.0');
  const betaLinks = createLinks(graphRoot, 'beta');

  const DEVICES = { operation: 'managedDevices', requestClass: 'any', parseItem: parseDevice, links } as const;
  const KEYS = { operation: 'recoveryKeys', requestClass: 'key', parseItem: parseRecoveryKey, links } as const;
  const DEVICE = { operation: 'managedDevices', requestClass: 'any', parse: parseDevice } as const;
  // Chosen: no limit is documented for scripts; like devices, they are Intune's, and their answers hold devices.
  const RUN_STATES = { operation: 'scriptRunStates', requestClass: 'any' } as const;

  const tokenFor = (options: { readonly signal: AbortSignal; readonly deadlineAtMs: number }) =>
    tokens.getToken({ signal: options.signal, deadlineAtMs: options.deadlineAtMs });

  const asking = {
    client,
    graphRoot,
    pacer,
    clock,
    random,
    meter,
    grantedRoles: async (call: CallOptions) => rolesOf(await tokenFor(call)),
  };

  return {
    managedDevicePages: (from, options) => listings.all(DEVICES, { to: 'windowsDevices' }, from, options),
    recoveryKeyPages: (from, options) => listings.all(KEYS, { to: 'recoveryKeys' }, from, options),
    managedDevices: (ids, options) =>
      batches.read(
        { ...DEVICE, route: (managedDeviceId: ManagedDeviceId) => ({ to: 'device', managedDeviceId }) },
        ids,
        options,
      ),
    managedDevicesOf: (ids, options) =>
      listings.each(DEVICES, (entraDeviceId: EntraDeviceId) => ({ to: 'devicesOf', entraDeviceId }), ids, options),
    comanagedDevices: (ids, options) =>
      batches.read(
        { ...DEVICE, route: (managedDeviceId: ManagedDeviceId) => ({ to: 'comanagedDevice', managedDeviceId }) },
        ids,
        options,
      ),
    async devicesNamed(by, values, options) {
      // What is no Unicode text cannot be put in a URL, nor name a device.
      const askable = values.filter((value) => value.isWellFormed());
      const readings = await listings.each(DEVICES, (value) => ({ to: 'devicesNamed', by, value }), askable, options);
      return new Map(values.map((value) => [value, readings.get(value) ?? { kind: 'found', value: [] }]));
    },
    runStates: (kind, scriptId, runStateIds, options) =>
      batches.read(
        {
          ...RUN_STATES,
          route: (deviceRunStateId) => ({ to: 'runState', kind, scriptId, deviceRunStateId }),
          parse: runStateParser(kind),
        },
        runStateIds,
        options,
      ),
    runStatePages: (kind, scriptId, from, options) =>
      listings.all(
        { ...RUN_STATES, parseItem: runStateParser(kind), links: betaLinks },
        { to: 'runStates', kind, scriptId },
        from,
        options,
      ),
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
      listings.each(KEYS, (entraDeviceId: EntraDeviceId) => ({ to: 'recoveryKeysOf', entraDeviceId }), ids, options),
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
    requestRotation: (route, options) => requestRotation(asking, route, options),
    createEncryptionState: (state, options) => createEncryptionState(asking, state, options),
    clockAheadMs: () => serverClock.aheadMs(),
    grantedRoles: async (signal) => rolesOf(await tokenFor({ signal, deadlineAtMs: Number.POSITIVE_INFINITY })),
    usage: () => meter.read(pacer.usage().waitMs),
  };
}
