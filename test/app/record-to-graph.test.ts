import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEncryptionState } from '../../src/domain/encryption-state.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import { StorageError } from '../../src/domain/storage-error.ts';
import { createLife, mortal, ProcessDied } from '../support/mortal.ts';
import {
  type Answer,
  BENCH_START_MS,
  CREATED,
  createStateBench,
  NOT_SENT,
  recorded,
  refused,
  type StateBench,
  UNKNOWN,
} from './state-bench.ts';

const DAY_MS = 86_400_000;
const WINDOW_MS = 20_000;
/** One state for each of so many devices. */
const many = (count: number) => Array.from({ length: count }, (_, order) => [recorded(order)]);
const ROLE = 'DeviceManagementConfiguration.ReadWrite.All';

describe('recording to Graph', () => {
  it('creates each recorded state as it was recorded, and no `none`', async () => {
    const bench = createStateBench();
    await bench.clock.run(async () => {
      await bench.put([
        [recorded(0)],
        [recorded(1, { state: 'none' })],
        [],
        [recorded(3, { state: 'none' }), recorded(3, { look: 5 })],
        [recorded(4), recorded(4, { look: 5 })],
      ]);
      expect(await bench.deliver()).toBeUndefined();
      expect(bench.arrived.toSorted()).toEqual(['0/0', '3/5', '4/0', '4/5']);
      expect(await bench.stages()).toEqual({
        '0/0': 'created',
        '1/0': 'unsent',
        '3/0': 'unsent',
        '3/5': 'created',
        '4/0': 'created',
        '4/5': 'created',
      });
    });
  });

  it('changes nothing else of a row, and leaves no sender behind', async () => {
    const bench = createStateBench();
    await bench.clock.run(async () => {
      const before = await bench.put(many(3));
      await bench.deliver();
      expect(await bench.rows()).toEqual(
        before.map((row) => ({
          ...row,
          encryptionStates: row.encryptionStates?.map((one) => ({ ...one, creation: 'created' })),
        })),
      );
    });
  });

  it.each<[string, Answer, string]>([
    ['201', CREATED, 'created'],
    ['409, which is about this one', refused(409), 'refused'],
    ['403 with the role', refused(403), 'refused'],
    ['an answer that was lost', UNKNOWN, 'unknown'],
  ])('keeps what came of it, goes on, and never sends it again: %s', async (_what, answer, stage) => {
    const bench = createStateBench({ answer: () => answer });
    await bench.clock.run(async () => {
      await bench.put(many(30));
      for (let i = 0; i < 3; i++) expect(await bench.deliver()).toBeUndefined();
      expect(bench.asked).toHaveLength(30);
      expect(new Set(Object.values(await bench.stages()))).toEqual(new Set([stage]));
      expect(bench.warnings()).toEqual([]);
    });
  });

  it.each([
    ['RECORD_TO_GRAPH is off', { RECORD_TO_GRAPH: 'false' }, 'live'],
    ['the app is in dry run', {}, 'dryRun'],
    ['the kill switch is on', {}, 'off'],
  ] as const)('sends nothing and waits for nothing while %s', async (_what, settings, mode) => {
    const bench = createStateBench({ settings });
    bench.mode = mode;
    await bench.clock.run(async () => {
      await bench.put(many(3));
      expect(await bench.deliver()).toBeUndefined();
      expect(bench.asked).toEqual([]);
      expect(new Set(Object.values(await bench.stages()))).toEqual(new Set(['unsent']));
    });
  });

  it('stops at the next twenty when the kill switch is thrown', async () => {
    const bench: StateBench = createStateBench({
      answer: () => {
        bench.mode = 'off';
        return CREATED;
      },
    });
    await bench.clock.run(async () => {
      await bench.put(many(60));
      expect(await bench.deliver()).toBeUndefined();
      expect(bench.asked).toHaveLength(20);
    });
  });
});

describe('a state that cannot be sent now', () => {
  it.each<[string, Answer, number]>([
    ['waits as long as the quota asks', NOT_SENT, 45_000],
    ['waits at least a window of its budget', { kind: 'notSent', retryAfterMs: 0 }, WINDOW_MS],
    ['waits out an outage', new GraphError('unauthorized', 'no token'), 300_000],
    ['waits for most of two days', { kind: 'notSent', retryAfterMs: 46 * 3_600_000 }, 46 * 3_600_000],
  ])('%s, is not sent meanwhile, and is created later', async (_what, answer, waitMs) => {
    const bench = createStateBench({ answer: (_id, _before, total) => (total === 7 ? answer : CREATED) });
    await bench.clock.run(async () => {
      await bench.put(many(50));
      expect(await bench.deliver()).toBe(waitMs);
      // What was announced with it and had not left yet is as unsent as what came after.
      expect(bench.asked).toHaveLength(20);
      expect(Object.values(await bench.stages()).filter((stage) => stage === 'unsent')).toHaveLength(31);
      expect(await bench.deliver()).toBeUndefined();
      expect(new Set(Object.values(await bench.stages()))).toEqual(new Set(['created']));
      expect(bench.arrived).toHaveLength(50);
    });
  });

  it('comes back at once when the host stops', async () => {
    const bench = createStateBench({ answer: () => NOT_SENT });
    await bench.clock.run(async () => {
      await bench.put(many(1));
      bench.stop.abort();
      expect(await bench.deliver()).toBe(0);
      expect(await bench.stages()).toEqual({ '0/0': 'unsent' });
    });
  });

  it('is given up two days after it was recorded, so that the run can end', async () => {
    const bench = createStateBench({ answer: () => NOT_SENT });
    await bench.clock.run(async () => {
      await bench.put([[recorded(0, { atMs: BENCH_START_MS - 2 * DAY_MS + 60_000 })]]);
      expect(await bench.deliver()).toBe(45_000);
      await bench.clock.sleep(45_000);
      // The next try would come too late.
      expect(await bench.deliver()).toBeUndefined();
      await bench.clock.sleep(45_000);
      expect(await bench.deliver()).toBeUndefined();
      expect(bench.asked).toHaveLength(2);
      expect(await bench.stages()).toEqual({ '0/0': 'unsent' });
    });
  });
});

describe('a tenant that refuses to create states', () => {
  it.each<[string, Answer, number, RegExp]>([
    ['405', refused(405), 405, /refuses to create encryption states \(status 405\)/],
    ['501', refused(501), 501, /refuses to create encryption states \(status 501\)/],
    ['400', refused(400), 400, /refuses to create encryption states \(status 400\)/],
    ['403 without the role', refused(403, ROLE), 403, /app role DeviceManagementConfiguration\.ReadWrite\.All/],
  ])('is asked no more in this run, and the log says so once: %s', async (_what, answer, status, said) => {
    const bench = createStateBench({ answer: () => answer });
    await bench.clock.run(async () => {
      await bench.put(many(100));
      // Several instances at once, then one more look.
      expect(await Promise.all([1, 2, 3].map(() => bench.deliver()))).toEqual([undefined, undefined, undefined]);
      const asked = bench.asked.length;
      expect(asked).toBeLessThanOrEqual(3 * 20);
      expect(await bench.deliver()).toBeUndefined();
      expect(bench.asked).toHaveLength(asked);
      const warnings = bench.warnings();
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatchObject({ status, runId: bench.run.runId });
      expect(String(warnings[0]?.message)).toMatch(said);
      expect((await bench.ledger.readOutcomes(bench.run.runId))?.value.statesRefused).toBe(status);
    });
  });

  it('leaves unsent what had not left when it said so', async () => {
    const bench = createStateBench({ settings: { GRAPH_CONCURRENCY: '1' }, answer: () => refused(405) });
    await bench.clock.run(async () => {
      await bench.put(many(100));
      await bench.deliver();
      expect(bench.asked).toHaveLength(1);
      const stages = Object.values(await bench.stages());
      expect(stages.filter((stage) => stage === 'refused')).toHaveLength(1);
      expect(stages.filter((stage) => stage === 'unsent')).toHaveLength(99);
    });
  });

  it('does not lose what the circuit breaker knows', async () => {
    const bench = createStateBench({ answer: () => refused(405) });
    await bench.clock.run(async () => {
      await bench.ledger.writeOutcomes(bench.run.runId, { answers: '..x', results: 'x.', tripped: true }, undefined);
      await bench.put(many(1));
      await bench.deliver();
      expect((await bench.ledger.readOutcomes(bench.run.runId))?.value).toEqual({
        answers: '..x',
        results: 'x.',
        tripped: true,
        statesRefused: 405,
      });
    });
  });
});

describe('an announced state', () => {
  it('that a crash left is unknown, and never sent', async () => {
    const bench = createStateBench();
    await bench.clock.run(async () => {
      await bench.put([[recorded(0, { creation: 'sending', sender: 'the dead' })], [recorded(1)]]);
      expect(await bench.deliver()).toBeUndefined();
      expect(await bench.stages()).toEqual({ '0/0': 'unknown', '1/0': 'created' });
      expect(bench.arrived).toEqual(['1/0']);
    });
  });

  it('is announced before it is sent', async () => {
    const seen: string[] = [];
    const bench: StateBench = createStateBench();
    const { createEncryptionState } = bench.deps.tenant;
    Object.assign(bench.deps.tenant, {
      createEncryptionState: async (...args: Parameters<typeof createEncryptionState>) => {
        seen.push((await bench.stages())[args[0].id] ?? '');
        return createEncryptionState(...args);
      },
    });
    await bench.clock.run(async () => {
      await bench.put(many(25));
      await bench.deliver();
    });
    expect(seen).toEqual(Array(25).fill('sending'));
  });

  it('becomes created although another delivery took its living sender for dead', async () => {
    const bench = createStateBench({ latencyMs: 10_000 });
    await bench.clock.run(async () => {
      await bench.put(many(1));
      const sending = bench.deliver();
      await bench.clock.sleep(5_000);
      await bench.deliver();
      expect(await bench.stages()).toEqual({ '0/0': 'unknown' });
      await sending;
      expect(await bench.stages()).toEqual({ '0/0': 'created' });
      expect(bench.arrived).toEqual(['0/0']);
    });
  });

  it('is sent by one delivery even when both believe that their announcement was written', async () => {
    const bench = createStateBench();
    // As storage does after an answer was lost: a row that holds what we wrote counts as written by us.
    const trusting: Ledger = {
      ...bench.ledger,
      async writeRotations(runId, changes) {
        const lost = await bench.ledger.writeRotations(runId, changes);
        const stored = await bench.ledger.readRotationsAt(runId, lost);
        const wanted = new Map(changes.map(({ value }) => [value.order, JSON.stringify(value)]));
        const equal = stored.filter(({ value }) => wanted.get(value.order) === JSON.stringify(value));
        return lost.filter((order) => !equal.some(({ value }) => value.order === order));
      },
    };
    await bench.clock.run(async () => {
      await bench.put(many(40));
      await Promise.all([bench.deliver(trusting), bench.deliver(trusting), bench.deliver(trusting)]);
      expect(bench.arrived.toSorted()).toEqual(
        many(40)
          .map((_, order) => `${order}/0`)
          .toSorted(),
      );
    });
  });

  it('stays announced when sending it failed in a way that tells nothing', async () => {
    const fault = new StorageError('other', 'the budget row cannot be read');
    const bench = createStateBench({ answer: (id) => (id === '3/0' ? fault : CREATED) });
    await bench.clock.run(async () => {
      await bench.put(many(5));
      await expect(bench.deliver()).rejects.toBe(fault);
      expect((await bench.stages())['3/0']).toBe('sending');
      expect(await bench.deliver()).toBeUndefined();
      expect((await bench.stages())['3/0']).toBe('unknown');
      expect(bench.asked.filter((id) => id === '3/0')).toHaveLength(1);
    });
  });
});

// ---------------------------------------------------------------- laws

const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(CREATED) },
  { weight: 3, arbitrary: fc.constant(UNKNOWN) },
  { weight: 3, arbitrary: fc.constant(NOT_SENT) },
  fc.constantFrom(refused(409), refused(404)),
  fc.constantFrom(refused(405), refused(403, ROLE)),
  fc.constant(new GraphError('unauthorized', 'no token')),
  fc.constant(new StorageError('other', 'no budget row')),
);
const anyStates = fc.array(
  fc.uniqueArray(
    fc.record({
      look: fc.nat({ max: 6 }),
      isNone: fc.boolean(),
      creation: fc.constantFrom(undefined, undefined, undefined, 'sending', 'created', 'refused', 'unknown'),
    }),
    { maxLength: 2, selector: ({ look }) => look },
  ),
  { maxLength: 45 },
);
type AnyStates = readonly (readonly {
  readonly look: number;
  readonly isNone: boolean;
  readonly creation: RecordedEncryptionState['creation'];
}[])[];
const asRecorded = (states: AnyStates) =>
  states.map((ofDevice, order) =>
    ofDevice.map(({ look, isNone, creation }) =>
      recorded(order, {
        look,
        ...(isNone ? { state: 'none' as const } : {}),
        ...(creation === undefined ? {} : { creation }),
        ...(creation === 'sending' ? { sender: 'the dead' } : {}),
      }),
    ),
  );
/** Deliveries begin so long after each other, ms; each may die at a step. */
const anyDeliveries = fc.array(
  fc.record({
    afterMs: fc.nat({ max: 400 }),
    dieAt: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 40 })),
  }),
  { minLength: 1, maxLength: 5 },
);

describe('the law of recording to Graph', () => {
  it('each state is sent at most once, the ledger never says more than is true, and nothing else changes', async () => {
    await fc.assert(
      fc.asyncProperty(anyStates, fc.infiniteStream(anyAnswer), anyDeliveries, async (states, answers, deliveries) => {
        const outcomes = new Map<string, string>();
        const bench = createStateBench({
          answer: (id) => {
            const said = answers.next().value;
            if (!(said instanceof Error)) outcomes.set(id, said.kind);
            return said;
          },
        });
        await bench.clock.run(async () => {
          const before = await bench.put(asRecorded(states));
          await Promise.all(
            deliveries.map(async ({ afterMs, dieAt }) => {
              await bench.clock.sleep(afterMs);
              const life = createLife(dieAt);
              try {
                await bench.deliver(mortal(bench.ledger, life, 'ledger'));
              } catch (error) {
                // What a fault leaves is for the next delivery.
                if (!(error instanceof ProcessDied || error instanceof StorageError)) throw error;
              }
            }),
          );
          const untouched = (rows: typeof before) => rows.map(({ encryptionStates: _, ...row }) => row);
          expect(untouched(await bench.rows())).toEqual(untouched(before));

          // The last delivery meets no fault: whatever is still announced afterwards would be a lie.
          await bench.deliver().catch((error: unknown) => {
            if (!(error instanceof StorageError)) throw error;
          });
          expect(new Set(bench.arrived).size).toBe(bench.arrived.length);
          const stages = await bench.stages();
          const wasDecided = new Map<string, RecordedEncryptionState['creation']>(
            states.flatMap((ofDevice, order) =>
              ofDevice.map(({ look, creation }) => [`${order}/${look}`, creation] as const),
            ),
          );
          for (const [id, stage] of Object.entries(stages)) {
            const decided = wasDecided.get(id);
            if (decided !== undefined) {
              expect(stage).toBe(decided === 'sending' ? 'unknown' : decided);
              expect(bench.arrived).not.toContain(id);
            } else if (stage === 'created' || stage === 'refused') expect(outcomes.get(id)).toBe(stage);
            else if (stage === 'unsent') expect(bench.arrived).not.toContain(id);
          }
          expect(bench.warnings().length).toBeLessThanOrEqual(1);
        });
      }),
      { numRuns: 300 },
    );
  });
});
