/** The simulated tenant as an outsider reads it: its own listings, page by page, with none of our code in between. */

import type { Clock } from '../../src/domain/ports.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import type { SimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import { HOUR_MS } from './world.ts';

/** A managed device as it is on the wire. */
export interface ListedDevice {
  readonly id: string;
  readonly azureADDeviceId: string;
  readonly deviceName: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  readonly isEncrypted: boolean;
  readonly deviceEnrollmentType: string;
  readonly managementAgent: string;
  readonly managementState: string;
  readonly lastSyncDateTime: string;
}

/** A recovery key as it is on the wire. */
export interface ListedKey {
  readonly id: string;
  readonly createdDateTime: string;
  readonly deviceId: string;
  readonly volumeType: string | number;
}

export interface ListedAction {
  readonly actionState: string;
  readonly startDateTime: string;
  readonly lastUpdatedDateTime: string;
}

export interface Listing {
  /** Windows devices. */
  readonly devices: readonly ListedDevice[];
  /** Keys of OS volumes by Entra device id, oldest first. */
  readonly osKeys: ReadonlyMap<string, readonly ListedKey[]>;
  /** Keys of all volumes. */
  readonly keyCounts: ReadonlyMap<string, number>;
}

const DEVICE_PROPERTIES: readonly (keyof ListedDevice)[] = [
  ...(['id', 'azureADDeviceId', 'deviceName', 'operatingSystem', 'osVersion', 'isEncrypted'] as const),
  ...(['deviceEnrollmentType', 'managementAgent', 'managementState', 'lastSyncDateTime'] as const),
];

/** In fair weather, on the tenant's clock; waits for whatever the app was told to wait for. */
export async function listTenant(sim: SimulatedTenant, clock: Clock): Promise<Listing> {
  await clock.sleep(HOUR_MS);
  const ask = asker(sim, clock);
  const select = DEVICE_PROPERTIES.join(',');
  const all = await ask<ListedDevice>(`/v1.0/deviceManagement/managedDevices?$select=${select}`);
  const keys = await ask<ListedKey>('/v1.0/informationProtection/bitlocker/recoveryKeys');
  const byAge = keys.toSorted((a, b) => Date.parse(a.createdDateTime) - Date.parse(b.createdDateTime));
  return {
    devices: all.filter(({ operatingSystem }) => operatingSystem.startsWith('Windows')),
    osKeys: Map.groupBy(byAge.filter(isOsVolume), ({ deviceId }) => deviceId),
    keyCounts: new Map(
      [...Map.groupBy(keys, ({ deviceId }) => deviceId)].map(([id, ofDevice]) => [id, ofDevice.length]),
    ),
  };
}

/** The device's rotation actions, newest first; none for one that is gone. */
export async function actionsOf(sim: SimulatedTenant, clock: Clock, id: string): Promise<readonly ListedAction[]> {
  const [device] = await asker(
    sim,
    clock,
  )<{ readonly deviceActionResults: readonly ListedAction[] }>(
    `/v1.0/deviceManagement/managedDevices/${id}?$select=id,deviceActionResults`,
  );
  return (device?.deviceActionResults ?? []).toSorted(
    (a, b) => Date.parse(b.startDateTime) - Date.parse(a.startDateTime),
  );
}

/** All three spellings. */
function isOsVolume({ volumeType }: ListedKey): boolean {
  return volumeType === 'operatingSystemVolume' || Number(volumeType) === 1;
}

/** Asks for a collection to its end, or for one thing; nothing for a 404. */
function asker(sim: SimulatedTenant, clock: Clock) {
  const random = createSeededRandom(4);
  const { token } = sim.issueToken(sim.graphRoot);
  return async <T>(path: string): Promise<readonly T[]> => {
    const found: T[] = [];
    for (let url: string | undefined = `${sim.graphRoot}${path}`; url !== undefined; ) {
      const headers = {
        authorization: `Bearer ${token}`,
        'user-agent': 'outsider',
        'client-request-id': random.guid(),
      };
      const answer = sim.handle({ method: 'GET', url, headers });
      if (answer.kind === 'reset') throw new Error('no fault is allowed here');
      const { status, body = '{}' } = answer.response;
      if (status === 404) return [];
      if (status === 429) {
        await clock.sleep(60_000);
        continue;
      }
      if (status !== 200) throw new Error(`the tenant answers ${status} to ${path}`);
      const page = JSON.parse(body) as { readonly value?: readonly T[]; readonly '@odata.nextLink'?: string };
      found.push(...(page.value ?? [page as T]));
      url = page['@odata.nextLink'];
    }
    return found;
  };
}
