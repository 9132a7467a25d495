/** Puts one recovery key into escrow, never beside a rotation of its device: what comes first, key or rotation, holds the device. Layer: app. */
import { type DeviceRecord, MOST_IMPORTED_KEYS } from '../../domain/device-record.ts';
import type { Escrow, EscrowOperation, EscrowOutcome } from '../../domain/escrow.ts';
import type { EntraDeviceId, RecoveryKeyId } from '../../domain/ids.ts';
import type { Ledger } from '../../domain/ledger.ts';
import type { CallOptions, Clock } from '../../domain/ports.ts';
import type { Timing } from '../deps.ts';
import type { EscrowRow } from './escrow-row.ts';

export interface EscrowKeyDeps {
  readonly escrow: Escrow;
  readonly ledger: Pick<Ledger, 'serverNowMs' | 'readDevices' | 'writeDevices'>;
  readonly clock: Clock;
  /** A key is sent within the first after its device was held, and has arrived or failed within the second after that. */
  readonly timing: Pick<Timing, 'sendWithinMs' | 'inFlightMs'>;
}

/** `rotationPending`: not sent, since a rotation of the device was requested, or is about to be, and may still bring a key. */
export type KeyOutcome = EscrowOutcome | { readonly kind: 'rotationPending'; readonly entraDeviceId: EntraDeviceId };

/** Chosen: where the quota does not say how long, a second is a twentieth of its window. */
const LEAST_WAIT_MS = 1_000;

/**
 * Sends the key once. While the quota asks to wait longer than the device may be held, it is held again each time. Nothing of it is in the
 * ledger but the hold: an outcome `escrowed` is for the caller to record with `recordImported`.
 * @param beforeSending called once, before anything can leave.
 * @throws {GraphError} for faults that concern every key; {@link StorageError}. Either way nothing was performed.
 */
export async function escrowKey(
  deps: EscrowKeyDeps,
  operation: EscrowOperation,
  row: EscrowRow,
  options: CallOptions,
  beforeSending: () => Promise<void> = async () => undefined,
): Promise<KeyOutcome> {
  const { clock } = deps;
  for (let attempt = 0; ; attempt += 1) {
    const { entraDeviceId } = row.key;
    const sendByMs = await holdDevice(deps, entraDeviceId);
    if (sendByMs === undefined) return { kind: 'rotationPending', entraDeviceId };
    if (attempt === 0) await beforeSending();
    const outcome = await perform(deps.escrow, operation, row, {
      ...options,
      deadlineAtMs: Math.min(options.deadlineAtMs, sendByMs),
    });
    if (outcome.kind !== 'notSent' || options.signal.aborted) return outcome;
    const waitMs = Math.max(LEAST_WAIT_MS, outcome.retryAfterMs);
    if (clock.nowMs() + waitMs >= options.deadlineAtMs) return outcome;
    try {
      await clock.sleep(waitMs, options.signal);
    } catch (error) {
      if (options.signal.aborted && error === options.signal.reason) return outcome;
      throw error;
    }
  }
}

function perform(escrow: Escrow, operation: EscrowOperation, { userId, key }: EscrowRow, options: CallOptions) {
  if (operation === 'update') return escrow.update(key, options);
  if (userId === undefined) throw new TypeError('a row to add must name a user');
  return escrow.add(userId, key, options);
}

/**
 * Keeps runs from claiming the device for as long as a key sent now can take to arrive. When the key must have left by, in our clock, or
 * `undefined` while a claim stands: condition and hold are one write, so a claim cannot slip in between.
 */
async function holdDevice(
  { ledger, clock, timing }: EscrowKeyDeps,
  entraDeviceId: EntraDeviceId,
): Promise<number | undefined> {
  for (;;) {
    const sendByMs = clock.nowMs() + timing.sendWithinMs;
    const stored = (await ledger.readDevices([entraDeviceId])).get(entraDeviceId);
    if (stored?.value.claim !== undefined) return undefined;
    // Counted from after the send deadline was set, so that the hold never ends early.
    const importUntilMs = ledger.serverNowMs() + timing.sendWithinMs + timing.inFlightMs;
    const record: DeviceRecord = {
      ...stored?.value,
      entraDeviceId,
      importUntilMs: Math.max(importUntilMs, stored?.value.importUntilMs ?? 0),
    };
    const lost = await ledger.writeDevices([{ record, version: stored?.version }]);
    if (lost.length === 0) return sendByMs;
  }
}

/** Remembers a key that is now in escrow by our request: it is no proof of a rotation. Doing it twice changes nothing. @throws {StorageError} */
export async function recordImported(
  { ledger }: Pick<EscrowKeyDeps, 'ledger'>,
  entraDeviceId: EntraDeviceId,
  keyId: RecoveryKeyId,
): Promise<void> {
  for (;;) {
    const stored = (await ledger.readDevices([entraDeviceId])).get(entraDeviceId);
    const known = stored?.value.importedKeyIds ?? [];
    if (known.includes(keyId)) return;
    const importedKeyIds = [...known, keyId].slice(-MOST_IMPORTED_KEYS);
    const record: DeviceRecord = { ...stored?.value, entraDeviceId, importedKeyIds };
    const lost = await ledger.writeDevices([{ record, version: stored?.version }]);
    if (lost.length === 0) return;
  }
}
