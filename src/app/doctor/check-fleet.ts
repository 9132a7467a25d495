/** The devices that were read: whether any can be asked to rotate, why the others cannot, and whether they have keys. Pure. Layer: app. */
import { decideDue } from '../../domain/due.ts';
import { ineligibleBecause } from '../../domain/eligibility.ts';
import type { EntraDeviceId } from '../../domain/ids.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import { number, plural } from '../../domain/plain-figures.ts';
import { KEY_COUNT_WARNING, newestOsKey, type RecoveryKey } from '../../domain/recovery-key.ts';
import type { SkipReason } from '../../domain/rotation.ts';
import type { Settings } from '../../domain/settings.ts';
import { KEY_LIMIT_REMEDY, SKIP_WORDS } from '../../domain/skip-words.ts';
import type { Reading } from '../../domain/tenant.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { list } from './words.ts';

/** The policy without which nothing is ever in escrow, or rotates. Source: Intune documentation, "Rotate BitLocker recovery keys", prerequisites (read 2026-11-22). */
const ESCROW_POLICY_HINT =
  'in the BitLocker policy, require "save BitLocker recovery information to Entra ID before enabling BitLocker" and turn on ' +
  '"client-driven recovery password rotation"; devices without them take a request and never rotate';

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

/** Decides each record as a run would, before its keys are known: of a device listed twice, the record that synced last counts. */
export function eligibilityOf(
  { devices }: FleetSample,
  settings: Settings,
  isExcluded: (device: ManagedDevice) => boolean,
  nowMs: number,
): Eligibility {
  const eligible: ManagedDevice[] = [];
  const reasons = new Map<SkipReason, number>();
  const latest = latestRecords(devices);
  for (const device of devices) {
    const isOlder = device.entraDeviceId !== undefined && latest.get(device.entraDeviceId) !== device;
    const reason = isOlder
      ? 'duplicateRecord'
      : ineligibleBecause(device, { nowMs, seenWithinMs: settings.seenWithinMs, isExcluded });
    if (reason === undefined) eligible.push(device);
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return { eligible, reasons };
}

function latestRecords(devices: readonly ManagedDevice[]): ReadonlyMap<EntraDeviceId, ManagedDevice> {
  const latest = new Map<EntraDeviceId, ManagedDevice>();
  for (const device of devices) {
    if (device.entraDeviceId === undefined) continue;
    const other = latest.get(device.entraDeviceId);
    if (other === undefined || other.lastSyncAtMs < device.lastSyncAtMs) latest.set(device.entraDeviceId, device);
  }
  return latest;
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
  const read = isWhole ? plural(devices.length, 'device') : `the first ${plural(devices.length, 'device')}`;
  const top = [...reasons].sort((a, b) => b[1] - a[1]).slice(0, REASONS_SHOWN);
  const why = top.map(([reason, n]) => `${number(n)} ${SKIP_WORDS[reason].meaning} (${reason})`);
  const hints = top.map(([reason]) => SKIP_WORDS[reason].remedy).filter((remedy) => !/^nothing\b/.test(remedy));
  const action = hints.length === 0 ? '`npx keyturn plan` shows every reason' : [...new Set(hints)].join('; ');
  if (eligible.length === 0) {
    const message = `none of ${read} can be asked to rotate: ${list(why)}`;
    return isWhole ? fail(name, message, action) : warn(name, message, action);
  }
  const message = `${number(eligible.length)} of ${read} can be asked to rotate${why.length === 0 ? '' : `; of the others ${list(why)}`}`;
  // Chosen: a fleet of which most cannot rotate is seldom meant.
  return eligible.length * 2 < devices.length ? warn(name, message, action) : ok(name, message);
}

/** What the escrow holds for a few devices that can be asked, of `eligible` in all. */
export function checkKeys(
  readings: readonly Reading<readonly RecoveryKey[]>[],
  { minKeyAgeMs, maxKeyAgeMs }: Settings,
  nowMs: number,
  eligible: number,
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
  const first = found.length < eligible ? 'the first ' : '';
  const message = `of ${first}${plural(found.length, 'device')} that can be asked, ${number(due)} ${due === 1 ? 'is' : 'are'} due, ${number(keyless)} ${keyless === 1 ? 'has' : 'have'} no key in escrow`;
  // Chosen: a device or two without a key is an exception, half of them are a policy.
  if (keyless * 2 > found.length) return warn(name, message, ESCROW_POLICY_HINT);
  if (nearCap > 0) {
    return warn(name, `${message}; ${number(nearCap)} near the cap of 200 keys`, KEY_LIMIT_REMEDY);
  }
  return ok(name, message);
}
