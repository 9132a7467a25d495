/** Run states of scripts (beta): the list of one script's, and one. They outlive the devices they are about. Layer: simulator. */
import type { DeviceProfile } from '../devices/device-profile.ts';
import type { Script } from '../devices/scripts.ts';
import { unitHash } from '../seeded-random.ts';
import { type DeviceWriter, deviceWriter } from '../wire/managed-device-wire.ts';
import { type RunStateWriter, runStateWriter } from '../wire/run-state-wire.ts';
import {
  type EndpointAnswer,
  type EndpointCall,
  notFound,
  readCursor,
  readQuery,
  type TenantState,
  unsupported,
} from './endpoint.ts';
import { profileOfRunState, runStateIdOf } from './rotate-endpoint.ts';

/** What the request asks for, understood. */
interface RunStateRequest {
  readonly script: Script;
  readonly write: RunStateWriter;
  /** With `$expand=managedDevice`. */
  readonly writeDevice?: DeviceWriter;
  readonly from: number;
}

/** `$select`, and `$expand=managedDevice` with or without a `$select` of its own. Chosen: others are undocumented, so there are none. */
function understood(state: TenantState, call: EndpointCall): RunStateRequest | EndpointAnswer {
  const query = readQuery(state, call, ['$select', '$expand']);
  if ('kind' in query) return query;
  const from = readCursor(state, call, query);
  if (typeof from !== 'number') return from;
  const { ids, script: kind } = call.route;
  if (kind === undefined) throw new TypeError('a route of run states names its kind of script');
  const write = runStateWriter(kind, query.select);
  if (typeof write !== 'function') {
    return unsupported(state, call, `Could not find a property named '${write.unknown}'`);
  }
  const { expand } = query;
  if (expand !== undefined && expand.name !== 'managedDevice') {
    return unsupported(state, call, `Could not find a property named '${expand.name}'`);
  }
  const writeDevice = expand === undefined ? undefined : deviceWriter(call.version, expand.select);
  if (writeDevice !== undefined && typeof writeDevice !== 'function') {
    return unsupported(state, call, `Could not find a property named '${writeDevice.unknown}'`);
  }
  const script = state.scripts.find(kind, ids[0] ?? '');
  if (script === undefined) return notFound('script');
  return { script, write, from, ...(writeDevice === undefined ? {} : { writeDevice }) };
}

/** JSON of the device's run state, or `undefined` when the script never ran there. The device is `null` once Intune lost it. */
function runStateJson(
  state: TenantState,
  { script, write, writeDevice }: RunStateRequest,
  profile: DeviceProfile,
  nowMs: number,
): string | undefined {
  const found = script.runStateOn(profile);
  if (found === undefined) return undefined;
  const { plantSecrets } = state;
  const lastSyncAtMs = state.world.lastSyncAtMs(profile, nowMs);
  const view = {
    id: runStateIdOf(script.id, profile.managedDeviceId),
    state: found,
    ranAtMs: Math.floor(profile.lastSyncAtMs - unitHash(state.seed, profile.index, 500) * 3_600_000),
    lastSyncAtMs,
    plantSecrets,
  };
  if (writeDevice === undefined) return write(view);
  const isKnown = !state.world.isRemoved(profile.index) && profile.behaviour !== 'gone';
  return write(view, isKnown ? writeDevice({ profile, lastSyncAtMs, actionResults: '[]', plantSecrets }) : 'null');
}

/** `GET …/deviceRunStates`: one for each Windows device. */
export function listRunStates(state: TenantState, call: EndpointCall): EndpointAnswer {
  const request = understood(state, call);
  if ('kind' in request) return request;
  const { fleet, pageSize } = state;
  const items: string[] = [];
  const cursors: number[] = [];
  let cursor = request.from;
  for (; cursor < fleet.size && items.length < pageSize; cursor += 1) {
    const json = runStateJson(state, request, fleet.profile(cursor), call.nowMs);
    if (json === undefined) continue;
    items.push(json);
    cursors.push(cursor + 1);
  }
  const page = { from: request.from, items, cursors, ...(cursor < fleet.size ? { next: cursor } : {}) };
  return { kind: 'page', context: contextOf(call, request.script), page };
}

/** `GET …/deviceRunStates/{id}`. */
export function getRunState(state: TenantState, call: EndpointCall): EndpointAnswer {
  const request = understood(state, call);
  if ('kind' in request) return request;
  const profile = profileOfRunState(state, request.script, call.route.ids[1] ?? '');
  const json = profile && runStateJson(state, request, profile, call.nowMs);
  if (json === undefined) return notFound('run state');
  const context = JSON.stringify(`${contextOf(call, request.script)}/$entity`);
  return { kind: 'answer', status: 200, body: `{"@odata.context":${context},${json.slice(1)}` };
}

function contextOf({ url }: EndpointCall, { kind, id }: Script): string {
  return `${url.origin}/beta/$metadata#deviceManagement/${kind}s('${id}')/deviceRunStates`;
}
