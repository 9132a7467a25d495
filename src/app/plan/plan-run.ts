/** Plans a run: list, decide, commit the plan once, write its rows. Restartable at any point. Layer: app. */

import { ON_DEMAND_FLOOR_MS } from '../../domain/due.ts';
import type { EligibilityRules } from '../../domain/eligibility.ts';
import { hasKeyAge, type KeyAges, keyAgeClass, noKeyAges } from '../../domain/key-ages.ts';
import { plannedFromMs, type Run } from '../../domain/run.ts';
import { type RunSettings, runSettings } from '../../domain/run-settings.ts';
import { type Bounds, type Deps, isOver } from '../deps.ts';
import type { RunLease } from '../run-lease.ts';
import {
  type DecisionRules,
  decideFleet,
  type FleetDecision,
  noKnownDevices,
  noteDevice,
  readKnownDevices,
} from './decide-fleet.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { addListedKeys, listDevices } from './list-fleet.ts';
import { planIndexName, planRowsName } from './plan-files.ts';
import { decodePlanRows, encodePlanRows, type PlannedRotation } from './plan-rows.ts';
import { entraIdsOf, readTargetFleet } from './target-fleet.ts';

/** Rows written between two checkpoints. Chosen: few enough that they die young in memory, many enough that checkpoints cost little. */
const ROWS_PER_FILE = 2_000;

/** Targets without a device that the run's row names. Chosen: what a person reads through. */
const UNRESOLVED_SHOWN = 100;
/** The records of more devices than this are picked out of all records, a thousand to a request. Chosen: some seconds of single requests. */
const MANY_RECORDS = 5_000;

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
  readonly keyAges: KeyAges;
  readonly keysListedAtMs: number;
  readonly unresolved: readonly string[];
  /** Absent: an older version planned. */
  readonly settings?: RunSettings;
}

/** True when the run is planned; false when the invocation ended first. @throws {GraphError} @throws {TargetUnreadableError} @throws {LeaseLostError} */
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
    ...(index.settings === undefined ? {} : { settings: index.settings }),
    ...(index.unresolved.length === 0 ? {} : { unresolved: shortened(index.unresolved) }),
  });
  deps.logger.info('run planned', {
    trigger: run.trigger,
    mode: run.mode,
    devices: index.devices,
    due: index.due,
    notDue: index.notDue,
    skipped: index.skipped as Readonly<Record<string, number>>,
    keyAges: index.keyAges,
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
  const keyAges = noKeyAges();
  for (const row of decision.rows()) {
    rows.push(row);
    // As of the same instant as in the run's report.
    if (hasKeyAge(row.skipReason)) keyAges[keyAgeClass(row.keyBeforeAtMs, run.createdAtMs)] += 1;
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
    keyAges,
    keysListedAtMs,
    unresolved,
    settings: runSettings(deps.settings),
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

async function decideWholeFleet(deps: Deps, run: Run, bounds: Bounds): Promise<Decided | undefined> {
  const { settings } = deps;
  const devices = await listDevices(deps, run, bounds, eligibilityRules(deps, run), () => true);
  if (devices === undefined) return undefined;
  const fleet = createFleet(devices);
  const keysListedAtMs = await addListedKeys(deps, run, bounds, fleet);
  if (keysListedAtMs === undefined) return undefined;
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
  const named = await readTargetFleet(deps, run, bounds, eligibilityRules(deps, run));
  if (named === undefined) return undefined;
  const { fleet, keysListedAtMs, unresolved } = named;
  const known = fleet.size > MANY_RECORDS ? await readKnownDevices(deps, bounds, fleet) : noKnownDevices(fleet);
  if (known === undefined) return undefined;
  if (fleet.size <= MANY_RECORDS) {
    for (const stored of (await deps.ledger.readDevices(entraIdsOf(fleet))).values()) noteDevice(known, fleet, stored);
  }
  const rules: DecisionRules = {
    nowMs: deps.clock.nowMs(),
    minKeyAgeMs: ON_DEMAND_FLOOR_MS,
    priority: 'onDemand',
    maxDevices: deps.settings.maxDevices,
    canaryDevices: 0,
    seed: run.seed,
  };
  return { decision: await decideFleet(deps, bounds, fleet, rules, known), fleet, keysListedAtMs, unresolved };
}

function eligibilityRules(deps: Deps, run: Run): EligibilityRules {
  return {
    // The same at every invocation, and not before the run may be planned: days may have passed since it was asked for.
    nowMs: plannedFromMs(run),
    seenWithinMs: deps.settings.seenWithinMs,
    isExcluded: deps.isExcluded,
  };
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
