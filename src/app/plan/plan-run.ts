/** Plans a run: list, decide, commit the plan once, write its rows. Restartable at any point. Layer: app. */

import { ON_DEMAND_FLOOR_MS } from '../../domain/due.ts';
import type { EligibilityRules } from '../../domain/eligibility.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { Run } from '../../domain/run.ts';
import { type Bounds, callOptions, type Deps, isOver } from '../deps.ts';
import type { RunLease } from '../run-lease.ts';
import { decodeChunk } from './chunk-file.ts';
import {
  type DecisionRules,
  decideFleet,
  type FleetDecision,
  noKnownDevices,
  noteDevice,
  readKnownDevices,
} from './decide-fleet.ts';
import { encodeDevices } from './device-records.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { encodeKeys } from './key-records.ts';
import { listingPrefix, planIndexName, planRowsName } from './plan-files.ts';
import { decodePlanRows, encodePlanRows, type PlannedRotation } from './plan-rows.ts';
import { readListing } from './read-listing.ts';
import { createTargetFilter, missingTargets, readTargets } from './read-targets.ts';

/** Rows written between two checkpoints. Chosen: few enough that they die young in memory, many enough that checkpoints cost little. */
const ROWS_PER_FILE = 2_000;

/** Targets without a device that the run's row names. Chosen: what a person reads through. */
const UNRESOLVED_SHOWN = 100;
/** More targets than this are picked out of a listing, which needs less of the quota than asking for each, and survives a crash. */
const MANY_TARGETS = 500;
/** Hand-backs after which a target that still cannot be read is given up. Chosen: an hour of them. */
const TARGET_TRIES = 12;

/** What `plan.json` says; the first one created is the run's plan. */
interface PlanIndex {
  readonly planId: string;
  readonly files: number;
  /** Rows in each file but the last. */
  readonly rowsPerFile: number;
  readonly devices: number;
  readonly due: number;
  readonly notDue: number;
  readonly canaries: number;
  readonly skipped: Run['skipped'];
  readonly keysListedAtMs: number;
  readonly unresolved: readonly string[];
}

/** True when the run is planned; false when the invocation ended first. @throws {GraphError} @throws {LeaseLostError} */
export async function planRun(deps: Deps, lease: RunLease, bounds: Bounds): Promise<boolean> {
  const run = lease.run();
  const index = (await readPlanIndex(deps, run)) ?? (await commitPlan(deps, lease, bounds));
  if (index === undefined) return false;
  if (!(await writeRows(deps, lease, bounds, index))) return false;
  const nothingToSend = run.mode === 'dryRun' || index.due === 0;
  await lease.update({
    planId: index.planId,
    state: nothingToSend ? 'settling' : 'rotating',
    devices: index.devices,
    due: index.due,
    notDue: index.notDue,
    skipped: index.skipped,
    canaries: index.canaries,
    canaryPassed: run.canaryPassed || index.canaries === 0,
    keysListedAtMs: index.keysListedAtMs,
    ...(index.unresolved.length === 0 ? {} : { unresolved: shortened(index.unresolved) }),
  });
  deps.logger.info('run planned', {
    devices: index.devices,
    due: index.due,
    notDue: index.notDue,
    skipped: index.skipped as Readonly<Record<string, number>>,
  });
  return true;
}

/** A row of the ledger holds 1 MiB. */
function shortened(unresolved: readonly string[]): readonly string[] {
  const more = unresolved.length - UNRESOLVED_SHOWN;
  return more <= 0 ? unresolved : [...unresolved.slice(0, UNRESOLVED_SHOWN), `and ${more} more`];
}

async function readPlanIndex(deps: Deps, run: Run): Promise<PlanIndex | undefined> {
  const bytes = await deps.workFiles.get(planIndexName(run.tenantId, run.runId));
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as PlanIndex);
}

/** Lists, decides and commits. `undefined`: the invocation ended first. */
async function commitPlan(deps: Deps, lease: RunLease, bounds: Bounds): Promise<PlanIndex | undefined> {
  const run = lease.run();
  const decided =
    run.targets === undefined ? await decideWholeFleet(deps, run, bounds) : await decideTargets(deps, run, bounds);
  if (decided === undefined) return undefined;
  const { decision, fleet, keysListedAtMs, unresolved } = decided;
  const planId = deps.random.guid();
  let files = 0;
  let rows: PlannedRotation[] = [];
  const save = async () => {
    await deps.workFiles.put(planRowsName(run.tenantId, run.runId, planId, files), encodePlanRows(rows));
    files += 1;
    rows = [];
  };
  for (const row of decision.rows()) {
    rows.push(row);
    if (rows.length === ROWS_PER_FILE) await save();
  }
  if (rows.length > 0) await save();
  const { due, notDue, canaries, skipped } = decision;
  const index: PlanIndex = {
    planId,
    files,
    rowsPerFile: ROWS_PER_FILE,
    devices: fleet.size,
    due,
    notDue,
    canaries,
    skipped,
    keysListedAtMs,
    unresolved,
  };
  // Whoever lost the lease while it decided must not commit a plan for a run that may be over by now.
  await lease.update({});
  const isOurs = await deps.workFiles.create(
    planIndexName(run.tenantId, run.runId),
    Buffer.from(JSON.stringify(index), 'utf8'),
  );
  return isOurs ? index : readPlanIndex(deps, run);
}

interface Decided {
  readonly decision: FleetDecision;
  readonly fleet: Fleet;
  readonly keysListedAtMs: number;
  readonly unresolved: readonly string[];
}

/** Lists devices and keys, a chunk at a time. `undefined`: the invocation ended first. */
async function listFleet(deps: Deps, run: Run, bounds: Bounds, isWanted: (device: ManagedDevice) => boolean) {
  const { tenant } = deps;
  const options = callOptions(bounds, run.targets === undefined ? 'bulk' : 'onDemand');
  const eligibility = eligibilityRules(deps, run);
  const devicesPrefix = listingPrefix(run.tenantId, run.runId, 'devices');
  const devices = await readListing(deps, bounds, {
    prefix: devicesPrefix,
    pages: (from) => tenant.managedDevicePages(from, options),
    encode: (items) => encodeDevices(items.filter(isWanted), eligibility),
  });
  if (devices.kind === 'over') return undefined;
  const keysPrefix = listingPrefix(run.tenantId, run.runId, 'keys');
  const keys = await readListing(deps, bounds, {
    prefix: keysPrefix,
    pages: (from) => tenant.recoveryKeyPages(from, options),
    encode: encodeKeys,
  });
  if (keys.kind === 'over') return undefined;

  const fleet = createFleet(await readChunks(deps, devicesPrefix));
  for (const name of await deps.workFiles.list(keysPrefix)) fleet.addKeys(await readChunk(deps, name));
  return { fleet, keysListedAtMs: keys.startedAtMs };
}

async function decideWholeFleet(deps: Deps, run: Run, bounds: Bounds): Promise<Decided | undefined> {
  const { settings } = deps;
  const listed = await listFleet(deps, run, bounds, () => true);
  if (listed === undefined) return undefined;
  const { fleet, keysListedAtMs } = listed;
  const known = await readKnownDevices(deps, bounds, fleet);
  if (known === undefined) return undefined;
  const rules: DecisionRules = {
    nowMs: deps.clock.nowMs(),
    minKeyAgeMs: settings.minKeyAgeMs,
    maxKeyAgeMs: settings.maxKeyAgeMs,
    priority: 'bulk',
    maxDevices: settings.maxDevices,
    canaryDevices: settings.canaryDevices,
    seed: run.seed,
  };
  return {
    decision: await decideFleet(deps, bounds, fleet, rules, known),
    fleet,
    keysListedAtMs,
    unresolved: [],
  };
}

async function decideTargets(deps: Deps, run: Run, bounds: Bounds): Promise<Decided | undefined> {
  const nowMs = deps.clock.nowMs();
  const named = await readNamed(deps, run, bounds);
  if (named === undefined) return undefined;
  const { fleet, unresolved } = named;
  const ids = Array.from({ length: fleet.size }, (_, device) => fleet.entraDeviceId(device)).filter(
    (id) => id !== undefined,
  );
  const known = noKnownDevices(fleet);
  for (const stored of (await deps.ledger.readDevices(ids)).values()) noteDevice(known, fleet, stored);
  const rules: DecisionRules = {
    nowMs,
    minKeyAgeMs: ON_DEMAND_FLOOR_MS,
    priority: 'onDemand',
    maxDevices: deps.settings.maxDevices,
    canaryDevices: 0,
    seed: run.seed,
  };
  return { decision: await decideFleet(deps, bounds, fleet, rules, known), fleet, keysListedAtMs: nowMs, unresolved };
}

async function readNamed(deps: Deps, run: Run, bounds: Bounds) {
  const targets = run.targets ?? [];
  if (targets.length > MANY_TARGETS) {
    const listed = await listFleet(deps, run, bounds, createTargetFilter(targets));
    return listed && { fleet: listed.fleet, unresolved: missingTargets(targets, listed.fleet) };
  }
  const isLastTry = run.checkpoint >= TARGET_TRIES;
  return readTargets(deps, targets, eligibilityRules(deps, run), callOptions(bounds, 'onDemand'), isLastTry);
}

function eligibilityRules(deps: Deps, run: Run): EligibilityRules {
  return {
    nowMs: run.createdAtMs,
    seenWithinMs: deps.settings.seenWithinMs,
    isExcluded: deps.isExcluded,
  };
}

async function readChunks(deps: Deps, prefix: string) {
  const chunks = [];
  for (const name of await deps.workFiles.list(prefix)) chunks.push(await readChunk(deps, name));
  return chunks;
}

async function readChunk(deps: Deps, name: string) {
  const bytes = await deps.workFiles.get(name);
  if (bytes === undefined) throw new Error(`planning chunk ${name} vanished while it was being read`);
  return decodeChunk(bytes);
}

/** Writes the ledger's rows from the committed plan; the same rows however often. False: the invocation ended first. */
async function writeRows(deps: Deps, lease: RunLease, bounds: Bounds, index: PlanIndex): Promise<boolean> {
  const run = lease.run();
  for (let part = Math.floor(run.rowsWritten / index.rowsPerFile); part < index.files; part++) {
    if (isOver(deps, bounds)) return false;
    const name = planRowsName(run.tenantId, run.runId, index.planId, part);
    const bytes = await deps.workFiles.get(name);
    if (bytes === undefined) throw new Error(`plan file ${name} vanished while its rows were being written`);
    await deps.ledger.writePlannedRotations(run.runId, decodePlanRows(bytes, part * index.rowsPerFile));
    await lease.update({ rowsWritten: Math.min(index.devices, (part + 1) * index.rowsPerFile) });
  }
  return true;
}
