/** The devices that were read: whether any can be rotated, why the others cannot, and whether they have keys. Pure. Layer: app. */
import { decideDue } from '../../domain/due.ts';
import { ineligibleBecause } from '../../domain/eligibility.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { Reading } from '../../domain/ports.ts';
import { KEY_COUNT_WARNING, newestOsKey, type RecoveryKey } from '../../domain/recovery-key.ts';
import type { SkipReason } from '../../domain/rotation.ts';
import type { Settings } from '../../domain/settings.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { ESCROW_POLICY_HINT, POLICY_HINTS } from './policy-hints.ts';
import { count, list, some } from './words.ts';

/** Devices of the first page. */
export interface FleetSample {
  readonly devices: readonly ManagedDevice[];
  /** There are no more. */
  readonly isWhole: boolean;
}

/** Which of them can be asked at all, and why the others cannot. */
export interface Eligibility {
  readonly eligible: readonly ManagedDevice[];
  readonly reasons: ReadonlyMap<SkipReason, number>;
}

/** Decides each device as a run would, before its keys are known. */
export function eligibilityOf(
  { devices }: FleetSample,
  settings: Settings,
  isExcluded: (device: ManagedDevice) => boolean,
  nowMs: number,
): Eligibility {
  const eligible: ManagedDevice[] = [];
  const reasons = new Map<SkipReason, number>();
  for (const device of devices) {
    const reason = ineligibleBecause(device, { nowMs, seenWithinMs: settings.seenWithinMs, isExcluded });
    if (reason === undefined) eligible.push(device);
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return { eligible, reasons };
}

/** Chosen: what fits a line or two. */
const REASONS_SHOWN = 3;

/** Whether a run would find anything to do. */
export function checkEligibility({ devices, isWhole }: FleetSample, { eligible, reasons }: Eligibility): Check {
  const name = 'eligibility';
  if (devices.length === 0) {
    return fail(
      name,
      'Intune lists no Windows device in this tenant',
      'check TENANT_ID, and that Windows devices are enrolled (Intune: Devices, Windows)',
    );
  }
  const read = isWhole ? some(devices.length, 'device') : `the first ${some(devices.length, 'device')}`;
  const top = [...reasons].sort((a, b) => b[1] - a[1]).slice(0, REASONS_SHOWN);
  const why = top.map(([reason, n]) => `${count(n)} ${POLICY_HINTS[reason].meaning} (${reason})`);
  const hints = top.map(([reason]) => POLICY_HINTS[reason].action).filter((action) => action !== 'nothing');
  const action = hints.length === 0 ? '`npx keyturn plan` shows every reason' : [...new Set(hints)].join('; ');
  if (eligible.length === 0) {
    const message = `none of ${read} can be rotated: ${list(why)}`;
    return isWhole ? fail(name, message, action) : warn(name, message, action);
  }
  const message = `${count(eligible.length)} of ${read} can be rotated${why.length === 0 ? '' : `; of the others ${list(why)}`}`;
  // Chosen: a fleet of which most cannot rotate is seldom meant.
  return eligible.length * 2 < devices.length ? warn(name, message, action) : ok(name, message);
}

/** What the escrow holds for a few devices that can be rotated. */
export function checkKeys(
  readings: readonly Reading<readonly RecoveryKey[]>[],
  { minKeyAgeMs, maxKeyAgeMs }: Settings,
  nowMs: number,
): Check {
  const name = 'keys';
  const found = readings.flatMap((reading) => (reading.kind === 'found' ? [reading.value] : []));
  if (found.length === 0) {
    return warn(name, 'the keys of no device could be read', 'try again; if it stays, see "recoveryKeys" above');
  }
  let due = 0;
  let keyless = 0;
  let nearCap = 0;
  for (const keys of found) {
    const newestKeyAtMs = newestOsKey(keys)?.createdAtMs;
    const facts = { keyCount: keys.length, ...(newestKeyAtMs === undefined ? {} : { newestKeyAtMs }) };
    if (newestKeyAtMs === undefined) keyless += 1;
    if (keys.length >= KEY_COUNT_WARNING) nearCap += 1;
    if (decideDue(facts, { nowMs, minKeyAgeMs, maxKeyAgeMs }).kind === 'due') due += 1;
  }
  const message = `of ${some(found.length, 'device')} that can be rotated, ${count(due)} are due, ${count(keyless)} have no key in escrow`;
  // Chosen: a device or two without a key is an exception, half of them are a policy.
  if (keyless * 2 > found.length) return warn(name, message, ESCROW_POLICY_HINT);
  if (nearCap > 0) {
    return warn(name, `${message}; ${count(nearCap)} near the cap of 200 keys`, POLICY_HINTS.keyLimitReached.action);
  }
  return ok(name, message);
}
