import { describe, expect, it } from 'vitest';
import type { Deps } from '../../../src/app/deps.ts';
import { createLateTeller } from '../../../src/app/notify/notify-late.ts';
import { settlePendingClaims } from '../../../src/app/plan/pending-claims.ts';
import type { EntraDeviceId } from '../../../src/domain/ids.ts';
import { parseRunId } from '../../../src/domain/ids.ts';
import type { Notifier, NotifyOutcome, RunNotification } from '../../../src/domain/notification.ts';
import { StorageError } from '../../../src/domain/storage-error.ts';
import { createMemoryQueues } from '../../../src/storage/memory/memory-queues.ts';
import { createLogger } from '../../../src/system/logger.ts';
import { sampleRotation, sampleRun } from '../../contracts/samples.ts';
import { type Operation, withHooks } from '../../support/hooked.ts';
import { createLife, mortal, ProcessDied } from '../../support/mortal.ts';
import { createPlanning, DAY_MS, entraId, managedId, START_MS } from '../plan/planning.ts';

const ASKED_MS = START_MS - 20 * DAY_MS;
const RUNS = ['run-1', 'run-2'].map((id) => parseRunId(id));
const DEVICES = RUNS.map((_, i) => entraId(i + 1));

/** Two devices, each given up on by a run of its own, whose action is done by now; and what a webhook is told of them. */
async function createLate(answer: NotifyOutcome = { kind: 'sent' }) {
  const done = { state: 'done', startedAtMs: ASKED_MS + 500, lastUpdatedAtMs: ASKED_MS + 500 } as const;
  const world = createPlanning({
    actions: new Map(RUNS.map((_, i) => [managedId(i + 1), { kind: 'found', value: [done] }])),
  });
  const told: RunNotification[] = [];
  const log: string[] = [];
  const notifier: Notifier = {
    async send(notification) {
      told.push(notification);
      return answer;
    },
  };
  const queues = createMemoryQueues({ clock: world.clock });
  const logger = createLogger({ level: 'debug', write: (_level, line) => log.push(line) });
  for (const [i, runId] of RUNS.entries()) {
    await world.ledger.createRun(sampleRun({ runId, state: 'completed', due: 1, devices: 1 }));
    const ids = { entraDeviceId: entraId(i + 1), managedDeviceId: managedId(i + 1) };
    await world.ledger.writePlannedRotations(runId, [sampleRotation(0, { ...ids, state: 'overdue' })]);
    const pending = { sinceMs: START_MS - DAY_MS, acceptedAfterMs: ASKED_MS, acceptedByMs: ASKED_MS + 1_000 };
    const claim = {
      runId,
      order: 0,
      attempt: 0,
      token: 't',
      claimedAtMs: ASKED_MS,
      sendByMs: ASKED_MS + 120_000,
      pending,
    };
    await world.ledger.writeDevices([{ record: { ...ids, claim, lastState: 'overdue' }, version: undefined }]);
  }

  /** What a plan does with the claims that it finds. */
  async function plan(changes: Partial<Deps> = {}): Promise<void> {
    const records = await world.ledger.readDevices(DEVICES);
    const claimed = [...records.values()]
      .filter(({ value }) => value.claim !== undefined)
      .map((stored) => ({ stored }));
    const bounds = { deadlineAtMs: START_MS + 480_000, signal: new AbortController().signal };
    await settlePendingClaims(world.deps({ notifier, queues, logger, ...changes }), bounds, 'bulk', claimed);
  }

  async function held(): Promise<readonly EntraDeviceId[]> {
    const records = await world.ledger.readDevices(DEVICES);
    return DEVICES.filter((id) => records.get(id)?.value.claim !== undefined);
  }

  /** Whatever happened, nothing is left to do, and the danger is on record. */
  async function expectSettled(): Promise<void> {
    expect(await held()).toEqual([]);
    const records = await world.ledger.readDevices(DEVICES);
    for (const id of DEVICES) expect(records.get(id)?.value.doneWithoutKeySinceMs).toBe(ASKED_MS + 500);
    for (const runId of RUNS) expect((await world.rows(runId))[0]?.late?.state).toBe('confirmed');
  }

  const ids = () => told.flatMap(({ rotatedWithoutKeyIds }) => rotatedWithoutKeyIds);
  return { world, notifier, queues, logger, told, log, plan, held, ids, expectSettled };
}

describe('devices that a later plan finds done without a newer key', () => {
  it('are told once, each with its run, however often the plan is made', async () => {
    const late = await createLate();
    await late.plan();
    await late.plan();
    expect(late.told.map(({ event, runId }) => [event, runId])).toEqual(RUNS.map((id) => ['deviceInDanger', id]));
    expect(late.ids()).toEqual(DEVICES);
    await late.expectSettled();
  });

  it('are told whatever step the process dies at, by the plan that follows if need be', async () => {
    for (let dieAt = 1; ; dieAt++) {
      const late = await createLate();
      const life = createLife(dieAt);
      const ledger = mortal(late.world.ledger, life, 'ledger');
      const [queues, notifier] = [mortal(late.queues, life, 'queues'), mortal(late.notifier, life, 'notifier')];
      const death = await late.plan({ ledger, queues, notifier }).catch((error: unknown) => error);
      if (death === undefined) {
        expect(dieAt).toBeGreaterThan(30);
        return;
      }
      expect(death).toBeInstanceOf(ProcessDied);
      await late.plan();
      expect({ diedAt: life.diedAt, told: [...new Set(late.ids())].toSorted() }).toEqual({
        diedAt: life.diedAt,
        told: DEVICES,
      });
      await late.expectSettled();
    }
  });

  it('are told whatever storage operation fails, and what only telling needs fails no plan', async () => {
    const onlyForTelling: string[] = [];
    for (let at = 0; ; at++) {
      const late = await createLate();
      let failed: Operation | undefined;
      const before = (operation: Operation) => {
        if (operation.index !== at) return;
        failed = operation;
        throw new StorageError('unreachable', 'the table is busy');
      };
      const ledger = withHooks('ledger', late.world.ledger, { before });
      const fault = await late.plan({ ledger }).catch((error: unknown) => error);
      if (failed === undefined) break;
      if (fault === undefined) {
        onlyForTelling.push(failed.name);
        expect(late.log.join('')).toContain('could not be told: their claims stand until the next plan');
        expect(await late.held()).toHaveLength(1);
      }
      await late.plan();
      expect([...new Set(late.ids())].toSorted()).toEqual(DEVICES);
      await late.expectSettled();
    }
    expect(onlyForTelling).toEqual(RUNS.flatMap(() => ['readRun', 'readRotationsAt', 'listSlices']));
  });

  it('are let go when the webhook fails, which is tried once for a plan', async () => {
    const late = await createLate({ kind: 'failed', because: 'the webhook refused' });
    await late.plan();
    expect(late.told).toHaveLength(1);
    expect(late.log.filter((line) => line.includes('the webhook could not be told'))).toHaveLength(1);
    await late.expectSettled();
  });

  it('say once of each run that the webhook keeps failing, however many plans find more of them', async () => {
    const late = await createLate({ kind: 'failed', because: 'the webhook refused' });
    const deps = late.world.deps({ notifier: late.notifier, logger: late.logger });
    const found = RUNS.map((runId, i) => ({ entraDeviceId: entraId(i + 1), claim: { runId, order: 0 } }));
    for (const danger of [...found, ...found]) await createLateTeller(deps).tell([danger]);
    expect(late.told).toHaveLength(4);
    const warnings = late.log.filter((line) => line.includes('the webhook could not be told'));
    expect(warnings.map((line) => JSON.parse(line).runId)).toEqual(RUNS);
    for (const runId of RUNS) expect((await late.world.run(runId)).notified).toEqual({ failedAtMs: START_MS });
  });
});
