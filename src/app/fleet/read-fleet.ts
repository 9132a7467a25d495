/** The keys of the whole tenant as they are now: listed anew, beside what the ledger knows. Reads only; nothing is sent. Layer: app. */
import type { EligibilityRules } from '../../domain/eligibility.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { Deps } from '../deps.ts';
import type { Chunk } from '../plan/chunk-file.ts';
import { encodeDevices } from '../plan/device-records.ts';
import { createFleet, type Fleet } from '../plan/fleet.ts';
import { encodeKeys } from '../plan/key-records.ts';
import { type AskedDevices, readAskedDevices } from './asked-devices.ts';

/** What reading the fleet needs. */
export type FleetDeps = Pick<Deps, 'tenant' | 'ledger' | 'settings' | 'isExcluded' | 'clock'>;

/** A fleet at one instant; its keys were listed last. */
export interface FleetReading {
  readonly fleet: Fleet;
  readonly asked: AskedDevices;
  /** Ages count back from here. */
  readonly nowMs: number;
  readonly tenantId: string;
  readonly maxKeyAgeMs: number;
}

/** How far reading is: so many of that are listed. */
export type ReadingProgress = (what: 'devices' | 'keys', count: number) => void;

/**
 * Some 150 bytes a device. The ledger is read between devices and keys, so that a rotation it calls done has its key in the list, if there
 * is one. @throws {GraphError} @throws {StorageError}
 */
export async function readFleet(deps: FleetDeps, call: CallOptions, progress: ReadingProgress): Promise<FleetReading> {
  const { settings } = deps;
  const nowMs = deps.clock.nowMs();
  const fleet = createFleet(await listDevices(deps, call, nowMs, progress));
  const asked = await readAskedDevices(deps.ledger, fleet, call.signal);
  await addKeys(deps, call, fleet, progress);
  return { fleet, asked, nowMs, tenantId: settings.tenantId, maxKeyAgeMs: settings.maxKeyAgeMs };
}

async function listDevices(
  deps: FleetDeps,
  call: CallOptions,
  nowMs: number,
  progress: ReadingProgress,
): Promise<readonly Chunk[]> {
  const rules: EligibilityRules = { nowMs, seenWithinMs: deps.settings.seenWithinMs, isExcluded: deps.isExcluded };
  const chunks: Chunk[] = [];
  let count = 0;
  for await (const { items } of deps.tenant.managedDevicePages(undefined, call)) {
    chunks.push({ header: { count: items.length, startedAtMs: nowMs }, body: encodeDevices(items, rules) });
    count += items.length;
    progress('devices', count);
  }
  return chunks;
}

async function addKeys(deps: FleetDeps, call: CallOptions, fleet: Fleet, progress: ReadingProgress): Promise<void> {
  let count = 0;
  for await (const { items } of deps.tenant.recoveryKeyPages(undefined, call)) {
    fleet.addKeys({ header: { count: items.length, startedAtMs: 0 }, body: encodeKeys(items) });
    count += items.length;
    progress('keys', count);
  }
}
