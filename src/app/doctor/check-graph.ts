/** Graph: whether it can be reached, and each endpoint by reading one page or one device. Layer: app. */

import { GraphError } from '../../domain/graph-error.ts';
import type { EntraDeviceId } from '../../domain/ids.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { GraphReach } from '../../domain/probes.ts';
import type { RecoveryKey } from '../../domain/recovery-key.ts';
import { StorageError } from '../../domain/storage-error.ts';
import type { Page, Reading } from '../../domain/tenant.ts';
import { type Check, type CheckName, fail, ok, skipped, warn, withAdvice } from './check.ts';
import { checkClock } from './check-clock.ts';
import type { FleetSample } from './check-fleet.ts';
import type { ReadableTenant } from './doctor-deps.ts';

/** Two checks: whether Graph answers, and its clock. */
export function checkReach(reach: GraphReach | undefined, host: string): readonly Check[] {
  switch (reach?.kind) {
    case undefined:
      return [skipped('graph', 'settings'), skipped('graphClock', 'settings')];
    case 'unreachable':
      return [
        fail(
          'graph',
          `${host} cannot be reached (${reach.code})`,
          'check the network, HTTPS_PROXY, GRAPH_CLOUD and GRAPH_ENDPOINT',
        ),
        skipped('graphClock', 'graph'),
      ];
    case 'foreign':
      return [
        fail(
          'graph',
          `what answers for ${host} is not Microsoft Graph (status ${reach.httpStatus})`,
          'check HTTPS_PROXY and any proxy in between, and GRAPH_ENDPOINT',
        ),
        skipped('graphClock', 'graph'),
      ];
    case 'reached':
      return [
        ok('graph', `${host} answers`),
        reach.ahead === undefined
          ? skipped('graphClock', { why: "Graph's answer had no Date" })
          : checkClock('graphClock', "Graph's", nearestToZero(reach.ahead)),
      ];
  }
}

/** What the clocks are apart at the least. */
function nearestToZero({ leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number }): number {
  return Math.min(Math.max(0, leastMs), mostMs);
}

/** What reading the endpoints gave, and a check for each. */
export interface GraphReadings {
  readonly checks: readonly Check[];
  /** Absent when the devices could not be read. */
  readonly fleet?: FleetSample;
}

/** Reads the first page of both lists. @throws the signal's reason. */
export async function readLists(tenant: ReadableTenant, options: CallOptions): Promise<GraphReadings> {
  const [devices, keys] = await Promise.all([
    tried('managedDevices', options, () => firstPage(tenant.managedDevicePages(undefined, options))),
    tried('recoveryKeys', options, () => firstPage(tenant.recoveryKeyPages(undefined, options))),
  ]);
  const readings: Check[] = [
    'check' in devices
      ? devices.check
      : ok(
          'managedDevices',
          `managed devices (v1.0): a page of ${plural(devices.value.items.length, 'device')} was read`,
        ),
    'check' in keys
      ? keys.check
      : ok(
          'recoveryKeys',
          `recovery-key metadata (v1.0): a page of ${plural(keys.value.items.length, 'key')} was read`,
        ),
  ];
  if ('check' in devices) return { checks: readings };
  return { checks: readings, fleet: { devices: devices.value.items, isWhole: devices.value.next === undefined } };
}

/** Reads what is read device by device, of one. `device` undefined: `because` says why there is none. */
export async function readOneDevice(
  tenant: ReadableTenant,
  device: ManagedDevice | undefined,
  because: CheckName,
  options: CallOptions,
): Promise<readonly Check[]> {
  if (device === undefined) return [skipped('actionResults', because), skipped('encryptionStates', because)];
  const id = device.managedDeviceId;
  return Promise.all([
    tried('actionResults', options, () => tenant.actionResults([id], options)).then((found) =>
      'check' in found ? found.check : ofReading('actionResults', 'action results (v1.0)', found.value.get(id)),
    ),
    tried('encryptionStates', options, () => tenant.encryptionStates([id], options)).then((found) =>
      'check' in found ? found.check : ofReading('encryptionStates', 'encryption states (beta)', found.value.get(id)),
    ),
  ]);
}

/** Keys of a few devices. */
export async function readKeys(
  tenant: ReadableTenant,
  devices: readonly ManagedDevice[],
  options: CallOptions,
): Promise<readonly Reading<readonly RecoveryKey[]>[] | Check> {
  const ids = devices.map(({ entraDeviceId }) => entraDeviceId).filter((id): id is EntraDeviceId => id !== undefined);
  const found = await tried('keys', options, () => tenant.recoveryKeys(ids, options));
  return 'check' in found ? found.check : [...found.value.values()];
}

/** No script has it: a tenant that lets us look answers that there is none. */
const NO_SCRIPT = '00000000-0000-4000-8000-000000000000';

/** Looks for the run states of a script that does not exist; only asked when scripts may be targets. */
export async function readScripts(tenant: ReadableTenant, options: CallOptions): Promise<Check> {
  const name = 'scriptRunStates';
  try {
    await firstPage(tenant.runStatePages('deviceHealthScript', NO_SCRIPT, undefined, options));
    return ok(name, 'run states of scripts (beta) can be read');
  } catch (error) {
    if (error instanceof GraphError && error.kind === 'notFound') {
      return ok(name, 'run states of scripts (beta) can be asked for; one that does not exist was not found');
    }
    return faulty(name, error, options);
  }
}

type Tried<T> = { readonly value: T } | { readonly check: Check };

async function tried<T>(name: CheckName, options: CallOptions, read: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { check: faulty(name, error, options) };
  }
}

async function firstPage<T>(pages: AsyncIterable<Page<T>>): Promise<Page<T>> {
  for await (const page of pages) return page;
  return { items: [] };
}

/** @throws what is neither Graph's nor storage's fault. */
function faulty(name: CheckName, error: unknown, { signal }: CallOptions): Check {
  if (signal.aborted && error === signal.reason) throw error;
  if (error instanceof StorageError) {
    const { message, action } = withAdvice(error.message, 'see the checks of storage above');
    return fail(name, `its quota is kept in storage, and ${message}`, action);
  }
  if (!(error instanceof GraphError)) throw error;
  if (error.kind === 'throttled') {
    return warn(name, 'the tenant is throttling, or was too slow to answer in time', 'try again in a minute');
  }
  const { message, action } = withAdvice(error.message, 'try again; if it stays, report it');
  return fail(name, message, error.requestId === undefined ? action : `${action} (request ${error.requestId})`);
}

function ofReading(name: CheckName, what: string, reading: Reading<unknown> | undefined): Check {
  switch (reading?.kind) {
    case 'found':
      return ok(name, `${what}: those of one device were read`);
    case 'gone':
      return ok(name, `${what}: asked for one device, which has none`);
    case 'unreadable':
      return warn(
        name,
        `${what}: Graph answered ${reading.status} for one device`,
        'try again; if it stays, look at the service health of Intune',
      );
    case undefined:
      return warn(name, `${what}: Graph gave no answer for one device`, 'try again');
  }
}
