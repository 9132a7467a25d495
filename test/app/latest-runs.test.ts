import { describe, expect, it } from 'vitest';
import { latestRuns } from '../../src/app/latest-runs.ts';
import type { Run, RunState } from '../../src/domain/run.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { sampleRun } from '../contracts/samples.ts';

const NEVER = new AbortController().signal;

/** A ledger with a run for each of these states, oldest first. */
async function ledgerWith(states: readonly RunState[]) {
  const ledger = createMemoryLedger({ clock: createVirtualClock(1_790_000_000_000) });
  const runs: Run[] = [];
  for (const [i, state] of states.entries()) {
    const run = sampleRun({ state, createdAtMs: 1_790_000_000_000 + i });
    await ledger.createRun(run);
    runs.push(run);
  }
  return { ledger, runs };
}

const ids = (runs: readonly Run[]) => runs.map(({ runId }) => runId);

describe('the latest runs', () => {
  it('have every run that has not finished, however many newer ones have', async () => {
    const finished = Array.from({ length: 30 }, (_, i) => (i % 3 === 0 ? 'aborted' : 'completed') as RunState);
    const { ledger, runs } = await ledgerWith(['planning', 'rotating', 'settling', ...finished]);
    const { runs: latest, leftOut } = await latestRuns(ledger, 10, NEVER);
    expect(ids(latest)).toEqual([...ids(runs.slice(0, 3)).reverse(), ...ids(runs.slice(-10)).reverse()]);
    expect(leftOut).toBe(20);
  });

  it('have every run that has not finished, however many there are', async () => {
    const { ledger, runs } = await ledgerWith(['completed', ...Array.from({ length: 300 }, () => 'settling' as const)]);
    const { runs: latest, leftOut } = await latestRuns(ledger, 1, NEVER);
    expect(new Set(ids(latest))).toEqual(new Set(ids(runs)));
    expect(leftOut).toBe(0);
  });

  it('are not looked for by somebody who stopped', async () => {
    const { ledger } = await ledgerWith(['completed']);
    const reason = new Error('stopped');
    await expect(latestRuns(ledger, 10, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
