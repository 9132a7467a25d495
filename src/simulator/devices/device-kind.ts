/** What sorts of devices a fleet holds, how often, and what each makes of a rotation request. Layer: simulator. */

/**
 * What happens to an accepted request.
 * - `rotates`: at its check-in the action is done and a new key is escrowed. `saysDone`: done, and no new key.
 * - `neverChecksIn`, `staysPending`: pending for good. `fails`: `failed` with an error code. `notSupported`, `canceled`: those states.
 * - `refuses`: the request itself is answered 400. `gone`: 404; it was deleted after it was listed.
 */
export type Behaviour =
  | 'rotates'
  | 'saysDone'
  | 'neverChecksIn'
  | 'staysPending'
  | 'fails'
  | 'notSupported'
  | 'canceled'
  | 'refuses'
  | 'gone';

interface KindTraits {
  /** How many of the first 200 devices of a mixed fleet, and of most others. Chosen: most rotate, every kind is met, a canary of 20 passes. */
  readonly per200: number;
  readonly behaviour: Behaviour;
  /** For people: why the rotation ends the way it does. */
  readonly why: string;
}

const TRAITS = {
  online: { per200: 102, behaviour: 'rotates', why: 'online, checks in within 8 hours and rotates' },
  asleep: { per200: 14, behaviour: 'rotates', why: 'asleep, checks in after 8 to 20 hours and rotates' },
  severalVolumes: { per200: 10, behaviour: 'rotates', why: 'rotates its fixed data volume too' },
  coManaged: { per200: 10, behaviour: 'rotates', why: 'co-managed with Configuration Manager, rotates' },
  noKey: { per200: 5, behaviour: 'rotates', why: 'had no key in escrow, rotates' },
  nearKeyCap: { per200: 1, behaviour: 'rotates', why: 'rotates, but is close to 200 keys' },
  keyYoung: { per200: 9, behaviour: 'rotates', why: 'its key is younger than a week' },
  offline: { per200: 5, behaviour: 'neverChecksIn', why: 'switched off since, never checks in' },
  policyMissing: { per200: 2, behaviour: 'saysDone', why: 'rotation policy missing: says done, escrows no new key' },
  policyPending: { per200: 1, behaviour: 'staysPending', why: 'rotation policy missing: stays pending' },
  escrowFailing: { per200: 2, behaviour: 'saysDone', why: 'says done, but the backup to Entra ID fails' },
  deviceFailed: { per200: 2, behaviour: 'fails', why: 'the device reports an error' },
  notSupported: { per200: 1, behaviour: 'notSupported', why: 'the device does not support the action' },
  keyCap: { per200: 2, behaviour: 'fails', why: 'holds 200 keys, escrow is full' },
  refused: { per200: 1, behaviour: 'refuses', why: 'Intune refuses the action on this device (400)' },
  gone: { per200: 1, behaviour: 'gone', why: 'deleted after it was listed (404)' },
  osTooOld: { per200: 4, behaviour: 'notSupported', why: 'older than Windows 10 1909' },
  notEncrypted: { per200: 4, behaviour: 'fails', why: 'its volume is not encrypted' },
  enrollmentUnsupported: { per200: 7, behaviour: 'refuses', why: 'enrolled in a way that cannot rotate' },
  notSeen: { per200: 6, behaviour: 'neverChecksIn', why: 'not seen for weeks' },
  noEntraId: { per200: 2, behaviour: 'saysDone', why: 'has no Entra device id' },
  duplicateRecord: { per200: 2, behaviour: 'neverChecksIn', why: 'a stale second Intune record of one device' },
  retirePending: { per200: 2, behaviour: 'canceled', why: 'about to be retired' },
  agentUnsupported: { per200: 1, behaviour: 'refuses', why: 'not managed over MDM' },
  otherPlatform: { per200: 4, behaviour: 'refuses', why: 'not a Windows device' },
} as const satisfies Record<string, KindTraits>;

/** What sort of device it is. The truth knows; Graph never says. */
export type DeviceKind = keyof typeof TRAITS;

/** All kinds. */
export const DEVICE_KINDS = Object.keys(TRAITS) as readonly DeviceKind[];

/** What a device of that kind makes of an accepted request. */
export function behaviourOf(kind: DeviceKind): Behaviour {
  return TRAITS[kind].behaviour;
}

/** Why the rotation of such a device ends the way it does, in words. */
export function reasonOf(kind: DeviceKind): string {
  return TRAITS[kind].why;
}

/** 200 kinds in their shares. */
export const MIXED_BLOCK: readonly DeviceKind[] = DEVICE_KINDS.flatMap((kind) =>
  Array.from<DeviceKind>({ length: TRAITS[kind].per200 }).fill(kind),
);
