import { describe, expect, it } from 'vitest';
import { type EscrowKeyDeps, escrowKey, recordImported } from '../../../src/app/escrow/escrow-key.ts';
import { type DeviceRecord, MOST_IMPORTED_KEYS } from '../../../src/domain/device-record.ts';
import type { EscrowOutcome } from '../../../src/domain/escrow.ts';
import { parseEntraDeviceId, parseManagedDeviceId, parseRecoveryKeyId, parseRunId } from '../../../src/domain/ids.ts';
import type { CallOptions } from '../../../src/domain/ports.ts';
import { parseRecoveryPassword } from '../../../src/domain/recovery-password.ts';
import { createVirtualClock } from '../../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../../src/storage/memory/memory-ledger.ts';
import { type Hooks, withHooks } from '../../support/hooked.ts';
import { digitsOf } from './escrow-world.ts';

const START_MS = Date.UTC(2026, 10, 22, 2);
const ENTRA_ID = parseEntraDeviceId('22222222-0000-4000-8000-000000000001');
const keyId = (n: number) => parseRecoveryKeyId(`33333333-0000-4000-8000-${String(n).padStart(12, '0')}`);
const { password } = parseRecoveryPassword(digitsOf(1));
if (ENTRA_ID === undefined || password === undefined) throw new Error('well-formed');
const ID = ENTRA_ID;
const ROW = {
  userId: 'ada@contoso.com',
  key: { entraDeviceId: ID, volumeType: 'operatingSystemVolume', password },
} as const;
const TIMING = { sendWithinMs: 120_000, inFlightMs: 60_000 };
const ESCROWED: EscrowOutcome = { kind: 'escrowed', keyId: keyId(1), clientRequestId: 'c' };
const RECORD: DeviceRecord = {
  entraDeviceId: ID,
  managedDeviceId: parseManagedDeviceId('11111111-0000-4000-8000-000000000001'),
  lastRunId: parseRunId('before'),
  lastState: 'proven',
};

/** An escrow that gives these answers in turn, the last one for good, and a ledger with hooks. */
function createBench(answers: readonly EscrowOutcome[] = [ESCROWED], hooks: Hooks = {}) {
  const clock = createVirtualClock(START_MS);
  const ledger = createMemoryLedger({ clock });
  const calls: { readonly what: string; readonly atMs: number; readonly deadlineAtMs: number }[] = [];
  const answer = (what: string, { deadlineAtMs }: CallOptions): EscrowOutcome => {
    calls.push({ what, atMs: clock.nowMs(), deadlineAtMs });
    return answers[Math.min(calls.length, answers.length) - 1] ?? ESCROWED;
  };
  const deps: EscrowKeyDeps = {
    escrow: {
      add: async (user, _key, options) => answer(`add ${user}`, options),
      update: async (_key, options) => answer('update', options),
    },
    ledger: withHooks('ledger', ledger, hooks),
    clock,
    timing: TIMING,
  };
  const stop = new AbortController();
  return {
    clock,
    ledger,
    deps,
    calls,
    stop,
    options: (deadlineAtMs = Number.POSITIVE_INFINITY): CallOptions => ({
      priority: 'bulk',
      deadlineAtMs,
      signal: stop.signal,
    }),
    record: async () => (await ledger.readDevices([ID])).get(ID)?.value,
    write: async (record: DeviceRecord) => {
      const version = (await ledger.readDevices([ID])).get(ID)?.version;
      await ledger.writeDevices([{ record, version }]);
    },
  };
}

/** Someone else writes the record right before ours is, this often. */
function rival(times: number, write: () => Promise<void>): Hooks {
  let left = times;
  return {
    async before({ name }) {
      if (name !== 'writeDevices' || left === 0) return;
      left -= 1;
      await write();
    },
  };
}

describe('putting a key into escrow', () => {
  it.each(['add', 'update'] as const)(
    'holds the device before the %s leaves, for as long as it can take',
    async (operation) => {
      const { deps, options, calls, record } = createBench();
      expect(await escrowKey(deps, operation, ROW, options())).toEqual(ESCROWED);
      expect(await record()).toEqual({ entraDeviceId: ID, importUntilMs: START_MS + 180_000 });
      const what = operation === 'add' ? 'add ada@contoso.com' : 'update';
      expect(calls).toEqual([{ what, atMs: START_MS, deadlineAtMs: START_MS + 120_000 }]);
    },
  );

  it('keeps what else the ledger knows of the device, and a later hold of another key', async () => {
    const { deps, options, record, write } = createBench();
    await write({ ...RECORD, importUntilMs: START_MS + 999_000 });
    await escrowKey(deps, 'add', ROW, options());
    expect(await record()).toEqual({ ...RECORD, importUntilMs: START_MS + 999_000 });
  });

  it.each([
    ['held', {}],
    ['pending', { pending: { sinceMs: 3, acceptedAfterMs: 1, acceptedByMs: 2 } }],
  ])('sends nothing and writes nothing while a claim is %s', async (_how, pending) => {
    const { deps, options, calls, record, write } = createBench();
    const claim = { runId: parseRunId('r'), order: 0, attempt: 0, token: 't', claimedAtMs: 1, sendByMs: 2, ...pending };
    await write({ ...RECORD, claim });
    const told: string[] = [];
    const outcome = await escrowKey(deps, 'add', ROW, options(), async () => void told.push('sending'));
    expect(outcome).toEqual({ kind: 'rotationPending', entraDeviceId: ID });
    expect({ calls, told, record: await record() }).toEqual({ calls: [], told: [], record: { ...RECORD, claim } });
  });

  it('reads again when somebody else wrote the record in between', async () => {
    const bench = createBench(
      [ESCROWED],
      rival(3, async () => bench.write({ ...RECORD, lastRequestAtMs: ++asked })),
    );
    let asked = 0;
    await escrowKey(bench.deps, 'add', ROW, bench.options());
    expect(await bench.record()).toEqual({ ...RECORD, lastRequestAtMs: 3, importUntilMs: START_MS + 180_000 });
    expect(bench.calls).toHaveLength(1);
  });

  it('waits as long as the quota asks, and holds the device anew each time', async () => {
    const slow = [
      { kind: 'notSent', retryAfterMs: 600_000 },
      { kind: 'notSent', retryAfterMs: 0 },
    ] as const;
    const { deps, options, calls, clock, record } = createBench([...slow, ESCROWED]);
    let told = 0;
    expect(await clock.run(() => escrowKey(deps, 'add', ROW, options(), async () => void told++))).toEqual(ESCROWED);
    expect(calls.map(({ atMs }) => atMs - START_MS)).toEqual([0, 600_000, 601_000]);
    expect(calls.map(({ deadlineAtMs, atMs }) => deadlineAtMs - atMs)).toEqual([120_000, 120_000, 120_000]);
    expect((await record())?.importUntilMs).toBe(START_MS + 601_000 + 180_000);
    expect(told).toBe(1);
  });

  it('does not wait past its own deadline, nor send after it', async () => {
    const slow: EscrowOutcome = { kind: 'notSent', retryAfterMs: 50_000 };
    const { deps, options, calls, clock } = createBench([slow]);
    expect(await clock.run(() => escrowKey(deps, 'add', ROW, options(START_MS + 60_000)))).toEqual(slow);
    expect(calls.map(({ deadlineAtMs }) => deadlineAtMs - START_MS)).toEqual([60_000, 60_000]);
    expect(clock.nowMs() - START_MS).toBe(50_000);
  });

  it('ends at once when it is stopped while it waits', async () => {
    const slow: EscrowOutcome = { kind: 'notSent', retryAfterMs: 600_000 };
    const { deps, options, clock, stop } = createBench([slow]);
    const outcome = clock.run(async () => {
      void clock.sleep(1_000).then(() => stop.abort(new Error('stopped')));
      return escrowKey(deps, 'add', ROW, options());
    });
    expect(await outcome).toEqual(slow);
    expect(clock.nowMs() - START_MS).toBe(1_000);
  });
});

describe('remembering an imported key', () => {
  it('makes the record when there is none, adds to one that is there, newest last, each key once', async () => {
    const { deps, record, write } = createBench();
    await recordImported(deps, ID, keyId(1));
    expect(await record()).toEqual({ entraDeviceId: ID, importedKeyIds: [keyId(1)] });
    await write({ ...RECORD, importedKeyIds: [keyId(1)] });
    await recordImported(deps, ID, keyId(2));
    await recordImported(deps, ID, keyId(1));
    expect(await record()).toEqual({ ...RECORD, importedKeyIds: [keyId(1), keyId(2)] });
  });

  it('forgets the oldest beyond fifty', async () => {
    const { deps, record } = createBench();
    for (let n = 0; n < MOST_IMPORTED_KEYS + 3; n += 1) await recordImported(deps, ID, keyId(n));
    const expected = Array.from({ length: MOST_IMPORTED_KEYS }, (_, i) => keyId(i + 3));
    expect((await record())?.importedKeyIds).toEqual(expected);
  });

  it('loses nothing when several are remembered at once, or a run claims the device meanwhile', async () => {
    const claim = { runId: parseRunId('r'), order: 0, attempt: 0, token: 't', claimedAtMs: 1, sendByMs: 2 };
    const bench = createBench(
      [],
      rival(1, () => bench.write({ ...RECORD, claim })),
    );
    await Promise.all([1, 2, 3, 4].map((n) => recordImported(bench.deps, ID, keyId(n))));
    const record = await bench.record();
    expect(record).toMatchObject({ ...RECORD, claim });
    expect(new Set(record?.importedKeyIds)).toEqual(new Set([1, 2, 3, 4].map(keyId)));
  });
});
