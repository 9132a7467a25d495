/** A rotation as the cells of its evidence line. Pure. Layer: domain. */
import { rotatedFacts, tracesOf } from '../fleet/rotated-without-key.ts';
import type { Rotation, RotationState } from '../rotation.ts';
import type { Run } from '../run.ts';
import { scrub } from '../scrub.ts';
import type { RotationRoute } from '../targets.ts';
import type { EvidenceCells } from './evidence-columns.ts';

/** What was decided about a device, and why. A skipped device has its skip reason. */
type Decision =
  | { readonly decision: 'notDue'; readonly reason: 'keyYoungEnough' }
  | { readonly decision: 'skipped'; readonly reason: string }
  | { readonly decision: 'due'; readonly reason: 'noKey' | 'keyTooOld' | 'named' | 'requeued' };

/** States in which nobody was asked, or a clear no came back. */
const CERTAIN: ReadonlySet<RotationState> = new Set(['planned', 'claimed', 'notDue', 'skipped', 'refused']);

/** Texts that come from outside are scrubbed, like a log line's. Key material has no cell. */
export function deviceCells(run: Pick<Run, 'mode' | 'trigger' | 'targets'>, rotation: Rotation): EvidenceCells {
  const { decision, reason } = decisionOf(run, rotation);
  const recorded = rotation.encryptionStates?.at(-1);
  const encryption = recorded?.state === 'none' ? undefined : recorded?.state;
  const { late } = rotation;
  // One literal: a run has as many of these as devices, and objects put together from parts cost several times as much.
  return {
    mode: run.mode,
    order: String(rotation.order),
    deviceName: scrub(rotation.deviceName),
    managedDeviceId: rotation.managedDeviceId,
    entraDeviceId: rotation.entraDeviceId ?? '',
    canary: mark(rotation.canary),
    route: routeText(rotation.route),
    attempt: String(rotation.attempt),
    decision,
    reason,
    keyCount: number(rotation.keyCount),
    keyBeforeId: rotation.keyBeforeId ?? '',
    keyBeforeAt: instant(rotation.keyBeforeAtMs),
    keyAfterId: rotation.keyAfterId ?? '',
    keyAfterAt: instant(rotation.keyAfterAtMs),
    claimedAt: instant(rotation.claimedAtMs),
    sendBy: instant(rotation.sendByMs),
    acceptedAfter: instant(rotation.acceptedAfterMs),
    acceptedBy: instant(rotation.acceptedByMs),
    httpStatus: number(rotation.httpStatus),
    requestId: rotation.requestId ?? '',
    clientRequestId: rotation.clientRequestId ?? '',
    actionState: rotation.actionState ?? '',
    actionStartedAt: instant(rotation.actionStartedAtMs),
    actionUpdatedAt: instant(rotation.actionUpdatedAtMs),
    errorCode: number(rotation.errorCode),
    failure: rotation.failure ?? '',
    actionRequestId: rotation.actionRequestId ?? '',
    actionClientRequestId: rotation.actionClientRequestId ?? '',
    confirmedAt: instant(rotation.confirmedAtMs),
    provenAt: instant(rotation.provenAtMs),
    keyRequestId: rotation.keyRequestId ?? '',
    keyClientRequestId: rotation.keyClientRequestId ?? '',
    unconfirmed: mark(rotation.unconfirmed),
    fixedVolumeKeySeen: mark(rotation.fixedVolumeKeySeen),
    uncertain: mark(isUncertain(rotation)),
    encryptionState: recorded?.state === 'none' ? 'none' : scrub(encryption?.encryptionState ?? ''),
    encryptionReadiness: scrub(encryption?.encryptionReadinessState ?? ''),
    policyState: scrub(encryption?.encryptionPolicySettingState ?? ''),
    bitLockerStates: scrub(encryption?.advancedBitLockerStates.join(' ') ?? ''),
    encryptionStateAt: instant(recorded?.atMs),
    encryptionStateRequestId: recorded?.requestId ?? '',
    encryptionStateClientRequestId: recorded?.clientRequestId ?? '',
    // Announced and not answered: it may have been created.
    encryptionStateCreation: recorded?.creation === 'sending' ? 'unknown' : (recorded?.creation ?? ''),
    state: rotation.state,
    lateState: late?.state ?? '',
    lateAt: instant(late?.atMs),
    lateKeyId: late?.keyId ?? '',
    lateKeyAt: instant(late?.keyAtMs),
    lateUnconfirmed: mark(isLateUnconfirmed(rotation)),
    lateActionState: late?.actionState ?? '',
    lateActionStartedAt: instant(late?.actionStartedAtMs),
    lateErrorCode: number(late?.errorCode),
    lateRequestId: late?.requestId ?? '',
    lateClientRequestId: late?.clientRequestId ?? '',
  };
}

/** ISO 8601 in UTC with milliseconds; empty for an unknown one. */
export function instant(atMs: number | undefined): string {
  return atMs === undefined ? '' : new Date(atMs).toISOString();
}

function number(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}

function mark(isSet: boolean | undefined): string {
  return isSet === true ? 'yes' : '';
}

function decisionOf(run: Pick<Run, 'trigger' | 'targets'>, rotation: Rotation): Decision {
  if (rotation.state === 'notDue') return { decision: 'notDue', reason: 'keyYoungEnough' };
  if (rotation.state === 'skipped') return { decision: 'skipped', reason: rotation.skipReason ?? '' };
  if (run.trigger === 'requeue') return { decision: 'due', reason: 'requeued' };
  if (run.targets !== undefined) return { decision: 'due', reason: 'named' };
  return { decision: 'due', reason: rotation.keyBeforeId === undefined ? 'noKey' : 'keyTooOld' };
}

/** `via`, and what it is called by, parted by slashes: `deviceHealthScript/<script id>/<run state id>`. */
function routeText(route: RotationRoute | undefined): string {
  if (route === undefined) return 'managedDevice';
  switch (route.via) {
    case 'managedDevice':
    case 'comanagedDevice':
      return route.via;
    case 'scriptUser':
      return joined(route.via, route.scriptId, route.deviceRunStateId, route.userId);
    case 'scriptDetectedApp':
      return joined(route.via, route.scriptId, route.deviceRunStateId, route.detectedAppId);
    default:
      return joined(route.via, route.scriptId, route.deviceRunStateId);
  }
}

function joined(...parts: readonly string[]): string {
  return scrub(parts.join('/'));
}

/** Only a newer key was seen: nobody, at any look or later, ever read that the action was done. */
function isLateUnconfirmed(rotation: Rotation): boolean {
  return rotation.late?.state === 'proven' && !rotatedFacts(tracesOf(rotation)).isDone;
}

/** The device may have been asked, and nobody ever said when its request was taken. */
function isUncertain({ state, claimedAtMs, acceptedByMs }: Rotation): boolean {
  return !CERTAIN.has(state) && claimedAtMs !== undefined && acceptedByMs === undefined;
}
