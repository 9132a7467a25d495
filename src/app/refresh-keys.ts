/** Lists recovery-key metadata again after a long wait, so that nobody is asked whose key someone else rotated meanwhile. Layer: app. */
import type { RecoveryKeyId } from '../domain/ids.ts';
import type { Versioned } from '../domain/ledger.ts';
import type { Rotation } from '../domain/rotation.ts';
import { type Bounds, callOptions, type Deps } from './deps.ts';
import { decodeChunk } from './plan/chunk-file.ts';
import { encodeRotationsAsDevices } from './plan/device-records.ts';
import { createFleet, type Fleet } from './plan/fleet.ts';
import { encodeKeys } from './plan/key-records.ts';
import { listingPrefix } from './plan/plan-files.ts';
import { readListing } from './plan/read-listing.ts';
import type { RunLease } from './run-lease.ts';

/** Older metadata is listed again before the fleet follows. Chosen: shorter than a working day, longer than a good canary takes. */
const KEYS_STALE_AFTER_MS = 6 * 3_600_000;
const ROWS_AT_ONCE = 1_000;

/** True when the remaining rows name the newest keys; false when the invocation ended first. @throws {GraphError} @throws {LeaseLostError} */
export async function refreshKeys(deps: Deps, lease: RunLease, bounds: Bounds): Promise<boolean> {
  const run = lease.run();
  if (run.targets !== undefined || run.nextOrder >= run.due) return true;
  if (deps.clock.nowMs() - (run.keysListedAtMs ?? 0) < KEYS_STALE_AFTER_MS) return true;
  const prefix = listingPrefix(run.tenantId, run.runId, 'keys-again');
  const listed = await readListing(deps, bounds, {
    prefix,
    pages: (from) => deps.tenant.recoveryKeyPages(from, callOptions(bounds, 'bulk')),
    encode: encodeKeys,
  });
  if (listed.kind === 'over') return false;

  const chunks = (await deps.workFiles.list(prefix)).map((name) => async () => {
    const bytes = await deps.workFiles.get(name);
    if (bytes === undefined) throw new Error(`planning chunk ${name} vanished while it was being read`);
    return decodeChunk(bytes);
  });
  for (let from = run.nextOrder; from < run.due; from += ROWS_AT_ONCE * 100) {
    // Not bounded by the time budget: it would start over each time. A stop of the host ends it.
    bounds.signal.throwIfAborted();
    const rows = await readDue(deps, run.runId, from, Math.min(run.due, from + ROWS_AT_ONCE * 100));
    const fleet = createFleet([encodeRotationsAsDevices(rows.map((row) => row.value))]);
    for (const chunk of chunks) fleet.addKeys(await chunk());
    await writeNewer(deps, run.runId, rows, fleet);
  }
  // Chunks first: were they still there at the next refresh, they would pass for new.
  await deps.workFiles.deleteAll(prefix);
  await lease.update({ keysListedAtMs: listed.startedAtMs });
  return true;
}

async function readDue(
  deps: Deps,
  runId: Parameters<Deps['ledger']['readRotations']>[0],
  from: number,
  to: number,
): Promise<Versioned<Rotation>[]> {
  const rows: Versioned<Rotation>[] = [];
  for (let at = from; at < to; at += ROWS_AT_ONCE)
    rows.push(...(await deps.ledger.readRotations(runId, at, Math.min(to, at + ROWS_AT_ONCE))));
  return rows.filter((row) => row.value.state === 'planned');
}

async function writeNewer(
  deps: Deps,
  runId: Parameters<Deps['ledger']['readRotations']>[0],
  rows: readonly Versioned<Rotation>[],
  fleet: Fleet,
): Promise<void> {
  const changed = rows.flatMap((row): Versioned<Rotation>[] => {
    const device = row.value.entraDeviceId === undefined ? -1 : fleet.find(row.value.entraDeviceId);
    if (device < 0) return [];
    const keyBeforeId: RecoveryKeyId | undefined = fleet.newestKeyId(device);
    const keyBeforeAtMs = fleet.newestKeyAtMs(device);
    if (keyBeforeId === undefined || keyBeforeAtMs === undefined || keyBeforeId === row.value.keyBeforeId) return [];
    return [{ ...row, value: { ...row.value, keyBeforeId, keyBeforeAtMs, keyCount: fleet.keyCount(device) } }];
  });
  for (let i = 0; i < changed.length; i += 100) {
    const some = changed.slice(i, i + 100);
    const records = await deps.ledger.readDevices(some.flatMap((row) => row.value.entraDeviceId ?? []));
    // A device this run claimed before a crash may owe its newer key to this run: for its proof, the key before stays what it was.
    const unclaimed = some.filter(
      ({ value }) =>
        value.entraDeviceId !== undefined && records.get(value.entraDeviceId)?.value.claim?.runId !== runId,
    );
    // A row that moved on meanwhile has an owner who knows better.
    await deps.ledger.writeRotations(runId, unclaimed);
  }
}
