/** Which devices one target names, or why none, in words. Pure. Layer: app. */
import { assertNever } from '../../domain/assert-never.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { RotationRoute, TargetAim } from '../../domain/targets.ts';
import type { Reading } from '../../domain/tenant.ts';
import type { RoutedDevice } from './device-records.ts';
import { type Refusal, refusalOfStatus } from './refusal.ts';

/** Matches that a refusal names. Chosen: enough to see what is wrong. */
const MATCHES_NAMED = 3;

/** What a target named: records of one device, at least one, or why none, in words. */
export type Resolution = { readonly devices: readonly RoutedDevice[] } | Refusal;

/** A target that is resolved by reading it. */
export type ReadAim = Exclude<TargetAim, { at: 'failing' }>;

/** What is said of a target that cannot be read; the status follows. */
export const UNREADABLE = 'Graph cannot read it';

/** `reading`: the devices found under what the target names. What is unreadable now is refused. */
export function resolveTarget(aim: ReadAim, reading: Reading<readonly ManagedDevice[]>): Resolution {
  if (reading.kind === 'unreadable') return refusalOfStatus(UNREADABLE, reading.status);
  const devices = reading.kind === 'found' ? reading.value : [];
  if (devices.length === 0) return { refused: whyNone(aim, reading.kind) };
  // Whoever names an Entra device names all its records; the planner knows which one counts.
  const matches = aim.at === 'named' ? oneOfEachDevice(devices) : [];
  if (matches.length > 1) return { refused: `${matches.length} managed devices match: ${listed(matches)}` };
  const route = routeOf(aim);
  return { devices: devices.map((device) => (route === undefined ? { device } : { device, route })) };
}

function whyNone(aim: ReadAim, kind: 'found' | 'gone'): string {
  switch (aim.at) {
    case 'managedDevice':
    case 'routed':
      return 'no such managed device';
    case 'comanagedDevice':
      return 'no such co-managed device';
    case 'entraDevice':
    case 'named':
      return 'no managed device has it';
    case 'runState':
      return kind === 'gone' ? 'no such run state' : 'its device is no longer in Intune';
    default:
      return assertNever(aim, 'kind of target');
  }
}

/** The URL form the target asks its device by; `undefined`: the plain one. */
function routeOf(aim: ReadAim): RotationRoute | undefined {
  switch (aim.at) {
    case 'managedDevice':
    case 'entraDevice':
    case 'named':
      return undefined;
    case 'comanagedDevice':
      return { via: 'comanagedDevice', managedDeviceId: aim.managedDeviceId };
    case 'routed':
      return aim.route;
    case 'runState':
      return { via: aim.script, scriptId: aim.scriptId, deviceRunStateId: aim.deviceRunStateId };
    default:
      return assertNever(aim, 'kind of target');
  }
}

/** Records that share an Entra device id are one device. */
function oneOfEachDevice(devices: readonly ManagedDevice[]): readonly ManagedDevice[] {
  const byId = new Map<string, ManagedDevice>();
  for (const device of devices) {
    const id = device.entraDeviceId ?? device.managedDeviceId;
    if (!byId.has(id)) byId.set(id, device);
  }
  return [...byId.values()];
}

function listed(devices: readonly ManagedDevice[]): string {
  const named = devices.slice(0, MATCHES_NAMED).map((one) => `${one.deviceName} (${one.managedDeviceId})`);
  const more = devices.length - named.length;
  return more === 0 ? named.join(', ') : `${named.join(', ')} and ${more} more`;
}
