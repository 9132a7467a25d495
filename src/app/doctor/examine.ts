/** The doctor: looks at everything it can, goes on after a failure, and changes nothing that stays. Layer: app. */
import { GraphError } from '../../domain/graph-error.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { GraphReach, StorageFindings } from '../../domain/probes.ts';
import { CHECK_NAMES, type Check, type CheckName, type Diagnosis, isUsable, obstacleAmong, skipped } from './check.ts';
import { checkEligibility, checkKeys, eligibilityOf } from './check-fleet.ts';
import { checkReach, readKeys, readLists, readOneDevice, readScripts } from './check-graph.ts';
import { checkLastRun, checkPoison, checkQuarantine } from './check-runs.ts';
import { checkSettings } from './check-settings.ts';
import { checkStorage } from './check-storage.ts';
import { checkToken, type TokenFinding } from './check-token.ts';
import type { DoctorDeps } from './doctor-deps.ts';

/** Chosen: three tries of a refused connection, or a slow first token for storage; a host that never answers costs no more than this. */
const STORAGE_PATIENCE_MS = 6_000;
/** Chosen: one request without a token is answered within a second, anywhere. */
const REACH_TIMEOUT_MS = 5_000;
/** Chosen: `az` takes some seconds to answer on a slow laptop. */
const TOKEN_PATIENCE_MS = 10_000;
/** Chosen: Intune may take ten seconds over a page of 1,000 devices; that it can be reached is known by then. */
const READ_PATIENCE_MS = 30_000;
/** Keys are looked up for this many devices. Chosen: one batch. */
const KEY_SAMPLE = 20;

/** Why nothing was asked of Graph, if so. */
const GRAPH_READS: readonly CheckName[] = [
  'managedDevices',
  'recoveryKeys',
  'actionResults',
  'encryptionStates',
  'eligibility',
  'keys',
];

/** Every check, in the order of `CHECK_NAMES`. @throws the signal's reason. */
export async function examine(deps: DoctorDeps, signal: AbortSignal): Promise<Diagnosis> {
  const { storage, graph } = deps;
  const [found, reach, token] = await Promise.all([
    storage?.probe.examine(STORAGE_PATIENCE_MS, signal),
    graph?.probe.reach(REACH_TIMEOUT_MS, signal),
    askForToken(deps, signal),
  ]);
  const checks: Check[] = [
    ...checkSettings(deps),
    ...checkStorage(found),
    ...checkReach(reach, graph?.probe.host ?? ''),
    ...checkToken(token, deps.needed),
  ];
  checks.push(
    ...(await readGraph(deps, checks, reach, token, signal)),
    skipped('rotation', {
      why: 'a rotation cannot be tried without rotating; the canaries of the first live run show whether devices obey',
    }),
    ...(await readLedger(deps, checks, found)),
  );
  const order = new Map(CHECK_NAMES.map((name, i) => [name, i]));
  checks.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  return { checks, ok: checks.every(({ status }) => status !== 'fail') };
}

function options(deps: DoctorDeps, patienceMs: number, signal: AbortSignal): CallOptions {
  return { priority: 'onDemand', deadlineAtMs: deps.clock.nowMs() + patienceMs, signal };
}

async function askForToken(deps: DoctorDeps, signal: AbortSignal): Promise<TokenFinding> {
  if (deps.graph === undefined) return undefined;
  try {
    const facts = await deps.graph.probe.token(options(deps, TOKEN_PATIENCE_MS, signal));
    return facts === undefined ? { kind: 'opaque' } : { kind: 'read', facts };
  } catch (error) {
    if (error instanceof GraphError) return { kind: 'none', error };
    throw error;
  }
}

/** The endpoints, and the fleet as far as they showed it. */
async function readGraph(
  deps: DoctorDeps,
  before: readonly Check[],
  reach: GraphReach | undefined,
  token: TokenFinding,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { graph, settings, clock } = deps;
  if (graph === undefined || settings === undefined) return notRead(deps, 'settings');
  if (reach?.kind !== 'reached') return notRead(deps, 'graph');
  if (token === undefined || token.kind === 'none') return notRead(deps, 'token');

  // Without storage there is no budget to share, and a handful of reads harms nobody.
  const hasBudget = obstacleAmong(before, ['tableAccess', 'tables']) === undefined;
  const tenant = graph.tenant(hasBudget ? 'shared' : 'own');
  const call = options(deps, READ_PATIENCE_MS, signal);
  const [lists, scripts] = await Promise.all([
    readLists(tenant, call),
    deps.hasScriptTargets ? readScripts(tenant, call) : undefined,
  ]);
  const checks: Check[] = [...lists.checks, ...(scripts === undefined ? [] : [scripts])];
  const { fleet } = lists;
  if (fleet === undefined) {
    checks.push(...(await readOneDevice(tenant, undefined, 'managedDevices', call)));
    return [...checks, skipped('eligibility', 'managedDevices'), skipped('keys', 'managedDevices')];
  }
  const eligibility = eligibilityOf(fleet, settings, deps.isExcluded, clock.nowMs());
  const sample: readonly ManagedDevice[] = eligibility.eligible.slice(0, KEY_SAMPLE);
  const [one, keys] = await Promise.all([
    readOneDevice(tenant, sample[0] ?? fleet.devices[0], 'eligibility', call),
    sample.length === 0 || !isUsable(checks, 'recoveryKeys') ? undefined : readKeys(tenant, sample, call),
  ]);
  checks.push(...one, checkEligibility(fleet, eligibility));
  if (keys === undefined) checks.push(skipped('keys', sample.length === 0 ? 'eligibility' : 'recoveryKeys'));
  else checks.push('status' in keys ? keys : checkKeys(keys, settings, clock.nowMs(), eligibility.eligible.length));
  return checks;
}

function notRead(deps: DoctorDeps, because: CheckName): readonly Check[] {
  const names: readonly CheckName[] = deps.hasScriptTargets ? [...GRAPH_READS, 'scriptRunStates'] : GRAPH_READS;
  return names.map((name) => skipped(name, because));
}

/** What tables and queues tell about the past. */
async function readLedger(
  deps: DoctorDeps,
  before: readonly Check[],
  found: StorageFindings | undefined,
): Promise<readonly Check[]> {
  const { storage, settings, clock } = deps;
  const queuesWhy = found === undefined ? 'settings' : obstacleAmong(before, ['queueAccess', 'queues']);
  const poison =
    found === undefined || queuesWhy !== undefined
      ? skipped('poison', queuesWhy ?? 'settings')
      : checkPoison(found.depths);
  const ledger = storage?.ledger;
  const why = ledger === undefined ? 'settings' : obstacleAmong(before, ['tableAccess', 'tables']);
  if (ledger === undefined || settings === undefined || why !== undefined) {
    return [skipped('lastRun', why ?? 'settings'), poison, skipped('quarantine', why ?? 'settings')];
  }
  return [
    await checkLastRun(ledger, settings, deps.schedule(settings), clock.nowMs()),
    poison,
    await checkQuarantine(ledger),
  ];
}
