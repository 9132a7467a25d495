/** A planner on memory storage and a virtual clock, in front of a tenant that lists what it is told to and fails when it is told to. */
import { type Bounds, DEFAULT_TIMING, type Deps } from '../../../src/app/deps.ts';
import { planRun } from '../../../src/app/plan/plan-run.ts';
import { takeLease } from '../../../src/app/run-lease.ts';
import { startFleetRun, startTargetedRun } from '../../../src/app/start-run.ts';
import { parseSettings } from '../../../src/config.ts';
import type { ActionResult } from '../../../src/domain/action-result.ts';
import { createExclusion } from '../../../src/domain/exclusion.ts';
import { GraphError } from '../../../src/domain/graph-error.ts';
import {
  type EntraDeviceId,
  type ManagedDeviceId,
  parseEntraDeviceId,
  parseManagedDeviceId,
  parseRecoveryKeyId,
  parseRunId,
  type RunId,
} from '../../../src/domain/ids.ts';
import type { ManagedDevice } from '../../../src/domain/managed-device.ts';
import type { Logger } from '../../../src/domain/ports.ts';
import type { RecoveryKey, VolumeType } from '../../../src/domain/recovery-key.ts';
import type { Rotation } from '../../../src/domain/rotation.ts';
import type { Run } from '../../../src/domain/run.ts';
import type { WorkFiles } from '../../../src/domain/stored-files.ts';
import type { RotationTarget } from '../../../src/domain/targets.ts';
import type { DeviceNaming, Page, Reading, ScriptRunState, Tenant } from '../../../src/domain/tenant.ts';
import { createSeededRandom } from '../../../src/simulator/seeded-random.ts';
import { createVirtualClock, type VirtualClock } from '../../../src/simulator/virtual-clock.ts';
import { createMemoryLedger, type MemoryLedger } from '../../../src/storage/memory/memory-ledger.ts';
import { createMemoryQueues } from '../../../src/storage/memory/memory-queues.ts';
import { createMemoryReportFiles } from '../../../src/storage/memory/memory-report-files.ts';
import { createMemoryWorkFiles } from '../../../src/storage/memory/memory-work-files.ts';

export const START_MS = Date.UTC(2026, 10, 22, 2);
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const TENANT_ID = '99999999-1111-4222-8333-444455556666';

const guid = (kind: number, n: number) =>
  `${String(kind).padStart(8, '0')}-0000-4000-8000-${String(n).padStart(12, '0')}`;
export const managedId = (n: number): ManagedDeviceId => parseManagedDeviceId(guid(1, n));
export const entraId = (n: number): EntraDeviceId => parseEntraDeviceId(guid(2, n)) as EntraDeviceId;
export const keyId = (n: number) => parseRecoveryKeyId(guid(3, n));

/** A device that can rotate, seen an hour ago. */
export function device(n: number, changes: Partial<ManagedDevice> = {}): ManagedDevice {
  return {
    managedDeviceId: managedId(n),
    entraDeviceId: entraId(n),
    deviceName: `LT-${n}`,
    operatingSystem: 'Windows',
    osVersion: '10.0.22631.4037',
    isEncrypted: true,
    enrollmentType: 'windowsAzureADJoin',
    managementAgent: 'mdm',
    managementState: 'managed',
    lastSyncAtMs: START_MS - HOUR_MS,
    ...changes,
  };
}

/** Key number `n` of device `of`, so many days old. */
export function key(
  n: number,
  of: number,
  ageDays: number,
  volumeType: VolumeType = 'operatingSystemVolume',
): RecoveryKey {
  return { keyId: keyId(n), entraDeviceId: entraId(of), volumeType, createdAtMs: START_MS - ageDays * DAY_MS };
}

/** What the tenant holds, and how it answers. Change it at any time. */
export interface Holdings {
  devices: readonly ManagedDevice[];
  keys: readonly RecoveryKey[];
  actions: ReadonlyMap<ManagedDeviceId, Reading<readonly ActionResult[]>>;
  /** Which records have that serial number or user; device names are the records' own. */
  names: Readonly<Record<'serialNumber' | 'userPrincipalName', ReadonlyMap<string, readonly ManagedDeviceId[]>>>;
  comanaged: ReadonlySet<ManagedDeviceId>;
  /** Run states by kind and id of the script: `deviceHealthScript/script-1`. */
  scripts: ReadonlyMap<string, readonly ScriptRunState[]>;
  pageSize: number;
  /** Called before each page is answered; `from` is the index of its first item. May throw, or advance time. */
  beforePage: (listing: string, from: number) => void | Promise<void>;
  /** Called before each batch is answered, with what is read: `managed`, `deviceHealthScript/script-1`. May throw. */
  beforeBatch: (what: string) => void;
  /** Ids, names and run state ids that Graph answers with that status. */
  unreadable: ReadonlySet<string>;
  unreadableStatus: number;
}

export interface Planning {
  readonly clock: VirtualClock;
  readonly ledger: MemoryLedger;
  readonly workFiles: WorkFiles;
  readonly tenant: Holdings;
  /** Listing and first index of every page answered. */
  readonly pagesRead: string[];
  /** What was read in batches: which kind, and how many ids. */
  readonly batchesRead: string[];
  /** Ids whose actions were asked for, call by call. */
  readonly looked: (readonly ManagedDeviceId[])[];
  /** The deps of one process; ports can be replaced. */
  deps(changes?: Partial<Deps>): Deps;
  startFleet(deps: Deps, mode?: Run['mode']): Promise<Run>;
  startTargets(deps: Deps, targets: readonly RotationTarget[]): Promise<Run>;
  /** Plans until done or over: one invocation. */
  plan(deps: Deps, runId: RunId, bounds?: Partial<Bounds>): Promise<boolean>;
  run(runId: RunId): Promise<Run>;
  rows(runId: RunId): Promise<readonly Rotation[]>;
}

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};

export function createPlanning(
  holdings: Partial<Holdings> = {},
  settings: Readonly<Record<string, string>> = {},
): Planning {
  const clock = createVirtualClock(START_MS);
  const ledger = createMemoryLedger({ clock });
  const workFiles = createMemoryWorkFiles();
  const reportFiles = createMemoryReportFiles();
  const random = createSeededRandom(5);
  const pagesRead: string[] = [];
  const batchesRead: string[] = [];
  const looked: (readonly ManagedDeviceId[])[] = [];
  const tenant: Holdings = {
    devices: [],
    keys: [],
    actions: new Map(),
    names: { serialNumber: new Map(), userPrincipalName: new Map() },
    comanaged: new Set(),
    scripts: new Map(),
    pageSize: 1_000,
    beforePage: () => undefined,
    beforeBatch: () => undefined,
    unreadable: new Set(),
    unreadableStatus: 503,
    ...holdings,
  };

  async function* pages<T>(
    listing: string,
    items: () => readonly T[],
    from: string | undefined,
  ): AsyncGenerator<Page<T>> {
    for (let at = from === undefined ? 0 : Number(from.split(':').at(-1)); ; at += tenant.pageSize) {
      await tenant.beforePage(listing, at);
      pagesRead.push(`${listing} ${at}`);
      const page = items().slice(at, at + tenant.pageSize);
      const isLast = at + tenant.pageSize >= items().length;
      yield isLast ? { items: page } : { items: page, next: `${listing}:${at + tenant.pageSize}` };
      if (isLast) return;
    }
  }

  function answers<Id extends string, T>(
    what: string,
    ids: readonly Id[],
    read: (id: Id) => T | undefined,
  ): Map<Id, Reading<T>> {
    batchesRead.push(`${what} ${ids.length}`);
    tenant.beforeBatch(what);
    return new Map(
      ids.map((id): [Id, Reading<T>] => {
        if (tenant.unreadable.has(id)) return [id, { kind: 'unreadable', status: tenant.unreadableStatus }];
        const value = read(id);
        return [id, value === undefined ? { kind: 'gone' } : { kind: 'found', value }];
      }),
    );
  }

  const notAsked = () => {
    throw new Error('planning does not ask for that');
  };
  const deviceOf = (id: ManagedDeviceId) => tenant.devices.find((one) => one.managedDeviceId === id);
  const named = (by: DeviceNaming, value: string) =>
    by === 'deviceName'
      ? tenant.devices.filter((one) => one.deviceName === value)
      : (tenant.names[by].get(value) ?? []).flatMap((id) => deviceOf(id) ?? []);
  const port: Tenant = {
    managedDevicePages: (from) => pages('devices', () => tenant.devices, from),
    recoveryKeyPages: (from) => pages('keys', () => tenant.keys, from),
    managedDevices: async (ids) => answers('managed', ids, deviceOf),
    managedDevicesOf: async (ids) =>
      answers('entra', ids, (id) => tenant.devices.filter((one) => one.entraDeviceId === id)),
    comanagedDevices: async (ids) =>
      answers('comanaged', ids, (id) => (tenant.comanaged.has(id) ? deviceOf(id) : undefined)),
    devicesNamed: async (by, values) => answers(by, values, (value) => named(by, value)),
    runStates: async (kind, scriptId, ids) =>
      answers(`${kind}/${scriptId}`, ids, (id) =>
        tenant.scripts.get(`${kind}/${scriptId}`)?.find((state) => state.runStateId === id),
      ),
    async *runStatePages(kind, scriptId, from) {
      const script = `${kind}/${scriptId}`;
      if (!tenant.scripts.has(script)) throw new GraphError('notFound', 'no such script', { status: 404 });
      yield* pages(script, () => tenant.scripts.get(script) ?? [], from);
    },
    recoveryKeys: async (ids) => answers('keys', ids, (id) => tenant.keys.filter((one) => one.entraDeviceId === id)),
    async actionResults(ids) {
      looked.push(ids);
      return new Map(ids.map((id) => [id, tenant.actions.get(id) ?? { kind: 'found', value: [] }]));
    },
    encryptionStates: notAsked,
    requestRotation: notAsked,
    createEncryptionState: notAsked,
    clockAheadMs: () => undefined,
    grantedRoles: notAsked,
  };

  return {
    clock,
    ledger,
    workFiles,
    tenant,
    pagesRead,
    batchesRead,
    looked,
    deps(changes = {}) {
      const parsed = parseSettings({ TENANT_ID, ROTATION_MODE: 'live', ...settings });
      return {
        settings: parsed,
        mode: () => parsed.mode,
        tenant: port,
        ledger,
        queues: createMemoryQueues({ clock }),
        workFiles,
        reportFiles,
        pacer: { beginRun: async () => undefined, flush: async () => undefined, recentPauses: async () => [] },
        limiter: (work) => work(),
        isExcluded: createExclusion(parsed.exclude),
        clock,
        random,
        logger: SILENT,
        timing: DEFAULT_TIMING,
        version: '0.0.0',
        ...changes,
      };
    },
    startFleet: async (deps, mode = 'live') => (await startFleetRun(deps, { trigger: 'schedule', mode })).run,
    startTargets: async (deps, targets) =>
      (await startTargetedRun(deps, { runId: parseRunId('request-1'), trigger: 'onDemand', mode: 'live', targets }))
        .run,
    async plan(deps, runId, bounds = {}) {
      const answer = await takeLease(deps, runId);
      if (answer.kind !== 'leased') throw new Error(`the lease is not free: ${answer.kind}`);
      const whole = { deadlineAtMs: clock.nowMs() + 8 * 60_000, signal: new AbortController().signal, ...bounds };
      try {
        return await planRun(deps, answer.lease, whole);
      } finally {
        await answer.lease.release({}).catch(() => undefined);
      }
    },
    async run(runId) {
      const found = await ledger.readRun(runId);
      if (found === undefined) throw new Error(`there is no run ${runId}`);
      return found.value;
    },
    async rows(runId) {
      const rows: Rotation[] = [];
      for await (const page of ledger.rotationPages(runId)) rows.push(...page);
      return rows;
    },
  };
}

/** The whole of it, in one process without disturbance. */
export async function planFleet(world: Planning, mode: Run['mode'] = 'live') {
  const deps = world.deps();
  return world.clock.run(async () => {
    const { runId } = await world.startFleet(deps, mode);
    await world.plan(deps, runId);
    return { run: await world.run(runId), rows: await world.rows(runId) };
  });
}

/** A run over the targets, planned in one process without disturbance. */
export async function planTargets(world: Planning, targets: readonly RotationTarget[]) {
  const deps = world.deps();
  return world.clock.run(async () => {
    const { runId } = await world.startTargets(deps, targets);
    await world.plan(deps, runId);
    return { run: await world.run(runId), rows: await world.rows(runId) };
  });
}
