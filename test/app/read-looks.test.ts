import { describe, expect, it } from 'vitest';
import { readLooks } from '../../src/app/read-looks.ts';
import type { ActionResult } from '../../src/domain/action-result.ts';
import { GraphError } from '../../src/domain/graph-error.ts';
import type { EntraDeviceId, ManagedDeviceId } from '../../src/domain/ids.ts';
import type { RecoveryKey } from '../../src/domain/recovery-key.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { Reading, Tenant } from '../../src/domain/tenant.ts';
import { withHooks } from '../support/hooked.ts';
import { createPlanning, entraId, keyId, managedId, START_MS } from './plan/planning.ts';

const ASKED_MS = START_MS - 3_600_000;
const rotation = (n: number): Rotation => ({
  order: n,
  entraDeviceId: entraId(n),
  managedDeviceId: managedId(n),
  deviceName: `LT-${n}`,
  state: 'requested',
  attempt: 0,
  acceptedAfterMs: ASKED_MS,
  acceptedByMs: ASKED_MS + 1_000,
});
const key = (device: number, id: number): RecoveryKey => ({
  keyId: keyId(id),
  entraDeviceId: entraId(device),
  createdAtMs: ASKED_MS + 60_000,
  volumeType: 'operatingSystemVolume',
});
const result = (state: ActionResult['state']): Reading<readonly ActionResult[]> => ({
  kind: 'found',
  value: [{ state, startedAtMs: ASKED_MS + 500, lastUpdatedAtMs: ASKED_MS + 30_000 }],
});

/** A look at devices 1 to 3: done, done and pending. Each device has two new keys: its number and ten more. */
async function look({
  isLast = false,
  states = ['done', 'done', 'pending'],
  fault,
}: {
  readonly isLast?: boolean;
  readonly states?: readonly ActionResult['state'][];
  /** What reading encryption states throws. */
  readonly fault?: unknown;
} = {}) {
  const world = createPlanning();
  const calls: string[] = [];
  const trace = { requestId: 'r', clientRequestId: 'c' };
  const tenant: Pick<Tenant, 'actionResults' | 'recoveryKeys' | 'encryptionStates' | 'clockAheadMs'> = {
    actionResults: async (ids) => new Map(ids.map((id, i) => [id, result(states[i] ?? 'pending')])),
    recoveryKeys: async (ids) => {
      calls.push(`keys ${ids.length}`);
      const found = (id: EntraDeviceId): Reading<readonly RecoveryKey[]> => {
        const n = [1, 2, 3].find((one) => entraId(one) === id) ?? 0;
        return n === 2
          ? { kind: 'unreadable', status: 503 }
          : { kind: 'found', value: [key(n, n), key(n, n + 10)], trace };
      };
      return new Map(ids.map((id) => [id, found(id)]));
    },
    encryptionStates: async (ids) => {
      if (fault !== undefined) throw fault;
      return new Map(ids.map((id: ManagedDeviceId) => [id, { kind: 'gone' } as const]));
    },
    clockAheadMs: () => 0,
  };
  const warnings: unknown[] = [];
  const plain = world.deps();
  const deps = {
    ...plain,
    logger: { ...plain.logger, warn: (...line: readonly unknown[]) => void warnings.push(line) },
  };
  const ledger = withHooks('ledger', world.ledger, {
    before: ({ name, args }) => void calls.push(`${name} ${(args[0] as readonly unknown[]).length}`),
  });
  for (const n of [1, 2, 3]) {
    const record = { entraDeviceId: entraId(n), importedKeyIds: [keyId(99), keyId(n)] };
    await world.ledger.writeDevices([{ record, version: undefined }]);
  }
  const looks = await readLooks(
    { ...deps, tenant: { ...deps.tenant, ...tenant }, ledger },
    [1, 2, 3].map(rotation),
    { isLast, number: 0, givesUp: false },
    { priority: 'bulk', deadlineAtMs: START_MS + 60_000, signal: new AbortController().signal },
  );
  return { looks, calls, warnings };
}

describe('what a look reads', () => {
  it('has no imported keys among a device’s keys, and is otherwise as Graph gave it', async () => {
    const { looks } = await look();
    const trace = { requestId: 'r', clientRequestId: 'c' };
    expect(looks.get(1)?.keys).toEqual({ kind: 'found', value: [key(1, 11)], trace });
    expect(looks.get(2)?.keys).toEqual({ kind: 'unreadable', status: 503 });
    expect(looks.get(3)?.keys).toBeUndefined();
  });

  it('costs one read of the ledger, after the keys and of their devices only', async () => {
    expect((await look()).calls).toEqual(['keys 2', 'readDevices 2']);
    expect((await look({ isLast: true })).calls).toEqual(['keys 3', 'readDevices 3']);
  });

  it('costs none when no keys are read', async () => {
    expect((await look({ states: ['pending', 'pending', 'pending'] })).calls).toEqual([]);
  });
});

describe('encryption states that cannot be read', () => {
  const faults = (['forbidden', 'unavailable', 'malformed', 'untrustedLink', 'badRequest', 'notFound'] as const).map(
    (kind) => [kind, new GraphError(kind, 'needs the role X')] as const,
  );

  it.each(faults)(
    'as a whole (%s) are left out of this look, which says so once; all else is read',
    async (errorKind, fault) => {
      const undisturbed = await look();
      const { looks, calls, warnings } = await look({ fault });
      expect(calls).toEqual(undisturbed.calls);
      expect(warnings).toEqual([
        [
          'encryption states could not be read: the proof goes on without them',
          expect.objectContaining({ errorKind, errorMessage: 'needs the role X' }),
        ],
      ]);
      for (const [order, { encryption, ...rest }] of looks) {
        const { encryption: before, ...expected } = undisturbed.looks.get(order) ?? expect.unreachable();
        expect(rest).toEqual(expected);
        expect(encryption?.kind).toBe(before === undefined ? undefined : 'unreadable');
      }
    },
  );

  it.each([
    new GraphError('throttled', 'past the deadline', { retryAfterMs: 1 }),
    new GraphError('unauthorized', 'no token'),
    new Error('the process died'),
  ])('for what concerns every read put the look off: %o', async (fault) => {
    await expect(look({ fault })).rejects.toBe(fault);
  });
});
