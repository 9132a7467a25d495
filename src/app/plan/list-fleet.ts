/** Lists all devices and all recovery keys, a chunk at a time, and reads the chunks back. Layer: app. */
import type { EligibilityRules } from '../../domain/eligibility.ts';
import type { ManagedDevice } from '../../domain/managed-device.ts';
import type { Run } from '../../domain/run.ts';
import { type Bounds, callOptions, type Deps } from '../deps.ts';
import { type Chunk, decodeChunk } from './chunk-file.ts';
import { encodeDevices } from './device-records.ts';
import type { Fleet } from './fleet.ts';
import { encodeKeys } from './key-records.ts';
import { listingPrefix } from './plan-files.ts';
import { readListing } from './read-listing.ts';

/** The devices of the tenant that are wanted, as chunks for a fleet. `undefined`: the invocation ended first. @throws {GraphError} */
export async function listDevices(
  deps: Deps,
  run: Run,
  bounds: Bounds,
  rules: EligibilityRules,
  isWanted: (device: ManagedDevice) => boolean,
): Promise<readonly Chunk[] | undefined> {
  const prefix = listingPrefix(run.tenantId, run.runId, 'devices');
  const listed = await readListing(deps, bounds, {
    prefix,
    pages: (from) => deps.tenant.managedDevicePages(from, callOptions(bounds, priorityOf(run))),
    encode: (items) => encodeDevices(items.filter(isWanted), rules),
  });
  return listed.kind === 'over' ? undefined : readChunks(deps, prefix);
}

/** Adds all keys to the fleet; says when they were listed. `undefined`: the invocation ended first. @throws {GraphError} */
export async function addListedKeys(deps: Deps, run: Run, bounds: Bounds, fleet: Fleet): Promise<number | undefined> {
  const prefix = listingPrefix(run.tenantId, run.runId, 'keys');
  const listed = await readListing(deps, bounds, {
    prefix,
    pages: (from) => deps.tenant.recoveryKeyPages(from, callOptions(bounds, priorityOf(run))),
    encode: encodeKeys,
  });
  if (listed.kind === 'over') return undefined;
  for (const name of await deps.workFiles.list(prefix)) fleet.addKeys(await readChunk(deps, name));
  return listed.startedAtMs;
}

/** All chunks of a listing, in order. */
export async function readChunks(deps: Deps, prefix: string): Promise<readonly Chunk[]> {
  const chunks: Chunk[] = [];
  for (const name of await deps.workFiles.list(prefix)) chunks.push(await readChunk(deps, name));
  return chunks;
}

async function readChunk(deps: Deps, name: string): Promise<Chunk> {
  const bytes = await deps.workFiles.get(name);
  if (bytes === undefined) throw new Error(`planning chunk ${name} vanished while it was being read`);
  return decodeChunk(bytes);
}

function priorityOf(run: Run): 'bulk' | 'onDemand' {
  return run.targets === undefined ? 'bulk' : 'onDemand';
}
