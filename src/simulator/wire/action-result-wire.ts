/** `deviceActionResults` as JSON: ours, older ones of somebody else, and other actions, in Graph's several spellings. Layer: simulator. */

import type { DeviceProfile } from '../devices/device-profile.ts';
import type { DeviceAction } from '../devices/device-world.ts';
import { actionStateAt } from '../devices/device-world.ts';

/** Intune writes seven decimals. */
const instant = (atMs: number): string => new Date(atMs).toISOString().replace('Z', '0000Z');

/**
 * How an entry names its action; whether Graph says `rotateBitLockerKeys` is undocumented, so the simulator does it in every way that a
 * reader of the metadata has to expect. Source: v1.0 metadata, `rotateBitLockerKeysDeviceActionResult` (read 2026-11-22).
 */
function naming(variant: number): Readonly<Record<string, string>> {
  const type = { '@odata.type': '#microsoft.graph.rotateBitLockerKeysDeviceActionResult' };
  if (variant < 0.34) return { ...type, actionName: 'rotateBitLockerKeys' };
  if (variant < 0.67) return { actionName: 'RotateBitLockerKeys' };
  return { ...type, actionName: 'bitLockerKeyRotation' };
}

/** The device's entries at an instant. `variant` in [0, 1) is the device's own way of writing them. */
export function actionResultsJson(
  profile: DeviceProfile,
  actions: readonly DeviceAction[],
  nowMs: number,
  variant: number,
): string {
  const entries: object[] = [];
  // A share of devices carries what went before: a sync, and the rotation that made the present key.
  if (variant % 0.3 < 0.1) {
    entries.push({
      actionName: 'syncDevice',
      actionState: 'done',
      startDateTime: instant(profile.lastSyncAtMs - 60_000),
      lastUpdatedDateTime: instant(profile.lastSyncAtMs),
    });
  }
  if (variant % 0.2 < 0.05 && profile.osKeys > 1) {
    entries.push({
      ...naming(variant),
      actionState: 'done',
      startDateTime: instant(profile.newestKeyAtMs - 3_600_000),
      lastUpdatedDateTime: instant(profile.newestKeyAtMs),
      errorCode: 0,
    });
  }
  for (const action of actions) {
    const state = actionStateAt(action, nowMs);
    const final = nowMs >= action.finalAtMs;
    const updatedAtMs = final ? action.finalAtMs : state === 'active' ? action.checkInAtMs : action.acceptedAtMs;
    entries.push({
      ...naming(variant),
      actionState: state,
      startDateTime: instant(action.acceptedAtMs),
      lastUpdatedDateTime: instant(updatedAtMs),
      errorCode: final ? action.errorCode : 0,
    });
  }
  // The order means nothing.
  return JSON.stringify(variant < 0.5 ? entries : entries.reverse());
}
