/** A run with recorded encryption states, and a tenant that answers their creation as told and keeps what it was sent. */
import pLimit from 'p-limit';
import { DEFAULT_TIMING, type Deps } from '../../src/app/deps.ts';
import { recordToGraph } from '../../src/app/record-to-graph.ts';
import { parseSettings } from '../../src/config.ts';
import type { EncryptionState, RecordedEncryptionState } from '../../src/domain/encryption-state.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import type { RotationMode } from '../../src/domain/settings.ts';
import type { StateCreation, Tenant } from '../../src/domain/tenant.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';
import { createMemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import { createMemoryQueues } from '../../src/storage/memory/memory-queues.ts';
import { createMemoryReportFiles } from '../../src/storage/memory/memory-report-files.ts';
import { createMemoryWorkFiles } from '../../src/storage/memory/memory-work-files.ts';
import { createLogger } from '../../src/system/logger.ts';
import { sampleRotation, sampleRun } from '../contracts/samples.ts';

export const BENCH_START_MS = Date.UTC(2026, 10, 22, 2);

/** What the tenant does with one state: an outcome, or a fault that is thrown. */
export type Answer = StateCreation | Error;

export const CREATED: Answer = { kind: 'created', id: 'c1', clientRequestId: 'r1' };
export const UNKNOWN: Answer = { kind: 'unknown', clientRequestId: 'r2' };
export const NOT_SENT: Answer = { kind: 'notSent', retryAfterMs: 45_000 };
export const refused = (httpStatus: number, missingRole?: string): Answer => ({
  kind: 'refused',
  httpStatus,
  clientRequestId: 'r3',
  ...(missingRole === undefined ? {} : { missingRole }),
});

export function sampleState(changes: Partial<EncryptionState> = {}): EncryptionState {
  return {
    id: 'e1',
    deviceName: 'LT-00001',
    userPrincipalName: 'ada@contoso.example',
    deviceType: 'windowsRT',
    osVersion: '10.0.22631.4037',
    tpmSpecificationVersion: '2.0, 0, 1.38',
    encryptionReadinessState: 'ready',
    encryptionState: 'encrypted',
    encryptionPolicySettingState: 'compliant',
    advancedBitLockerStates: ['success'],
    fileVaultStates: [],
    policyDetails: [{ policyId: 'p1', policyName: 'BitLocker for all' }],
    ...changes,
  };
}

/** Recorded by look 0, an hour before the bench starts. The state's id says where it belongs. */
export function recorded(order: number, changes: Partial<RecordedEncryptionState> = {}): RecordedEncryptionState {
  const look = changes.look ?? 0;
  return { look, atMs: BENCH_START_MS - 3_600_000, state: sampleState({ id: `${order}/${look}` }), ...changes };
}

export interface BenchOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** By the state's id; how often that state was sent before, and how many were sent at all. Default: all are created. */
  readonly answer?: (stateId: string, before: number, total: number) => Answer;
  /** How long an answer takes, ms. */
  readonly latencyMs?: number;
}

/** One bench, one run. */
export function createStateBench({ settings, answer = () => CREATED, latencyMs = 100 }: BenchOptions = {}) {
  const clock = createVirtualClock(BENCH_START_MS);
  const ledger = createMemoryLedger({ clock });
  const log: string[] = [];
  /** Ids of states that reached the tenant and may have been created or refused there. */
  const arrived: string[] = [];
  const asked: string[] = [];
  const run = sampleRun({ state: 'settling' });
  const parsed = parseSettings({
    TENANT_ID: run.tenantId,
    ROTATION_MODE: 'live',
    RECORD_TO_GRAPH: 'true',
    ...settings,
  });
  const bench = { mode: 'live' as RotationMode };

  async function createEncryptionState(state: EncryptionState): Promise<StateCreation> {
    const said = answer(state.id, asked.filter((id) => id === state.id).length, asked.length);
    asked.push(state.id);
    if (!(said instanceof Error) && said.kind !== 'notSent') arrived.push(state.id);
    await clock.sleep(latencyMs);
    if (said instanceof Error) throw said;
    return said;
  }

  const tenant: Pick<Tenant, 'createEncryptionState'> = { createEncryptionState };
  const deps: Deps = {
    settings: parsed,
    mode: () => bench.mode,
    // Nothing else may be asked of it: any other method is missing.
    tenant: tenant as Tenant,
    ledger,
    queues: createMemoryQueues({ clock }),
    workFiles: createMemoryWorkFiles(),
    reportFiles: createMemoryReportFiles(),
    pacer: { beginRun: async () => undefined, flush: async () => undefined, recentPauses: async () => [] },
    limiter: pLimit(parsed.concurrency),
    isExcluded: () => false,
    clock,
    random: createSeededRandom(1),
    logger: createLogger({ level: 'debug', write: (_level, line) => log.push(line) }),
    timing: DEFAULT_TIMING,
    version: '0.0.0',
  };
  const stop = new AbortController();

  return Object.assign(bench, {
    clock,
    ledger,
    run,
    deps,
    arrived,
    asked,
    stop,
    /** Warnings, parsed. */
    warnings: () =>
      log
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
        .filter(({ level }) => level === 'warn' || level === 40),
    /** Rows of proven rotations, by order, with these states. */
    async put(states: readonly (readonly RecordedEncryptionState[])[]): Promise<readonly Rotation[]> {
      const rows = states.map((encryptionStates, order) =>
        sampleRotation(order, {
          state: 'proven',
          ...(encryptionStates.length === 0 ? {} : { encryptionStates }),
        }),
      );
      await ledger.writePlannedRotations(run.runId, rows);
      return rows;
    },
    async rows(): Promise<readonly Rotation[]> {
      const rows: Rotation[] = [];
      for await (const page of ledger.rotationPages(run.runId)) rows.push(...page);
      return rows;
    },
    /** What came of each state, by its id. */
    async stages(): Promise<Readonly<Record<string, string>>> {
      const entries = (await this.rows()).flatMap((row) =>
        (row.encryptionStates ?? []).map(
          ({ look, creation }) => [`${row.order}/${look}`, creation ?? 'unsent'] as const,
        ),
      );
      return Object.fromEntries(entries);
    },
    /** One delivery: reads all rows, as a look does, and creates what is to be created. */
    async deliver(port: Ledger = ledger): Promise<number | undefined> {
      const rows = (await port.readRotationsAt(run.runId, [...Array(100).keys()])).map(({ value }) => value);
      const options = { priority: 'bulk', deadlineAtMs: clock.nowMs() + 480_000, signal: stop.signal } as const;
      return recordToGraph({ ...deps, ledger: port }, run, rows, options);
    },
  });
}
export type StateBench = ReturnType<typeof createStateBench>;
