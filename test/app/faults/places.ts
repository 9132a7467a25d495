/** Where a fault may strike, as the simulator's scripts name it. */
import type { FaultTarget, ScriptedFault } from '../../../src/simulator/faults.ts';

/** Which requests: one HTTP request, or a part of a `$batch`. */
export type Place = Pick<ScriptedFault, 'method' | 'path' | 'when'>;

const alone = (target: FaultTarget) => !target.part;
const inBatch = (target: FaultTarget) => target.part;

export const LISTING_DEVICES: Place = { method: 'GET', path: /^\/deviceManagement\/managedDevices$/, when: alone };
export const LISTING_KEYS: Place = {
  method: 'GET',
  path: /^\/informationProtection\/bitlocker\/recoveryKeys$/,
  when: alone,
};
export const WHOLE_BATCH: Place = { method: 'POST', path: /\/\$batch$/ };
export const ACTION_PART: Place = { path: /^\/deviceManagement\/managedDevices\/[^/]+$/, when: inBatch };
export const KEY_PART: Place = { path: /^\/informationProtection\/bitlocker\/recoveryKeys$/, when: inBatch };
export const STATE_PART: Place = { path: /^\/deviceManagement\/managedDeviceEncryptionStates\/[^/]+$/, when: inBatch };
export const ROTATION: Place = { method: 'POST', path: /\/rotateBitLockerKeys$/ };
