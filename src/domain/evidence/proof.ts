/** Whether Graph still agrees with a line that says proven. Pure. Layer: domain. */
import { type ActionResult, type ActionState, isFinalAction } from '../action-result.ts';
import { type EntraDeviceId, isGuid, type ManagedDeviceId, parseEntraDeviceId } from '../ids.ts';
import { CLOCK_MARGIN_MS } from '../newer-key.ts';
import type { RecoveryKey } from '../recovery-key.ts';
import type { Reading } from '../tenant.ts';
import type { EvidenceCells } from './evidence-columns.ts';

/** What a line claims. What is not of the right form is absent. */
export interface ClaimedProof {
  readonly line: number;
  readonly deviceName: string;
  readonly entraDeviceId?: EntraDeviceId;
  readonly managedDeviceId?: ManagedDeviceId;
  readonly keyId: string;
  /** The key that the device had before: it proves nothing. */
  readonly keyBeforeId?: string;
  /** Graph's clock. */
  readonly keyAtMs?: number;
  /** The key must be younger: Graph's clock. */
  readonly requestedByMs?: number;
  /** Of the action that the line tells of, when it tells of one. Graph's clock. */
  readonly actionStartedAtMs?: number;
  /** The line says that the action was done. */
  readonly isConfirmed: boolean;
}

/**
 * `agrees`: escrow holds the key, and Intune does not say that the action came to anything but done. `disagrees`: either is not so.
 * `unchecked`: the device is gone, and its keys with it, or Graph did not answer; that is no agreement.
 * `action`: what Intune says now of the action that was done; `forgotten` once the device has had another one, which says nothing; `unread`
 * when the line tells of none, or Intune did not answer.
 */
export type ProofVerdict = { readonly action: ActionState | 'forgotten' | 'unread' } & (
  | { readonly kind: 'agrees' }
  | { readonly kind: 'disagrees' | 'unchecked'; readonly because: string }
);

/** A device that was settled late has its key in cells of its own. */
export function proofOf(line: number, cells: EvidenceCells): ClaimedProof {
  const isLate = cells.state !== 'proven';
  const entraDeviceId = parseEntraDeviceId(cells.entraDeviceId);
  const { managedDeviceId } = cells;
  const keyAtMs = instantOf(isLate ? cells.lateKeyAt : cells.keyAfterAt);
  const keyBeforeId = (cells.keyBeforeId ?? '').toLowerCase();
  const lateStartedAtMs = isLate ? instantOf(cells.lateActionStartedAt) : undefined;
  const requestedByMs = requestedBy(cells, lateStartedAtMs);
  const actionStartedAtMs = lateStartedAtMs ?? instantOf(cells.actionStartedAt);
  return {
    line,
    deviceName: cells.deviceName ?? '',
    ...(entraDeviceId === undefined ? {} : { entraDeviceId }),
    ...(isGuid(managedDeviceId) ? { managedDeviceId: managedDeviceId.toLowerCase() as ManagedDeviceId } : {}),
    keyId: ((isLate ? cells.lateKeyId : cells.keyAfterId) ?? '').toLowerCase(),
    ...(keyBeforeId === '' ? {} : { keyBeforeId }),
    ...(keyAtMs === undefined ? {} : { keyAtMs }),
    ...(requestedByMs === undefined ? {} : { requestedByMs }),
    ...(actionStartedAtMs === undefined ? {} : { actionStartedAtMs }),
    isConfirmed: (cells.confirmedAt ?? '') !== '' || (isLate && cells.lateActionState === 'done'),
  };
}

/**
 * As `observe` proves, and a later plan: after the answer to the request, or the start of its action, also when only the plan read that;
 * where none is known, after the send deadline.
 */
function requestedBy(
  { acceptedBy, actionStartedAt, sendBy }: EvidenceCells,
  lateStartedAtMs: number | undefined,
): number | undefined {
  const known = [instantOf(acceptedBy), instantOf(actionStartedAt), lateStartedAtMs].filter(
    (atMs) => atMs !== undefined,
  );
  if (known.length > 0) return Math.min(...known);
  const sendByMs = instantOf(sendBy);
  return sendByMs === undefined ? undefined : sendByMs + CLOCK_MARGIN_MS;
}

function instantOf(cell: string | undefined): number | undefined {
  const atMs = Date.parse(cell ?? '');
  return Number.isNaN(atMs) ? undefined : atMs;
}

/** `keys` and `actions`: what Graph says of the device now; absent when it could not be asked about it. */
export function judgeProof(
  claim: ClaimedProof,
  keys: Reading<readonly RecoveryKey[]> | undefined,
  actions: Reading<readonly ActionResult[]> | undefined,
): ProofVerdict {
  const now = sameAction(claim, actions);
  const action = claim.isConfirmed && actions?.kind === 'found' ? (now?.state ?? 'forgotten') : 'unread';
  const byKey = judgeKey(claim, keys, actions?.kind === 'gone');
  return { action, ...(byKey.kind === 'disagrees' ? byKey : (judgeAction(now) ?? byKey)) };
}

type Judgement = { readonly kind: 'agrees' } | { readonly kind: 'disagrees' | 'unchecked'; readonly because: string };

const disagrees = (because: string): Judgement => ({ kind: 'disagrees', because });
const unchecked = (because: string): Judgement => ({ kind: 'unchecked', because });

/** One that began at another instant is someone else's. */
function sameAction(
  { actionStartedAtMs }: ClaimedProof,
  actions: Reading<readonly ActionResult[]> | undefined,
): ActionResult | undefined {
  if (actions?.kind !== 'found' || actionStartedAtMs === undefined) return undefined;
  return actions.value.find(({ startedAtMs }) => startedAtMs === actionStartedAtMs);
}

function judgeAction(now: ActionResult | undefined): Judgement | undefined {
  if (now === undefined || !isFinalAction(now.state) || now.state === 'done') return undefined;
  const code = now.errorCode === undefined ? '' : ` (error code ${now.errorCode})`;
  return disagrees(
    `Intune says that the action which began at ${iso(now.startedAtMs)} ended as ${now.state}${code}, not done`,
  );
}

function judgeKey(
  claim: ClaimedProof,
  keys: Reading<readonly RecoveryKey[]> | undefined,
  isGoneFromIntune: boolean,
): Judgement {
  const { entraDeviceId, keyId, keyBeforeId, keyAtMs, requestedByMs } = claim;
  if (entraDeviceId === undefined || keys === undefined) return disagrees('the line names no Entra device id');
  if (keyId === '') return disagrees('the line names no key');
  if (keyId === keyBeforeId) return disagrees(`key ${keyId} was known before the rotation was asked for`);
  if (keys.kind === 'gone') return unchecked('the tenant no longer has the device, and its keys went with it');
  if (keys.kind === 'unreadable')
    return unchecked(`Graph did not say which keys the device has (status ${keys.status})`);
  const key = keys.value.find((one) => one.keyId === keyId && one.entraDeviceId === entraDeviceId);
  if (key === undefined) {
    return isGoneFromIntune
      ? unchecked(`Intune no longer has the device, and escrow holds no key ${keyId} of it any more`)
      : disagrees(`escrow holds no key ${keyId} of the device`);
  }
  if (key.volumeType !== 'operatingSystemVolume') return disagrees(`key ${keyId} is not one of the OS volume`);
  if (key.createdAtMs !== keyAtMs) {
    const said = keyAtMs === undefined ? 'does not say when' : `says ${iso(keyAtMs)}`;
    return disagrees(`key ${keyId} was created at ${iso(key.createdAtMs)}, the line ${said}`);
  }
  if (requestedByMs === undefined) return disagrees('the line does not say when the rotation was asked for');
  if (key.createdAtMs <= requestedByMs) {
    return disagrees(
      `key ${keyId} is older than the request: created at ${iso(key.createdAtMs)}, asked for by ${iso(requestedByMs)}`,
    );
  }
  return { kind: 'agrees' };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
