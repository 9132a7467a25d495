/** The devices a targeted run names, with their keys, as the fleet of that run. Layer: app. */
import type { EligibilityRules } from '../../domain/eligibility.ts';
import type { EntraDeviceId } from '../../domain/ids.ts';
import type { RecoveryKey } from '../../domain/recovery-key.ts';
import type { Run } from '../../domain/run.ts';
import { type Bounds, callOptions, type Deps } from '../deps.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { encodeKeys } from './key-records.ts';
import { addListedKeys } from './list-fleet.ts';
import { putOff, type Refusal, refusalOf, refusalOfStatus, TARGET_RETRY_MS } from './refusal.ts';
import { type ResolvedTargets, resolveTargets } from './resolve-targets.ts';

/** More ids or devices than this are picked out of a listing, which needs less of the quota than asking for each, and survives a crash. */
const MANY_TARGETS = 500;
/** What is said of a device whose keys nobody can tell; the status follows. */
const KEYS_UNREADABLE = 'its recovery keys cannot be listed';

/** The devices of a targeted run, ready to be decided. */
export interface TargetFleet {
  readonly fleet: Fleet;
  /** What there is to say of targets that named no device, or not all they should. */
  readonly unresolved: readonly string[];
  readonly keysListedAtMs: number;
}

/** `undefined`: the invocation ended first; call again to go on. @throws {GraphError} @throws {TargetUnreadableError} */
export async function readTargetFleet(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  rules: EligibilityRules,
): Promise<TargetFleet | undefined> {
  const resolved = await resolveTargets(deps, run, bounds, rules, MANY_TARGETS);
  if (resolved === undefined) return undefined;
  const fleet = createFleet(resolved.chunks);
  if (fleet.size <= MANY_TARGETS) return withReadKeys(deps, run, bounds, resolved, fleet);
  return withListedKeys(deps, run, bounds, resolved, fleet);
}

/** Without its keys nobody can tell what would prove a rotation: a device whose keys cannot be listed is left out. */
async function withReadKeys(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  { chunks, unresolved }: ResolvedTargets,
  fleet: Fleet,
): Promise<TargetFleet> {
  const startedAtMs = deps.clock.nowMs();
  const ids = [...new Set(entraIdsOf(fleet))];
  const { keys, refusals } = await readKeys(deps, bounds, ids);
  if (ids.length > 0 && keys.length === 0) await putOff(deps, run, [...refusals.values()]);
  const asked = refusals.size === 0 ? fleet : createFleet(chunks, new Set(refusals.keys()));
  for (const some of keys) asked.addKeys({ header: { count: some.length, startedAtMs }, body: encodeKeys(some) });
  const unlisted = [...refusals].map(([id, { refused }]) => `entraDeviceId ${id}: ${refused}`);
  return { fleet: asked, unresolved: [...unresolved, ...unlisted], keysListedAtMs: startedAtMs };
}

/** One device's keys hold nobody else up. @throws {GraphError} kind `unavailable`, `throttled`, `unauthorized`: they concern every device. */
async function readKeys(deps: Deps, bounds: Bounds, ids: readonly EntraDeviceId[]) {
  const keys: (readonly RecoveryKey[])[] = [];
  const refusals = new Map<EntraDeviceId, Refusal>();
  if (ids.length === 0) return { keys, refusals };
  const options = { ...callOptions(bounds, 'onDemand'), ...(ids.length === 1 ? {} : { retryForMs: TARGET_RETRY_MS }) };
  try {
    for (const [id, reading] of await deps.tenant.recoveryKeys(ids, options)) {
      if (reading.kind === 'unreadable') refusals.set(id, refusalOfStatus(KEYS_UNREADABLE, reading.status));
      else keys.push(reading.kind === 'found' ? reading.value : []);
    }
  } catch (error) {
    const refusal = refusalOf(deps, KEYS_UNREADABLE, error);
    if (refusal.mayPass?.isOutage === true) throw error;
    for (const id of ids) refusals.set(id, refusal);
  }
  return { keys, refusals };
}

/** As `withReadKeys`: a listing that Graph refuses leaves every device out. An outage is thrown: the listing goes on where it stopped. */
async function withListedKeys(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  { unresolved }: ResolvedTargets,
  fleet: Fleet,
): Promise<TargetFleet | undefined> {
  try {
    const keysListedAtMs = await addListedKeys(deps, run, bounds, fleet);
    return keysListedAtMs === undefined ? undefined : { fleet, unresolved, keysListedAtMs };
  } catch (error) {
    const refusal = refusalOf(deps, KEYS_UNREADABLE, error);
    if (refusal.mayPass?.isOutage === true) throw error;
    await putOff(deps, run, [refusal]);
    const words = `all ${fleet.size} devices: ${refusal.refused}`;
    return { fleet: createFleet([]), unresolved: [words, ...unresolved], keysListedAtMs: deps.clock.nowMs() };
  }
}

/** The Entra device ids of the fleet, each as often as it has records. */
export function entraIdsOf(fleet: Fleet): readonly EntraDeviceId[] {
  return Array.from({ length: fleet.size }, (_, device) => fleet.entraDeviceId(device)).filter(
    (id) => id !== undefined,
  );
}
