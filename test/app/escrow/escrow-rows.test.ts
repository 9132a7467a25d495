import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../../src/domain/graph-error.ts';
import { parseRecoveryKeyId } from '../../../src/domain/ids.ts';
import { counts, createEscrowWorld, digitsOf, type RowSpec, type RunOptions } from './escrow-world.ts';

const POST = { method: 'POST', path: /\/recoveryKeys$/ } as const;
const sequence = (length: number): readonly RowSpec[] => Array.from({ length }, (_, device) => ({ device }));

function createWorld(more: Omit<Parameters<typeof createEscrowWorld>[0], 'devices'> & { devices?: number } = {}) {
  return createEscrowWorld({ devices: 40, fleet: 'healthy', ...more });
}
type World = ReturnType<typeof createWorld>;

/** Whatever happened, nothing that was sent is to be read anywhere. */
function expectNothingShown({ lines, logger }: World, rows: number): void {
  const shown = lines.join('') + JSON.stringify(logger.lines);
  for (let i = 0; i < rows; i += 1) expect(shown).not.toContain(digitsOf(i));
  expect(shown).not.toMatch(/\d{6}-\d{6}/);
}

describe('a stream of recovery keys', () => {
  it('is added row by row, each intent in the journal before its request and each outcome after it', async () => {
    const world = createWorld();
    const end = await world.run(sequence(30));
    expect(end).toEqual({ counts: counts({ escrowed: 30 }) });
    for (let i = 0; i < 30; i += 1) expect(world.received(i)).toBe(1);
    const entries = world.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (let line = 2; line < 32; line += 1) {
      const own = entries.filter((entry) => entry.line === line);
      const { keyId } = world.sim.truth.escrowed.find((key) => key.entraDeviceId === own[0]?.deviceId) ?? {};
      expect(own).toMatchObject([
        { event: 'intent', userId: 'ada@contoso.com', volumeType: 'fixedDataVolume' },
        { event: 'outcome', outcome: 'escrowed', keyId },
      ]);
    }
    expectNothingShown(world, 30);
  });

  it('goes one at a time until one is accepted, then as many at once as may be', async () => {
    const world = createWorld({ latencyMs: 100 });
    await world.run(sequence(33), { concurrency: 8 });
    const starts = world.sim.truth.escrowed.map(({ atMs }) => atMs);
    expect(new Set(starts).size).toBe(1 + 4);
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBe(400);
  });

  it('is updated with PATCH, and has no user then', async () => {
    const world = createWorld();
    const rows = [{ device: 3, volumeType: 'operatingSystemVolume' }, { device: 999 }] as const;
    const end = await world.run(rows, { operation: 'update' });
    expect(end.counts).toEqual(counts({ escrowed: 1, refused: 1 }));
    expect(world.sim.truth.escrowed).toMatchObject([{ operation: 'update', entraDeviceId: world.deviceOf(3) }]);
    expect(world.received(0)).toBe(1);
  });

  it('goes on after rows that are invalid or refused, and says which', async () => {
    const world = createWorld();
    const end = await world.run([{ device: 0 }, undefined, { device: 999 }, { device: 1 }]);
    expect(end).toEqual({ counts: counts({ escrowed: 2, invalid: 1, refused: 1 }) });
    expect(world.told).toEqual([
      { line: 3, what: 'must be right' },
      { line: 4, what: 'refused' },
    ]);
    expectNothingShown(world, 4);
  });

  it.each([405, 501, 400] as const)(
    'stops at the first row when the tenant answers %i to everything',
    async (escrow) => {
      const world = createWorld({ escrow });
      const end = await world.run([undefined, ...sequence(30)]);
      expect(end).toEqual({
        counts: counts({ invalid: 1, notSupported: 1 }),
        early: { kind: 'notSupported', line: 3, httpStatus: escrow },
      });
      expect(world.sim.history.filter(({ method }) => method === 'POST')).toHaveLength(1);
      expectNothingShown(world, 31);
    },
  );

  it('stops when the identity may not do it, and goes on when only one row is forbidden', async () => {
    const forbidden = createWorld({ escrowRole: 'Some.Role' });
    const end = await forbidden.run(sequence(30));
    expect(end).toEqual({ counts: counts({ refused: 1 }), early: { kind: 'forbidden', line: 2 } });

    const later = createWorld();
    later.sim.script({ ...POST, fault: { kind: 'status', status: 403 }, skip: 2, times: 3 });
    const rest = await later.run(sequence(10), { concurrency: 1 });
    expect(rest).toEqual({ counts: counts({ escrowed: 9, refused: 1 }) });
  });

  it('leaves the rest untouched when it is stopped, and waits for what is on its way', async () => {
    const world = createWorld({ latencyMs: 100 });
    const stopAt = (rows: number) => (read: number) => {
      if (read === rows) world.stop.abort(new Error('stopped'));
    };
    const end = await world.run(sequence(30), { concurrency: 4, onRead: stopAt(12) });
    expect(end.early).toEqual({ kind: 'stopped' });
    const { escrowed, notSent } = end.counts;
    expect(escrowed + notSent).toBe(11);
    expect(world.sim.truth.escrowed).toHaveLength(escrowed);
    expect(world.lines.filter((line) => line.includes('"intent"'))).toHaveLength(11);
    expect(world.lines.filter((line) => line.includes('"outcome"'))).toHaveLength(11);
  });

  it('stops at faults that concern every row, having written that the row was not sent', async () => {
    const world = createWorld();
    world.sim.script({ ...POST, fault: { kind: 'expiredToken' }, skip: 3, times: 50 });
    await expect(world.run(sequence(30), { concurrency: 1 })).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(world.lines.at(-1)).toContain('"notSent"');
    world.sim.script({ ...POST, fault: { kind: 'expiredToken' }, skip: 3, times: 0 });
  });
});

describe('a run with a journal', () => {
  it('skips what is in escrow, and sends what was certainly not taken', async () => {
    const world = createWorld();
    world.sim.script({ ...POST, fault: { kind: 'status', status: 404 }, skip: 2, times: 1 });
    const first = await world.run(sequence(5), { concurrency: 1 });
    expect(first.counts).toEqual(counts({ escrowed: 4, refused: 1 }));
    const second = await world.run(sequence(8));
    expect(second.counts).toEqual(counts({ already: 4, escrowed: 4 }));
    for (let i = 0; i < 8; i += 1) expect(world.received(i)).toBe(1);
  });

  it.each([
    ['arrived', 'statusAfterEffect', { found: 1, already: 4 }],
    ['did not arrive', 'status', { escrowed: 1, already: 4 }],
  ] as const)('looks first for a key whose answer was lost, and which %s', async (_what, kind, expected) => {
    const world = createWorld();
    world.sim.script({ ...POST, fault: { kind, status: 503 }, skip: 2, times: 1 });
    const first = await world.run(sequence(5));
    expect(first.counts).toEqual(counts({ escrowed: 4, uncertain: 1 }));
    const second = await world.run(sequence(5));
    expect(second.counts).toEqual(counts(expected));
    for (let i = 0; i < 5; i += 1) expect(world.received(i)).toBe(1);
    const third = await world.run(sequence(5));
    expect(third.counts).toEqual(counts({ already: 5 }));
  });

  it('leaves a key in doubt when it cannot look', async () => {
    const world = createWorld();
    world.sim.script({ ...POST, fault: { kind: 'statusAfterEffect', status: 503 } });
    await world.run([{ device: 0 }]);
    world.sim.script({ path: /recoveryKeys/, method: 'GET', fault: { kind: 'status', status: 503 }, times: 8 });
    const second = await world.run([{ device: 0 }]);
    expect(second.counts).toEqual(counts({ uncertain: 1 }));
    expect((await world.run([{ device: 0 }])).counts).toEqual(counts({ found: 1 }));
    expect(world.received(0)).toBe(1);
  });

  it('sends an update in doubt again, since a second one changes nothing', async () => {
    const world = createWorld();
    const rows = [{ device: 0, volumeType: 'operatingSystemVolume' }] as const;
    world.sim.script({ method: 'PATCH', fault: { kind: 'statusAfterEffect', status: 503 } });
    expect((await world.run(rows, { operation: 'update' })).counts).toEqual(counts({ uncertain: 1 }));
    expect((await world.run(rows, { operation: 'update' })).counts).toEqual(counts({ escrowed: 1 }));
  });

  it('refuses a row that is another one than the journal has there, and sends nothing from it on', async () => {
    const world = createWorld();
    await world.run(sequence(5));
    const [first, ...rest] = sequence(7);
    const end = await world.run([first, ...rest.slice(1)].filter((row) => row !== undefined));
    expect(end).toMatchObject({
      counts: counts({ already: 1 }),
      early: { kind: 'otherRow', line: 3, journal: { line: 3, entraDeviceId: world.deviceOf(1) } },
    });
    expect(world.sim.truth.escrowed).toHaveLength(5);
    const volume = await world.run([{ device: 0, volumeType: 'removableDataVolume' }]);
    expect(volume.early).toMatchObject({ kind: 'otherRow', line: 2 });
  });

  it('does not take the key of one row for that of another', async () => {
    const world = createWorld();
    const rows = [{ device: 0 }, { device: 0 }, { device: 0 }];
    // The second is lost before it arrives, the third comes after it.
    world.sim.script({ ...POST, fault: { kind: 'status', status: 503 }, skip: 1, times: 1 });
    expect((await world.run(rows, { concurrency: 1 })).counts).toEqual(counts({ escrowed: 2, uncertain: 1 }));
    expect((await world.run(rows)).counts).toEqual(counts({ already: 2, escrowed: 1 }));
    for (let i = 0; i < 3; i += 1) expect(world.received(i)).toBe(1);
  });

  it('sends keys again rather than lose one, when it cannot tell which of several arrived', async () => {
    const world = createWorld();
    const rows = [{ device: 0 }, { device: 1 }, { device: 1 }];
    world.sim.script({ ...POST, fault: { kind: 'statusAfterEffect', status: 503 }, skip: 1, times: 1 });
    world.sim.script({ ...POST, fault: { kind: 'status', status: 503 }, skip: 1, times: 1 });
    expect((await world.run(rows, { concurrency: 1 })).counts).toEqual(counts({ escrowed: 1, uncertain: 2 }));
    expect((await world.run(rows)).counts).toEqual(counts({ already: 1, escrowed: 2 }));
    expect(world.received(1)).toBeGreaterThanOrEqual(1);
    expect(world.received(2)).toBe(1);
  });

  it('knows a key by the id the row gave it', async () => {
    const world = createWorld();
    const rows = [{ device: 0, keyId: parseRecoveryKeyId('33333333-0000-4000-8000-000000000001') }];
    world.sim.script({ ...POST, fault: { kind: 'statusAfterEffect', status: 503 } });
    await world.run(rows);
    // By its date it would be too old: someone set this machine's clock.
    const lines = world.lines.map((line) => line.replaceAll('2026-11-22T', '2026-11-23T'));
    world.lines.splice(0, world.lines.length, ...lines);
    expect((await world.run(rows)).counts).toEqual(counts({ found: 1 }));
  });

  it('does not take a key that was there before for the one in doubt', async () => {
    const world = createWorld();
    const rows = [{ device: 0, volumeType: 'operatingSystemVolume' }] as const;
    expect(world.sim.truth.device(0)?.newestKey).toBeDefined();
    world.sim.script({ ...POST, fault: { kind: 'resetBefore' } });
    expect((await world.run(rows)).counts).toEqual(counts({ uncertain: 1 }));
    expect((await world.run(rows)).counts).toEqual(counts({ escrowed: 1 }));
    expect(world.received(0)).toBe(1);
  });

  it('brings every key into escrow exactly once, and remembers it, wherever it dies and whatever the tenant answers', async () => {
    const rates = fc.record({
      unavailable: fc.constantFrom(0, 0.2),
      gatewayTimeoutAfterEffect: fc.constantFrom(0, 0.2),
      resetBefore: fc.constantFrom(0, 0.1),
      resetAfter: fc.constantFrom(0, 0.2),
      throttle: fc.constantFrom(0, 0.1),
      forbiddenFlicker: fc.constantFrom(0, 0.05),
      expiredToken: fc.constantFrom(0, 0.05),
      slow: fc.constantFrom(0, 0.05),
    });
    const deaths = fc.array(
      fc.oneof(
        fc.record({ dieAtWrite: fc.integer({ min: 1, max: 45 }) }),
        fc.record({ dieAtLedger: fc.integer({ min: 1, max: 90 }) }),
      ),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(rates, deaths, fc.nat(1_000), fc.integer({ min: 1, max: 8 }), async (faults, dies, seed, n) => {
        const world = createWorld({ faults, seed, devices: 20, latencyMs: [20, 400] });
        const rows = sequence(20);
        /** How many rows are known to be in escrow; none when the process ended otherwise. */
        const process = async (death: RunOptions = {}): Promise<number> => {
          try {
            const { already, found } = (await world.run(rows, { concurrency: n, ...death })).counts;
            return already + found;
          } catch (error) {
            const isExpected = error instanceof GraphError || (error instanceof Error && error.message === 'killed');
            if (!isExpected) throw error;
            return 0;
          }
        };
        for (const death of dies) await process(death);
        let done = 0;
        for (let i = 0; i < 60 && done < 20; i += 1) done = await process();
        expect(done).toBe(20);
        for (let i = 0; i < 20; i += 1) expect(world.received(i)).toBe(1);
        for (let i = 0; i < 20; i += 1) {
          const keys = world.sim.truth.escrowed.filter((key) => key.entraDeviceId === world.deviceOf(i));
          expect((await world.recordOf(i))?.importedKeyIds).toEqual(keys.map(({ keyId }) => keyId));
        }
        expectNothingShown(world, 20);
      }),
      { numRuns: 60 },
    );
  });
});
