/** Resolves a run's targets to device records. Restartable: what is read is kept in chunks. Layer: app. */
import type { EligibilityRules } from '../../domain/eligibility.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { Run } from '../../domain/run.ts';
import {
  aimOf,
  describeTarget,
  isAskable,
  type RotationTarget,
  type TargetAim,
  targetKey,
} from '../../domain/targets.ts';
import type { Page } from '../../domain/tenant.ts';
import { type Bounds, callOptions, type Deps } from '../deps.ts';
import type { Chunk } from './chunk-file.ts';
import { encodeRoutedDevices, type RoutedDevice } from './device-records.ts';
import { createFleet } from './fleet.ts';
import { listFailing } from './list-failing.ts';
import { listDevices, readChunks } from './list-fleet.ts';
import { createListedIds, type IdAim, isIdAim, type ListedIds } from './listed-ids.ts';
import { listingPrefix } from './plan-files.ts';
import { readListing } from './read-listing.ts';
import { readTargets } from './read-targets.ts';
import { putOff, type Refusal, refusalOf, TARGET_RETRY_MS } from './refusal.ts';
import { type Resolution, UNREADABLE } from './resolve-target.ts';

/** Targets read between two looks at the clock. Chosen: ten batches of twenty. */
const TARGETS_AT_ONCE = 200;

/** Every target is accounted for: by records, by words, or by both. */
export interface ResolvedTargets {
  /** Device records, in the order of the targets: a device that is named twice counts as it was named first. */
  readonly chunks: readonly Chunk[];
  /** What there is to say of targets that named no device, or not all they should, in that order. */
  readonly unresolved: readonly string[];
}

interface NumberedTarget {
  /** Place among the targets, each of which counts once. */
  readonly number: number;
  readonly target: RotationTarget;
  readonly aim: TargetAim;
}

/** How targets are resolved: named in a long list of ids, by a script that fails, or each by itself. */
interface SortedTargets {
  readonly all: readonly NumberedTarget[];
  readonly listed: ReadonlySet<NumberedTarget>;
  readonly failing: ReadonlySet<NumberedTarget>;
}

/**
 * More than `manyIds` ids are picked out of a listing of all devices, which needs less of the quota than asking for each.
 * What cannot be read is refused in words, so that it holds up nobody else; only while no target is read to its end it is waited for.
 * `undefined`: the invocation ended first; call again to go on. @throws {GraphError} @throws {TargetUnreadableError}
 */
export async function resolveTargets(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  rules: EligibilityRules,
  manyIds: number,
): Promise<ResolvedTargets | undefined> {
  const sorted = sort(run.targets ?? [], manyIds);
  const resolutions = await readEach(deps, run, bounds, sorted);
  if (resolutions === undefined) return undefined;
  const ids = createListedIds([...sorted.listed].map(({ aim }) => aim).filter(isIdAim));
  const listed = sorted.listed.size === 0 ? [] : await listWanted(deps, run, bounds, rules, ids);
  if (listed === undefined) return undefined;
  const whyMissing = 'refused' in listed ? () => listed : missingFrom(ids, listed);

  const records = createRecords(rules);
  const refusals: Refusal[] = [];
  // Devices that were named and would have to wait for what is not read.
  let isSomeoneReady = false;
  const tell = (target: RotationTarget, refusal: Refusal | undefined) => {
    if (refusal !== undefined) refusals.push({ ...refusal, refused: `${describeTarget(target)}: ${refusal.refused}` });
  };
  for (const one of sorted.all) {
    const { number, target, aim } = one;
    const resolution = resolutions.get(number);
    if (resolution !== undefined) {
      if ('devices' in resolution) {
        records.add(resolution.devices);
        isSomeoneReady = true;
      } else tell(target, resolution);
    } else if (aim.at === 'failing') {
      const options = { ...callOptions(bounds, 'onDemand'), ...patience(sorted.all, TARGET_RETRY_MS) };
      const failing = await listFailing(deps, run, bounds, rules, { number, ...aim }, options);
      if (failing === undefined) return undefined;
      records.addChunks(failing.chunks);
      tell(target, failing.refusal);
      if (failing.refusal?.mayPass === undefined) isSomeoneReady ||= failing.chunks.some(hasRecords);
    } else if (isIdAim(aim)) {
      // A long list of ids stands where its first one does.
      if (!('refused' in listed)) records.addChunks(listed);
      const missing = whyMissing(aim);
      tell(target, missing);
      isSomeoneReady ||= missing === undefined;
    }
  }
  if (!isSomeoneReady) await putOff(deps, run, refusals);
  return { chunks: records.chunks(), unresolved: refusals.map(({ refused }) => refused) };
}

function hasRecords({ header }: Chunk): boolean {
  return header.count > 0;
}

/** A target that stands alone holds nobody up: faults are asked about for as long as a call may. */
function patience(all: readonly NumberedTarget[], retryForMs: number): Pick<CallOptions, 'retryForMs'> {
  return all.length === 1 ? {} : { retryForMs };
}

/** An outage is thrown: a listing of all devices goes on where it stopped. */
async function listWanted(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  rules: EligibilityRules,
  { isWanted }: ListedIds,
): Promise<readonly Chunk[] | Refusal | undefined> {
  try {
    return await listDevices(deps, run, bounds, rules, isWanted);
  } catch (error) {
    const refusal = refusalOf(deps, UNREADABLE, error);
    if (refusal.mayPass?.isOutage === true) throw error;
    return refusal;
  }
}

function missingFrom(ids: ListedIds, listed: readonly Chunk[]): (aim: IdAim) => Refusal | undefined {
  const whyMissing = ids.whyMissing(createFleet(listed));
  return (aim) => {
    const refused = whyMissing(aim);
    return refused === undefined ? undefined : { refused };
  };
}

function sort(targets: readonly RotationTarget[], manyIds: number): SortedTargets {
  const unique = new Map<string, RotationTarget>();
  for (const target of targets) {
    const key = targetKey(target);
    if (!unique.has(key)) unique.set(key, target);
  }
  const all = [...unique.values()].map((target, number) => ({ number, target, aim: aimOf(target) }));
  const byId = all.filter(({ aim }) => isIdAim(aim));
  return {
    all,
    listed: new Set(byId.length > manyIds ? byId : []),
    failing: new Set(all.filter(({ target, aim }) => aim.at === 'failing' && isAskable(target))),
  };
}

/** The resolutions of the targets that are read by themselves, by number. `undefined`: the invocation ended first. */
async function readEach(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  { all, listed, failing }: SortedTargets,
): Promise<ReadonlyMap<number, Resolution> | undefined> {
  const targets = all.filter((one) => !listed.has(one) && !failing.has(one));
  if (targets.length === 0) return new Map();
  const prefix = listingPrefix(run.tenantId, run.runId, 'targets');
  const patientUntilMs = deps.clock.nowMs() + TARGET_RETRY_MS;
  const options = (): CallOptions => ({
    ...callOptions(bounds, 'onDemand'),
    ...patience(all, Math.max(0, patientUntilMs - deps.clock.nowMs())),
  });

  async function* pages(from: string | undefined): AsyncGenerator<Page<readonly [number, Resolution]>> {
    for (let at = Number(from ?? 0); at < targets.length; at += TARGETS_AT_ONCE) {
      const some = targets.slice(at, at + TARGETS_AT_ONCE);
      const asked = some.map(({ target }) => target);
      const resolutions = await readTargets(deps, asked, options);
      const items = resolutions.map((resolution, i) => [some[i]?.number ?? 0, resolution] as const);
      const next = at + TARGETS_AT_ONCE;
      yield next < targets.length ? { items, next: String(next) } : { items };
    }
  }

  const read = await readListing(deps, bounds, { prefix, pages, encode: encodeLines });
  if (read.kind === 'over') return undefined;
  return new Map((await readChunks(deps, prefix)).flatMap(decodeLines));
}

/** People name some hundreds of targets, thousands at most: a line of JSON each. */
function encodeLines(items: readonly (readonly [number, Resolution])[]): Uint8Array {
  return Buffer.from(items.map((item) => `${JSON.stringify(item)}\n`).join(''), 'utf8');
}

function decodeLines({ body }: Chunk): readonly (readonly [number, Resolution])[] {
  const lines = Buffer.from(body).toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as [number, Resolution]);
}

/** Collects device records in order; chunks that come twice count once. */
function createRecords(rules: EligibilityRules) {
  const chunks: Chunk[] = [];
  let devices: RoutedDevice[] = [];
  const flush = (): void => {
    if (devices.length === 0) return;
    const header = { count: devices.length, startedAtMs: rules.nowMs };
    chunks.push({ header, body: encodeRoutedDevices(devices, rules) });
    devices = [];
  };
  return {
    add: (more: readonly RoutedDevice[]) => void devices.push(...more),
    addChunks(more: readonly Chunk[]): void {
      if (more.every((chunk) => chunks.includes(chunk))) return;
      flush();
      chunks.push(...more);
    },
    chunks(): readonly Chunk[] {
      flush();
      return chunks;
    },
  };
}
