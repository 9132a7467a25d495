/** Managed devices: the list, one device, and the co-managed view of the same. Layer: simulator. */
import type { CalledBy } from '../devices/device-finder.ts';
import type { DeviceProfile } from '../devices/device-profile.ts';
import { unitHash } from '../seeded-random.ts';
import { actionResultsJson } from '../wire/action-result-wire.ts';
import { deviceWriter } from '../wire/managed-device-wire.ts';
import { type FilterClause, matchesInstant, matchesText } from '../wire/odata-query.ts';
import {
  type EndpointAnswer,
  type EndpointCall,
  notFound,
  readCursor,
  readQuery,
  type TenantState,
  unsupported,
} from './endpoint.ts';

/** Source: observed (2024 to 2026); other properties are refused or ignored by Intune. */
const TEXT_FILTERS: Readonly<Record<string, (profile: DeviceProfile) => string>> = {
  operatingSystem: (profile) => profile.operatingSystem,
  azureADDeviceId: (profile) => profile.entraDeviceId,
  deviceName: (profile) => profile.deviceName,
  serialNumber: (profile) => profile.serialNumber,
  userPrincipalName: (profile) => profile.userPrincipalName,
};
const CALLED_BY: readonly CalledBy[] = ['serialNumber', 'deviceName', 'userPrincipalName'];
const INSTANT_FILTERS = ['lastSyncDateTime', 'enrolledDateTime'];

/** What is wrong with a clause, if anything. */
function problemOf({ property, operator, quoted, value }: FilterClause): string | undefined {
  if (property in TEXT_FILTERS) {
    return quoted && (operator === 'eq' || operator === 'ne')
      ? undefined
      : `'${property}' takes eq or ne and a quoted value`;
  }
  if (!INSTANT_FILTERS.includes(property)) return `filtering on '${property}' is not supported`;
  return quoted || Number.isNaN(Date.parse(value)) ? `'${property}' takes an unquoted date and time` : undefined;
}

/** `GET …/managedDevices` and, with `coManaged`, `…/comanagedDevices`. `deviceActionResults` is empty, as in Graph's lists. */
export function listDevices(state: TenantState, call: EndpointCall, coManaged: boolean): EndpointAnswer {
  const query = readQuery(state, call, ['$select', '$filter', '$top']);
  if ('kind' in query) return query;
  for (const clause of query.filter) {
    const problem = problemOf(clause);
    if (problem !== undefined) return unsupported(state, call, problem);
  }
  const from = readCursor(state, call, query);
  if (typeof from !== 'number') return from;
  const write = deviceWriter(call.version, query.select);
  if (typeof write !== 'function')
    return unsupported(state, call, `Could not find a property named '${write.unknown}'`);

  const { fleet, world, plantSecrets } = state;
  const size = Math.min(query.top ?? state.pageSize, state.pageSize);
  const candidates = candidatesOf(state, query.filter);
  const end = candidates?.length ?? fleet.size;
  const items: string[] = [];
  const cursors: number[] = [];
  let cursor = from;
  for (; cursor < end && items.length < size; cursor += 1) {
    const index = candidates === undefined ? cursor : (candidates[cursor] as number);
    if (world.isRemoved(index)) continue;
    const profile = fleet.profile(index);
    if (coManaged && !isCoManaged(profile)) continue;
    const lastSyncAtMs = world.lastSyncAtMs(profile, call.nowMs);
    if (!query.filter.every((clause) => matches(clause, profile, lastSyncAtMs))) continue;
    items.push(write({ profile, lastSyncAtMs, actionResults: '[]', plantSecrets }));
    cursors.push(cursor + 1);
  }
  const context = `${call.url.origin}/${call.version}/$metadata#deviceManagement/managedDevices`;
  return { kind: 'page', context, page: { from, items, cursors, ...(cursor < end ? { next: cursor } : {}) } };
}

function matches(clause: FilterClause, profile: DeviceProfile, lastSyncAtMs: number): boolean {
  const read = TEXT_FILTERS[clause.property];
  if (read !== undefined) return matchesText(clause, read(profile));
  return matchesInstant(clause, clause.property === 'lastSyncDateTime' ? lastSyncAtMs : profile.enrolledAtMs);
}

/** An Entra device id, a serial number, a name or a user lead straight to their records; everything else takes a walk through the fleet. */
function candidatesOf(state: TenantState, filter: readonly FilterClause[]): readonly number[] | undefined {
  const equal = (property: string): FilterClause | undefined =>
    filter.find((clause) => clause.property === property && clause.operator === 'eq');
  const byId = equal('azureADDeviceId');
  if (byId === undefined) {
    for (const property of CALLED_BY) {
      const clause = equal(property);
      if (clause !== undefined) return state.findDevices(property, clause.value);
    }
    return undefined;
  }
  const owner = state.fleet.ownerOfEntraDevice(byId.value);
  // The all-zero id is no device's own: those who have it are found by walking.
  if (owner === undefined) return /^[0-]+$/.test(byId.value) ? undefined : [];
  return state.fleet.recordsOf(owner);
}

/** `GET …/managedDevices/{id}`, with `deviceActionResults`. */
export function getDevice(state: TenantState, call: EndpointCall, coManaged: boolean): EndpointAnswer {
  const query = readQuery(state, call, ['$select']);
  if ('kind' in query) return query;
  const profile = presentDevice(state, call.route.ids[0] ?? '');
  if (profile === undefined || (coManaged && !isCoManaged(profile))) return notFound('device');
  const write = deviceWriter(call.version, query.select);
  if (typeof write !== 'function')
    return unsupported(state, call, `Could not find a property named '${write.unknown}'`);
  const variant = unitHash(state.seed, profile.index, 500);
  const body = write({
    profile,
    lastSyncAtMs: state.world.lastSyncAtMs(profile, call.nowMs),
    actionResults: actionResultsJson(profile, state.world.actionsOf(profile.index), call.nowMs, variant),
    plantSecrets: state.plantSecrets,
  });
  const context = `${call.url.origin}/${call.version}/$metadata#deviceManagement/managedDevices/$entity`;
  return { kind: 'answer', status: 200, body: `{"@odata.context":${JSON.stringify(context)},${body.slice(1)}` };
}

/** Managed by Configuration Manager too. */
export function isCoManaged(profile: DeviceProfile): boolean {
  return profile.enrollmentType === 'windowsCoManagement';
}

/** The device, unless Intune does not, or no longer, know it. */
export function presentDevice(state: TenantState, managedDeviceId: string): DeviceProfile | undefined {
  const index = state.fleet.indexOfManagedDevice(managedDeviceId);
  if (index === undefined || state.world.isRemoved(index)) return undefined;
  const profile = state.fleet.profile(index);
  return profile.behaviour === 'gone' ? undefined : profile;
}
