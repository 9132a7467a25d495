import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { collect, sampleRun } from '../contracts/samples.ts';
import { type Operation, withHooks } from '../support/hooked.ts';

const fresh = () => createMemoryLedger({ clock: createVirtualClock(7) });

describe('a port with hooks', () => {
  it('tells of each operation, before and after, in order, and passes results through', async () => {
    const seen: string[] = [];
    const note = (when: string) => (operation: Operation) => {
      seen.push(`${when} ${operation.port}.${operation.name} ${operation.index}`);
    };
    const ledger = withHooks('ledger', fresh(), { before: note('before'), after: note('after') });
    const run = sampleRun();
    expect(await ledger.createRun(run)).toBe(true);
    expect(await collect(ledger.listRuns({ unfinished: true }))).toEqual([run]);
    expect(ledger.serverNowMs()).toBe(7);
    expect(seen).toEqual([
      'before ledger.createRun 0',
      'after ledger.createRun 0',
      'before ledger.listRuns 1',
      'after ledger.listRuns 1',
    ]);
  });

  it('can crash before an operation takes effect, and lose its answer after', async () => {
    const inner = fresh();
    const crash = () => {
      throw new Error('crash');
    };
    const run = sampleRun();
    await expect(withHooks('ledger', inner, { before: crash }).createRun(run)).rejects.toThrow('crash');
    expect(await inner.readRun(run.runId)).toBeUndefined();
    await expect(withHooks('ledger', inner, { after: crash }).createRun(run)).rejects.toThrow('crash');
    expect((await inner.readRun(run.runId))?.value).toEqual(run);
  });
});
