/** Whether Graph still agrees with a line that says proven. Pure. Layer: domain. */
import type { ActionResult, ActionState } from '../action-result.ts';
import { type EntraDeviceId, isGuid, type ManagedDeviceId } from '../ids.ts';
import { CLOCK_MARGIN_MS } from '../observe.ts';
import type { Reading } from '../ports.ts';
import type { RecoveryKey } from '../recovery-key.ts';
import type { EvidenceCells } from './evidence-columns.ts';

/** What a line claims. What is not of the right form is absent. */
export interface ClaimedProof {
  readonly line: number;
  readonly deviceName: string;
  readonly entraDeviceId?: EntraDeviceId;
  readonly managedDeviceId?: ManagedDeviceId;
  readonly keyId: string;
  /** Graph's clock. */
  readonly keyAtMs?: number;
  /** The key must be younger: Graph's clock. */
  readonly requestedByMs?: number;
  /** Of the action that said done, when one did. */
  readonly doneSinceMs?: number;
}

/**
 * The key decides. `action`: what Intune says now of the action that was done; `forgotten` once the device has had another one, which says
 * nothing; `unread` when the line tells of none, or Intune did not answer.
 */
export type ProofVerdict = { readonly action: ActionState | 'forgotten' | 'unread' } & (
  | { readonly agrees: true }
  | { readonly agrees: false; readonly because: string }
);

/** A device that was settled late has its key in cells of its own. */
export function proofOf(line: number, cells: EvidenceCells): ClaimedProof {
  const isLate = cells.state !== 'proven';
  const { entraDeviceId, managedDeviceId } = cells;
  const keyAtMs = instantOf(isLate ? cells.lateKeyAt : cells.keyAfterAt);
  const requestedByMs = requestedBy(cells);
  const doneSinceMs = cells.confirmedAt ? instantOf(cells.actionStartedAt) : undefined;
  return {
    line,
    deviceName: cells.deviceName ?? '',
    ...(isGuid(entraDeviceId) ? { entraDeviceId: entraDeviceId as string as EntraDeviceId } : {}),
    ...(isGuid(managedDeviceId) ? { managedDeviceId: managedDeviceId as string as ManagedDeviceId } : {}),
    keyId: (isLate ? cells.lateKeyId : cells.keyAfterId) ?? '',
    ...(keyAtMs === undefined ? {} : { keyAtMs }),
    ...(requestedByMs === undefined ? {} : { requestedByMs }),
    ...(doneSinceMs === undefined ? {} : { doneSinceMs }),
  };
}

/** As `observe` proves: after the answer to the request, or the start of its action; where neither is known, after the send deadline. */
function requestedBy({ acceptedBy, actionStartedAt, sendBy }: EvidenceCells): number | undefined {
  const known = [instantOf(acceptedBy), instantOf(actionStartedAt)].filter((atMs) => atMs !== undefined);
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
  const because = whyNot(claim, keys);
  const action = actionOf(claim, actions);
  return because === undefined ? { agrees: true, action } : { agrees: false, because, action };
}

function whyNot(claim: ClaimedProof, keys: Reading<readonly RecoveryKey[]> | undefined): string | undefined {
  if (claim.entraDeviceId === undefined || keys === undefined) return 'the line names no Entra device id';
  if (keys.kind === 'gone') return 'Graph no longer knows the device';
  if (keys.kind === 'unreadable') return `Graph did not tell (status ${keys.status})`;
  const key = keys.value.find(({ keyId }) => keyId === claim.keyId);
  if (key === undefined) return `escrow holds no key ${claim.keyId} of the device`;
  if (key.volumeType !== 'operatingSystemVolume') return `key ${claim.keyId} is not one of the OS volume`;
  if (key.createdAtMs !== claim.keyAtMs) return `the key was created at ${new Date(key.createdAtMs).toISOString()}`;
  if (claim.requestedByMs === undefined) return 'the line does not say when the rotation was asked for';
  if (key.createdAtMs <= claim.requestedByMs) return 'the key is older than the request';
  return undefined;
}

function actionOf(
  { doneSinceMs }: ClaimedProof,
  actions: Reading<readonly ActionResult[]> | undefined,
): ProofVerdict['action'] {
  if (actions?.kind !== 'found' || doneSinceMs === undefined) return 'unread';
  return actions.value.find(({ startedAtMs }) => startedAtMs === doneSinceMs)?.state ?? 'forgotten';
}
