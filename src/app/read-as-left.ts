/** Reads the rotations of a slice as a dead owner left them. Layer: app. */
import type { Versioned } from '../domain/ledger.ts';
import type { Rotation } from '../domain/rotation.ts';
import type { Run, Slice } from '../domain/run.ts';
import { lostSight } from './claim-block.ts';
import type { Deps } from './deps.ts';

/** The slice's rotations; one whose owner died between claim and record is uncertain: it may have been asked for. @throws {StorageError} */
export async function readAsLeft(
  deps: Pick<Deps, 'ledger'>,
  run: Run,
  slice: Pick<Slice, 'sliceId' | 'orders'>,
): Promise<readonly Rotation[]> {
  for (;;) {
    const rows = await deps.ledger.readRotationsAt(run.runId, slice.orders);
    const records = await deps.ledger.readDevices(rows.flatMap((row) => row.value.entraDeviceId ?? []));
    const left = rows.flatMap(({ value, version }): Versioned<Rotation>[] => {
      const claim = value.entraDeviceId === undefined ? undefined : records.get(value.entraDeviceId)?.value.claim;
      const isOurs = claim?.runId === run.runId && claim.order === value.order && claim.attempt >= value.attempt;
      return value.state === 'planned' && isOurs
        ? [{ value: { ...lostSight(value, claim), sliceId: slice.sliceId }, version }]
        : [];
    });
    if (left.length === 0) return rows.map((row) => row.value);
    await deps.ledger.writeRotations(run.runId, left);
  }
}
