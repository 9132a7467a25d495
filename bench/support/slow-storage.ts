/** Storage that takes its time, on the simulation's clock: round trips as the real tables need them. Layer: bench. */

import type { Ledger } from '../../src/domain/ledger.ts';
import type { Clock } from '../../src/domain/ports.ts';

/** Point reads that the real ledger keeps in flight; see `REQUESTS_IN_FLIGHT` in src/storage/parallel.ts. */
const IN_PARALLEL = 16;

/** The ledger, each round trip of it as long as `latencyMs` says. A read of many devices takes several, one after the other. */
export function slowLedger<L extends Ledger>(ledger: L, clock: Clock, latencyMs: () => number): L {
  const slow = async <T>(rounds: number, work: () => Promise<T>): Promise<T> => {
    for (let round = 0; round < rounds; round++) await clock.sleep(latencyMs());
    return work();
  };
  return {
    ...ledger,
    writeRun: (run, version) => slow(1, () => ledger.writeRun(run, version)),
    readRun: (runId) => slow(1, () => ledger.readRun(runId)),
    readSlice: (runId, sliceId) => slow(1, () => ledger.readSlice(runId, sliceId)),
    writeSlices: (runId, changes) => slow(1, () => ledger.writeSlices(runId, changes)),
    readOutcomes: (runId) => slow(1, () => ledger.readOutcomes(runId)),
    writeOutcomes: (runId, outcomes, version) => slow(1, () => ledger.writeOutcomes(runId, outcomes, version)),
    readRotations: (runId, from, to) => slow(1, () => ledger.readRotations(runId, from, to)),
    readRotationsAt: (runId, orders) => slow(1, () => ledger.readRotationsAt(runId, orders)),
    writeRotations: (runId, changes) => slow(1, () => ledger.writeRotations(runId, changes)),
    readDevices: (ids) => slow(Math.ceil(ids.length / IN_PARALLEL), () => ledger.readDevices(ids)),
    writeDevices: (changes) => slow(1, () => ledger.writeDevices(changes)),
  };
}
