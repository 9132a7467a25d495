/** `POST …/rotateBitLockerKeys`, all seven forms: 204 means accepted, not rotated. Layer: simulator. */
import type { DeviceProfile } from '../devices/device-profile.ts';
import { presentDevice } from './device-endpoints.ts';
import { badRequest, type EndpointAnswer, type EndpointCall, notFound, type TenantState } from './endpoint.ts';

/** A run state's id ends in the managed device's id, after a colon when the script's id comes first. */
export function runStateIdOf(scriptId: string, managedDeviceId: string): string {
  return `${scriptId}:${managedDeviceId}`;
}

function deviceOfRunState(state: TenantState, scriptId: string, runStateId: string): DeviceProfile | undefined {
  const prefix = `${scriptId}:`;
  return presentDevice(state, runStateId.startsWith(prefix) ? runStateId.slice(prefix.length) : runStateId);
}

function targetOf(state: TenantState, { route }: EndpointCall): DeviceProfile | undefined {
  const [first = '', second = '', , fourth = ''] = route.ids;
  switch (route.form) {
    case 'byComanagedDevice': {
      const profile = presentDevice(state, first);
      return profile?.enrollmentType === 'windowsCoManagement' ? profile : undefined;
    }
    case 'byRunState':
      return deviceOfRunState(state, first, second);
    case 'byRunStateAndDevice':
      return deviceOfRunState(state, first, second) === undefined ? undefined : presentDevice(state, fourth);
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
