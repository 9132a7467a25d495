/** Long target lists of on-demand runs, kept in rows of their own so that a run's row stays small. Layer: storage adapter. */
import { createHash } from 'node:crypto';
import type { RunId } from '../domain/ids.ts';
import type { Run } from '../domain/run.ts';
import { StorageError } from '../domain/storage-error.ts';
import type { RotationTarget } from '../domain/targets.ts';
import { splitText, TEXT_PER_COLUMN, text } from './rows/columns.ts';
import { createRowCodec } from './rows/row-codec.ts';
import { packTargets, type RunRow, unpackTargets } from './rows/run-row.ts';
import { rowsBetween, type TableStore } from './table-store.ts';

/** Columns of packed targets to a row. A row holds 1 MiB, which is 16 of them with nothing else; chosen 12. Source: as `TEXT_PER_COLUMN`. */
const COLUMNS_PER_ROW = 12;
/** Target lists remembered, since a run's row is read far more often than written. Chosen: more runs than one instance drives at once. */
const REMEMBERED = 8;

const codec = createRowCodec<{ readonly packed: string }>('Runs', {
  required: { packed: text('packed') },
  optional: {},
});

/** Between a `Run` and its row. */
export interface RunTargets {
  /** The row of a run; a long target list is written first, under a name made of its content, so that nobody's list is overwritten. */
  toRow(run: Run): Promise<RunRow>;
  toRun(row: RunRow): Promise<Run>;
}

/** `partitionOf`: where a run's own rows are. */
export function createRunTargets(table: TableStore, partitionOf: (runId: RunId) => string): RunTargets {
  const byRef = new Map<string, readonly RotationTarget[]>();
  const refOf = new WeakMap<readonly RotationTarget[], string>();

  function remember(ref: string, targets: readonly RotationTarget[]): void {
    byRef.set(ref, targets);
    refOf.set(targets, ref);
    const oldest = byRef.keys().next();
    if (byRef.size > REMEMBERED && !oldest.done) byRef.delete(oldest.value);
  }

  const rowKey = (ref: string, part: number) => `targets-${ref}-${String(part).padStart(4, '0')}`;

  async function store(runId: RunId, packed: string): Promise<string> {
    const ref = createHash('sha256').update(packed).digest('hex').slice(0, 32);
    const pieces = splitText(packed);
    for (let from = 0, part = 0; from < pieces.length; from += COLUMNS_PER_ROW, part++) {
      const cells = codec.encode({ packed: pieces.slice(from, from + COLUMNS_PER_ROW).join('') });
      await table.upsert(partitionOf(runId), rowKey(ref, part), cells);
    }
    return ref;
  }

  async function load(runId: RunId, ref: string): Promise<readonly RotationTarget[]> {
    let packed = '';
    for await (const page of table.pages(rowsBetween(partitionOf(runId), `targets-${ref}-`, `targets-${ref}.`))) {
      for (const row of page) packed += codec.decode(row).packed;
    }
    if (packed === '') throw new StorageError('other', `table Runs: the targets of run ${runId} are missing`);
    return unpackTargets(packed);
  }

  return {
    async toRow({ targets, ...run }) {
      if (targets === undefined) return run;
      const known = refOf.get(targets);
      if (known !== undefined) return { ...run, targetsRef: known };
      const packed = packTargets(targets);
      if (packed.length <= TEXT_PER_COLUMN) return { ...run, targets: packed };
      const targetsRef = await store(run.runId, packed);
      remember(targetsRef, targets);
      return { ...run, targetsRef };
    },

    async toRun({ targets, targetsRef, ...run }) {
      if (targets !== undefined) return { ...run, targets: unpackTargets(targets) };
      if (targetsRef === undefined) return run;
      const known = byRef.get(targetsRef) ?? (await load(run.runId, targetsRef));
      remember(targetsRef, known);
      return { ...run, targets: known };
    },
  };
}
