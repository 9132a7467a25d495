/** `POST …/rotateBitLockerKeys`, all seven forms: 204 means accepted, not rotated. Layer: simulator. */
import type { ScriptKind } from '../../domain/targets.ts';
import type { DeviceProfile } from '../devices/device-profile.ts';
import type { Script } from '../devices/scripts.ts';
import { isCoManaged, presentDevice } from './device-endpoints.ts';
import { badRequest, type EndpointAnswer, type EndpointCall, notFound, type TenantState } from './endpoint.ts';

/** A run state's id: the script's, a colon, the managed device's. Chosen; its form is undocumented. */
export function runStateIdOf(scriptId: string, managedDeviceId: string): string {
  return `${scriptId}:${managedDeviceId}`;
}

/** The device a script's run state is about, known to Intune or not. */
export function profileOfRunState(state: TenantState, script: Script, runStateId: string): DeviceProfile | undefined {
  const prefix = runStateIdOf(script.id, '').toLowerCase();
  if (!runStateId.toLowerCase().startsWith(prefix)) return undefined;
  const index = state.fleet.indexOfManagedDevice(runStateId.slice(prefix.length));
  return index === undefined ? undefined : state.fleet.profile(index);
}

/** Without scripts any script's id leads to the device, also when the device's id stands alone. */
function deviceOfRunState(
  state: TenantState,
  kind: ScriptKind | undefined,
  scriptId: string,
  runStateId: string,
): DeviceProfile | undefined {
  if (!state.scripts.listed || kind === undefined) {
    const prefix = runStateIdOf(scriptId, '');
    return presentDevice(state, runStateId.startsWith(prefix) ? runStateId.slice(prefix.length) : runStateId);
  }
  const script = state.scripts.find(kind, scriptId);
  const profile = script && profileOfRunState(state, script, runStateId);
  if (profile === undefined || script?.runStateOn(profile) === undefined) return undefined;
  return presentDevice(state, profile.managedDeviceId);
}

function targetOf(state: TenantState, { route }: EndpointCall): DeviceProfile | undefined {
  const [first = '', second = '', , fourth = ''] = route.ids;
  switch (route.form) {
    case 'byComanagedDevice': {
      const profile = presentDevice(state, first);
      return profile !== undefined && isCoManaged(profile) ? profile : undefined;
    }
    case 'byRunState':
      return deviceOfRunState(state, route.script, first, second);
    case 'byRunStateAndDevice':
      return deviceOfRunState(state, route.script, first, second) === undefined
        ? undefined
        : presentDevice(state, fourth);
    default:
      return presentDevice(state, first);
  }
}

/** Accepts, refuses (400) or does not know the device (404). */
export function rotate(state: TenantState, call: EndpointCall): EndpointAnswer {
  const { desk, world } = state;
  const { nowMs, url } = call;
  if (call.body !== undefined && call.body !== '') desk.violation('unexpectedBody', url.pathname, nowMs);
  if (url.search !== '') desk.violation('unsupportedQueryOption', `${url.pathname}${url.search}`, nowMs);
  const profile = targetOf(state, call);
  if (profile === undefined) return notFound('device');
  const pending = world.mayStillTakeEffect(profile.owner, nowMs);
  if (world.request(profile.index, nowMs, true) === 'refused') {
    return badRequest('The action is not supported on this device', true);
  }
  desk.rotationAccepted();
  if (pending) {
    const { kind, deviceName, entraDeviceId } = profile;
    desk.violation('doubleRotation', `${deviceName} (${kind}, Entra device id ${entraDeviceId})`, nowMs);
  }
  return { kind: 'answer', status: 204 };
}
