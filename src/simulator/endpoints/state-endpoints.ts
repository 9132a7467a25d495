/** Encryption states (beta): list, one, create. They lag, and some devices have none. Layer: simulator. */
import type { DeviceProfile } from '../devices/device-profile.ts';
import { unitHash } from '../seeded-random.ts';
import { advancedStatesOf, encryptionStateJson } from '../wire/encryption-state-wire.ts';
import { parseObject } from '../wire/json-body.ts';
import { problemOfState } from '../wire/state-body.ts';
import {
  badRequest,
  type EndpointAnswer,
  type EndpointCall,
  notFound,
  problemOfWrite,
  readCursor,
  readQuery,
  refusedWrite,
  type TenantState,
} from './endpoint.ts';

/** Chosen: three devices in a hundred are not in the report. */
const WITHOUT_STATE = 0.03;
/** Source: Intune documentation, encryption report: up to 24 hours behind (read 2026-11-22). */
const LAG_MS = 24 * 3_600_000;

function hasState(state: TenantState, profile: DeviceProfile): boolean {
  return profile.operatingSystem === 'Windows' && unitHash(state.seed, profile.index, 600) >= WITHOUT_STATE;
}

function idOf(state: TenantState, profile: DeviceProfile): string {
  return state.encryptionStateIds === 'managedDeviceId' ? profile.managedDeviceId : profile.entraDeviceId;
}

function stateJson(state: TenantState, profile: DeviceProfile, nowMs: number): string {
  const lagMs = (unitHash(state.seed, profile.index, 601) * LAG_MS) / state.speed;
  const reported = state.world.actionsOf(profile.index).some(({ finalAtMs }) => finalAtMs + lagMs <= nowMs);
  return encryptionStateJson(idOf(state, profile), profile, advancedStatesOf(profile, reported));
}

/** `GET …/managedDeviceEncryptionStates`: the fleet's, then those created through Graph. */
export function listStates(state: TenantState, call: EndpointCall): EndpointAnswer {
  const query = readQuery(state, call, ['$top']);
  if ('kind' in query) return query;
  const from = readCursor(state, call, query);
  if (typeof from !== 'number') return from;
  const { fleet, world } = state;
  function listed(index: number): string | undefined {
    if (world.isRemoved(index)) return undefined;
    const profile = fleet.profile(index);
    return hasState(state, profile) ? stateJson(state, profile, call.nowMs) : undefined;
  }
  const { list: created } = state.createdStates;
  const size = Math.min(query.top ?? state.pageSize, state.pageSize);
  const end = fleet.size + created.length;
  const items: string[] = [];
  const cursors: number[] = [];
  let cursor = from;
  for (; cursor < end && items.length < size; cursor += 1) {
    const json = cursor < fleet.size ? listed(cursor) : created[cursor - fleet.size];
    if (json === undefined) continue;
    items.push(json);
    cursors.push(cursor + 1);
  }
  const context = `${call.url.origin}/beta/$metadata#deviceManagement/managedDeviceEncryptionStates`;
  return { kind: 'page', context, page: { from, items, cursors, ...(cursor < end ? { next: cursor } : {}) } };
}

/** `GET …/managedDeviceEncryptionStates/{id}`; 404 when there is none. */
export function getState(state: TenantState, call: EndpointCall): EndpointAnswer {
  const query = readQuery(state, call, ['$select']);
  if ('kind' in query) return query;
  const id = call.route.ids[0] ?? '';
  const created = state.createdStates.json(id);
  if (created !== undefined) return { kind: 'answer', status: 200, body: created };
  const { fleet, world } = state;
  const index =
    state.encryptionStateIds === 'managedDeviceId' ? fleet.indexOfManagedDevice(id) : fleet.ownerOfEntraDevice(id);
  if (index === undefined || world.isRemoved(index)) return notFound('encryption state');
  const profile = fleet.profile(index);
  if (!hasState(state, profile)) return notFound('encryption state');
  return { kind: 'answer', status: 200, body: stateJson(state, profile, call.nowMs) };
}

/** `POST …/managedDeviceEncryptionStates`: 201 and what was stored, under an id of the tenant's own. Chosen: what Graph makes of a given id is undocumented. */
export function createState(state: TenantState, call: EndpointCall): EndpointAnswer {
  const problem = refusedWrite(state.stateCreation) ?? problemOfWrite(state, call);
  if (problem !== undefined) return problem;
  const body = parseObject(call.body);
  if (body === undefined) return badRequest('The request body is not a managedDeviceEncryptionState.', true);
  const wrong = problemOfState(body);
  if (wrong !== undefined) return badRequest(wrong, true);
  const { json, times } = state.createdStates.add(state.random.guid(), body, call.nowMs);
  const name = String(body.deviceName);
  // Devices that share a name may share all else that a state says.
  if (times > 1 && times > state.findDevices('deviceName', name).length) {
    state.desk.violation('duplicateStateCreation', `of ${name}`, call.nowMs);
  }
  return { kind: 'answer', status: 201, body: json };
}
