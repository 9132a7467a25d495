import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../src/simulator/virtual-clock.ts';
import { createMemoryBudgetStore } from '../../../src/storage/memory/memory-budget-store.ts';
import { createMemoryLedger } from '../../../src/storage/memory/memory-ledger.ts';
import { createMemoryQueues } from '../../../src/storage/memory/memory-queues.ts';
import { createMemoryReportFiles } from '../../../src/storage/memory/memory-report-files.ts';
import { createMemoryWorkFiles } from '../../../src/storage/memory/memory-work-files.ts';
import { budgetStoreContract } from '../../contracts/budget-store.ts';
import { ledgerContract } from '../../contracts/ledger.ts';
import { queuesContract } from '../../contracts/queues.ts';
import { reportFilesContract } from '../../contracts/report-files.ts';
import { collect, newRunId, sampleRotations } from '../../contracts/samples.ts';
import { workFilesContract } from '../../contracts/work-files.ts';

const START_MS = Date.UTC(2026, 10, 22);

describe('the memory ledger', () => {
  ledgerContract(() => createMemoryLedger({ clock: createVirtualClock(START_MS) }));

  it('takes its clock for the storage server’s', () => {
    expect(createMemoryLedger({ clock: createVirtualClock(START_MS) }).serverNowMs()).toBe(START_MS);
  });

  it('counts planned rotations without keeping them when asked to', async () => {
    const ledger = createMemoryLedger({ clock: createVirtualClock(START_MS), rows: 'count' });
    const runId = newRunId();
    await ledger.writePlannedRotations(runId, sampleRotations(250));
    expect(ledger.rotationCount(runId)).toBe(250);
    expect(await collect(ledger.rotationPages(runId))).toEqual([]);
  });
});

describe('the memory budget store', () => {
  budgetStoreContract(() => createMemoryBudgetStore(createVirtualClock(START_MS)));
});

describe('the memory work files', () => {
  workFilesContract(createMemoryWorkFiles);
});

describe('the memory report files', () => {
  reportFilesContract(createMemoryReportFiles);
});

describe('the memory queues', () => {
  queuesContract(() => {
    const queues = createMemoryQueues({ clock: createVirtualClock(START_MS) });
    return {
      queues,
      receive: async (queue) => {
        const bodies: unknown[] = [];
        for (let m = queues.take(queue); m !== undefined; m = queues.take(queue)) bodies.push(m.body);
        return bodies;
      },
      receiveRequests: async () => {
        const message = queues.take('rotation-requests');
        return message?.queue === 'rotation-requests' ? [message.body] : [];
      },
    };
  });

  it('give a message back as the one it was, at once', async () => {
    const queues = createMemoryQueues({ clock: createVirtualClock(START_MS) });
    await queues.sendRequest('{}', 0);
    const taken = queues.take();
    if (taken === undefined) throw new Error('there is no message');
    expect(queues.take()).toBeUndefined();
    queues.giveBack(taken);
    expect(queues.take()).toEqual(taken);
    expect(queues.sent()).toHaveLength(1);
  });

  it('give messages in the order in which they become visible, never early', async () => {
    const clock = createVirtualClock(START_MS);
    const queues = createMemoryQueues({ clock });
    const message = (checkpoint: number) => ({ tenantId: 't', runId: 'r', checkpoint }) as never;
    await queues.sendContinuation(message(1), 2_000);
    await queues.sendContinuation(message(2), 1_001);
    await queues.sendContinuation(message(3), 0);
    expect(queues.take()?.body).toEqual(message(3));
    expect(queues.take()).toBeUndefined();
    expect(queues.nextVisibleAtMs()).toBe(START_MS + 2_000);
    await clock.run(() => clock.sleep(2_000));
    expect([queues.take()?.body, queues.take()?.body]).toEqual([message(1), message(2)]);
    expect(queues.sent()).toHaveLength(3);
    expect(queues.waiting()).toEqual([]);
  });
});
