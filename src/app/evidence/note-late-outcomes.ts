/** Adds what became of devices that were given up on to the rotations of their run, so that its next evidence tells. Layer: app. */
import type { Claim } from '../../domain/device-record.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Versioned } from '../../domain/ledger.ts';
import { isFinallySettled, type LateOutcome, type Rotation } from '../../domain/rotation.ts';
import type { Run } from '../../domain/run.ts';
import type { Deps } from '../deps.ts';

/** A claim about to be let go, and why. */
export interface LateSettled {
  readonly claim: Pick<Claim, 'runId' | 'order'>;
  readonly outcome: LateOutcome;
}

/** Source: `Ledger.readRotationsAt`. */
const AT_ONCE = 100;

/**
 * Writes each outcome beside its rotation, whose state stays, then tells the run's row. The first outcome counts. To be called before the
 * claims are let go: after a crash in between, the next plan finds them again. Returns the runs as they are now.
 * @throws {StorageError}
 */
export async function noteLateOutcomes(
  deps: Pick<Deps, 'ledger'>,
  settled: readonly LateSettled[],
): Promise<ReadonlyMap<RunId, Run>> {
  const runs = new Map<RunId, Run>();
  for (const [runId, ofRun] of Map.groupBy(settled, ({ claim }) => claim.runId)) {
    const outcomes = new Map(ofRun.map(({ claim, outcome }) => [claim.order, outcome]));
    if (!(await noteAll(deps, runId, outcomes))) continue;
    const run = await giveNotice(deps, runId);
    if (run !== undefined) runs.set(runId, run);
  }
  return runs;
}

/** True when any rotation of the run now has a late outcome. */
async function noteAll(
  { ledger }: Pick<Deps, 'ledger'>,
  runId: RunId,
  outcomes: ReadonlyMap<number, LateOutcome>,
): Promise<boolean> {
  const orders = [...outcomes.keys()];
  let isNoted = false;
  for (let from = 0; from < orders.length; from += AT_ONCE) {
    for (let open: readonly number[] = orders.slice(from, from + AT_ONCE); open.length > 0; ) {
      const rows = await ledger.readRotationsAt(runId, open);
      const changes = rows.flatMap((row): Versioned<Rotation>[] => {
        const late = outcomes.get(row.value.order);
        if (late === undefined || row.value.late !== undefined || isFinallySettled(row.value.state)) return [];
        return [{ ...row, value: { ...row.value, late } }];
      });
      isNoted ||= changes.length > 0 || rows.some(({ value }) => value.late !== undefined);
      open = changes.length === 0 ? [] : await ledger.writeRotations(runId, changes);
    }
  }
  return isNoted;
}

/** Raises the run's count of notices; a run whose row is gone needs none. */
async function giveNotice({ ledger }: Pick<Deps, 'ledger'>, runId: RunId): Promise<Run | undefined> {
  for (;;) {
    const found = await ledger.readRun(runId);
    if (found === undefined) return undefined;
    const run: Run = { ...found.value, lateNotices: (found.value.lateNotices ?? 0) + 1 };
    if ((await ledger.writeRun(run, found.version)) !== undefined) return run;
  }
}
