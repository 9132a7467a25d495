/** Reads what a look at rotations needs from Graph, and no more. Layer: app. */
import type { ActionResult } from '../domain/action-result.ts';
import { isImportedKey } from '../domain/device-record.ts';
import type { EncryptionState } from '../domain/encryption-state.ts';
import { errorFields } from '../domain/error-fields.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { EntraDeviceId, ManagedDeviceId } from '../domain/ids.ts';
import { type Look, needsEncryptionState, needsKeys } from '../domain/look.ts';
import type { CallOptions } from '../domain/ports.ts';
import type { RecoveryKey } from '../domain/recovery-key.ts';
import type { Rotation } from '../domain/rotation.ts';
import type { Reading } from '../domain/tenant.ts';
import type { Deps } from './deps.ts';
import { graphBehindMs } from './graph-clock.ts';

/**
 * By order. Action results first; keys and encryption state only where they can tell something now. Keys that were imported are left out:
 * they are no rotation's. @throws {GraphError} {@link StorageError}
 */
export async function readLooks(
  deps: Deps,
  open: readonly Rotation[],
  look: { readonly isLast: boolean; readonly number: number; readonly givesUp: boolean },
  options: CallOptions,
): Promise<ReadonlyMap<number, Look>> {
  const { tenant } = deps;
  const none: Reading<never> = { kind: 'unreadable', status: 0 };
  const ids = open.map((rotation) => rotation.managedDeviceId);
  const actions =
    ids.length === 0
      ? new Map<ManagedDeviceId, Reading<readonly ActionResult[]>>()
      : await tenant.actionResults(ids, options);
  const nowMs = deps.clock.nowMs();
  const serverNowMs = deps.ledger.serverNowMs();
  const facts = {
    ...look,
    nowMs,
    serverNowMs,
    inFlightMs: deps.timing.inFlightMs,
    graphBehindMs: graphBehindMs(deps),
  };
  const seen = open.map((rotation) => ({ rotation, ...facts, actions: actions.get(rotation.managedDeviceId) ?? none }));

  const forKeys = seen
    .filter((one) => needsKeys(one.rotation, one))
    .flatMap(({ rotation }) => rotation.entraDeviceId ?? []);
  const forStates = seen
    .filter((one) => needsEncryptionState(one.rotation, one))
    .map(({ rotation }) => rotation.managedDeviceId);
  const [keys, states] = await Promise.all([
    forKeys.length === 0
      ? new Map<EntraDeviceId, Reading<readonly RecoveryKey[]>>()
      : readRotatedKeys(deps, forKeys, options),
    forStates.length === 0
      ? new Map<ManagedDeviceId, Reading<EncryptionState>>()
      : readStates(deps, forStates, options),
  ]);
  return new Map(
    seen.map(({ rotation, ...rest }) => {
      const key = rotation.entraDeviceId === undefined ? undefined : keys.get(rotation.entraDeviceId);
      const state = states.get(rotation.managedDeviceId);
      return [
        rotation.order,
        { ...rest, ...(key === undefined ? {} : { keys: key }), ...(state === undefined ? {} : { encryption: state }) },
      ];
    }),
  );
}

/**
 * States are evidence and no part of the proof: a fault of their read leaves them unread at this look, and the log says once why, naming
 * a role that is missing. What passes with the quota, or concerns every read, is thrown.
 */
async function readStates(
  { tenant, logger }: Deps,
  ids: readonly ManagedDeviceId[],
  options: CallOptions,
): Promise<ReadonlyMap<ManagedDeviceId, Reading<EncryptionState>>> {
  try {
    return await tenant.encryptionStates(ids, options);
  } catch (error) {
    if (!(error instanceof GraphError) || error.kind === 'throttled' || error.kind === 'unauthorized') throw error;
    logger.warn('encryption states could not be read: the proof goes on without them', errorFields(error));
    const unreadable = { kind: 'unreadable', status: error.status ?? 0 } as const;
    return new Map(ids.map((id) => [id, unreadable]));
  }
}

/** The ledger is read after Graph: whatever import it could tell us of by then is known. */
async function readRotatedKeys(
  { tenant, ledger }: Deps,
  ids: readonly EntraDeviceId[],
  options: CallOptions,
): Promise<ReadonlyMap<EntraDeviceId, Reading<readonly RecoveryKey[]>>> {
  const readings = await tenant.recoveryKeys(ids, options);
  const records = await ledger.readDevices(ids);
  return new Map(
    [...readings].map(([id, reading]) => {
      const record = records.get(id)?.value;
      if (reading.kind !== 'found' || record?.importedKeyIds === undefined) return [id, reading];
      return [id, { ...reading, value: reading.value.filter(({ keyId }) => !isImportedKey(record, keyId)) }];
    }),
  );
}
