/** Looks whether rows in doubt reached escrow after all, before anything is sent again. Layer: app. */

import type { EntraDeviceId, RecoveryKeyId } from '../../domain/ids.ts';
import type { Ledger } from '../../domain/ledger.ts';
import type { CallOptions, Clock } from '../../domain/ports.ts';
import type { RecoveryKey } from '../../domain/recovery-key.ts';
import type { Tenant } from '../../domain/tenant.ts';
import type { JournalRow, JournalState } from './journal-state.ts';

/** What the look showed of one row in doubt. `unreadable`: the tenant gave no answer; the row stays in doubt. */
export type Looked =
  | { readonly row: JournalRow; readonly kind: 'found'; readonly key: RecoveryKey }
  | { readonly row: JournalRow; readonly kind: 'absent' }
  | { readonly row: JournalRow; readonly kind: 'unreadable' };

export interface LookDeps {
  readonly tenant: Pick<Tenant, 'recoveryKeys' | 'clockAheadMs'>;
  readonly ledger: Pick<Ledger, 'serverNowMs' | 'readDevices'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * Reads the metadata of the keys of every device with an add in doubt. A row is found when there is a key of its volume with the id that
 * the CSV gave, or one created after the intent, by the tenant's clock, that no other row of the journal has; and before the device was asked
 * to rotate since, when it was: a key from after that may be the rotation's. Where several rows of one
 * device and volume are in doubt and there are fewer such keys, none counts: which of them arrived cannot be told without reading keys,
 * and a key that is escrowed twice does less harm than one that is lost.
 * @throws {GraphError} {@link StorageError}
 */
export async function lookAtDoubts(
  { tenant, ledger, clock }: LookDeps,
  journal: JournalState,
  options: CallOptions,
): Promise<readonly Looked[]> {
  const doubts = [...journal.rows('inDoubt')];
  if (doubts.length === 0) return [];
  const devices = new Set(doubts.map((row) => row.entraDeviceId));
  const taken = new Set<RecoveryKeyId>();
  for (const { entraDeviceId, keyId } of journal.rows('escrowed')) {
    if (keyId !== undefined && devices.has(entraDeviceId)) taken.add(keyId);
  }
  const readings = await tenant.recoveryKeys([...devices], options);
  const records = await ledger.readDevices([...devices]);
  const aheadMs = tenant.clockAheadMs() ?? 0;
  const storageAheadMs = ledger.serverNowMs() - clock.nowMs();
  return [...grouped(doubts).values()].flatMap((rows) => {
    const id = rows[0]?.entraDeviceId as EntraDeviceId;
    const reading = readings.get(id);
    if (reading === undefined || reading.kind === 'unreadable') {
      return rows.map((row): Looked => ({ row, kind: 'unreadable' }));
    }
    const keys = reading.kind === 'gone' ? [] : reading.value.filter(({ keyId }) => !taken.has(keyId));
    const askedAtMs = records.get(id)?.value.lastRequestAtMs;
    return lookAt(rows, keys, {
      aheadMs,
      ...(askedAtMs === undefined ? {} : { askedAtMs: askedAtMs - storageAheadMs }),
    });
  });
}

/** The rows in doubt by device and volume. */
function grouped(rows: readonly JournalRow[]): Map<string, JournalRow[]> {
  const groups = new Map<string, JournalRow[]>();
  for (const row of rows) {
    const name = `${row.entraDeviceId} ${row.volumeType}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

/** Rows of one device and volume, and the keys of the device that no other row has. `askedAtMs`: when it was last asked to rotate, in our clock. */
function lookAt(
  rows: readonly JournalRow[],
  keys: readonly RecoveryKey[],
  { aheadMs, askedAtMs }: { readonly aheadMs: number; readonly askedAtMs?: number },
): readonly Looked[] {
  const looked: Looked[] = [];
  const unnamed: JournalRow[] = [];
  for (const row of rows) {
    const key = keys.find(({ keyId, volumeType }) => keyId === row.keyId && volumeType === row.volumeType);
    if (key === undefined) unnamed.push(row);
    else looked.push({ row, kind: 'found', key });
  }
  const named = new Set(looked.flatMap((one) => (one.kind === 'found' ? [one.key.keyId] : [])));
  const oldestFirst = unnamed.sort((a, b) => a.intentAtMs - b.intentAtMs);
  const isAskedSince = askedAtMs !== undefined && askedAtMs >= (oldestFirst[0]?.intentAtMs ?? 0);
  const untilMs = isAskedSince ? askedAtMs + aheadMs : Number.POSITIVE_INFINITY;
  const newKeys = keys
    .filter(({ keyId, volumeType }) => !named.has(keyId) && volumeType === rows[0]?.volumeType)
    .filter(({ createdAtMs }) => createdAtMs < untilMs)
    .sort((a, b) => a.createdAtMs - b.createdAtMs)
    .slice(-oldestFirst.length);
  const pairs = oldestFirst.map((row, i) => ({ row, key: newKeys[i] }));
  const areAllThere = pairs.every(
    ({ row, key }) => key !== undefined && key.createdAtMs >= wholeSecond(row.intentAtMs + aheadMs),
  );
  for (const { row, key } of pairs) {
    looked.push(areAllThere && key !== undefined ? { row, kind: 'found', key } : { row, kind: 'absent' });
  }
  return looked;
}

/** Entra writes creation dates in whole seconds, so a key may seem to be up to a second older than it is. */
function wholeSecond(atMs: number): number {
  return Math.floor(atMs / 1_000) * 1_000;
}
