/** Intune scripts and what each found on every Windows device: pure functions of seed, script and device. Layer: simulator. */
import { isPathSegment, type ScriptKind } from '../../domain/targets.ts';
import { hash32, unitHash } from '../seeded-random.ts';
import type { DeviceProfile } from './device-profile.ts';
import type { Fleet } from './fleet.ts';

/** A script a test gives the tenant. Every Windows device has run it. */
export interface ScriptSpec {
  readonly kind: ScriptKind;
  readonly id: string;
  /** Where it finds a problem: a seeded share of the Windows devices, 0 to 1, or managed device ids. */
  readonly failing: number | readonly string[];
}

/** Source: Graph beta reference, enum `runState` (read 2026-11-22). */
export type RunState = 'unknown' | 'success' | 'fail' | 'scriptError' | 'pending' | 'notApplicable';

export interface Script {
  readonly kind: ScriptKind;
  readonly id: string;
  /** What it found on the device; `undefined` when it never ran there, because it is not a Windows device. */
  runStateOn(profile: DeviceProfile): RunState | undefined;
}

export interface Scripts {
  /** False for a tenant made without `scripts`: it has none to list, and any script id leads a rotation to its device. */
  readonly listed: boolean;
  /** By id, in any letter case. */
  find(kind: ScriptKind, id: string): Script | undefined;
  /** Of any kind. */
  withId(id: string): Script | undefined;
}

/** Where there is no problem: mostly success, and a few of each of the rest. Chosen, so that a reader meets every member. */
const OTHERWISE: readonly RunState[] = [
  ...Array.from<RunState>({ length: 16 }).fill('success'),
  ...(['unknown', 'scriptError', 'pending', 'notApplicable'] as const),
];

/** @throws {RangeError} naming the script and what is wrong with it. */
export function createScripts(specs: readonly ScriptSpec[] | undefined, fleet: Fleet, seed: number): Scripts {
  const byId = new Map<string, Script>();
  for (const [position, spec] of (specs ?? []).entries()) {
    const id = spec.id.toLowerCase();
    if (!isPathSegment(spec.id)) throw new RangeError(`a script's id must be one path segment, got '${spec.id}'`);
    if (byId.has(id)) throw new RangeError(`two scripts have the id ${spec.id}`);
    const isFailing = failingTest(spec, fleet, seed, 2 * position);
    byId.set(id, {
      kind: spec.kind,
      id: spec.id,
      runStateOn(profile) {
        if (profile.operatingSystem !== 'Windows') return undefined;
        if (isFailing(profile)) return 'fail';
        return OTHERWISE[hash32(seed, profile.index, 801 + 2 * position) % OTHERWISE.length];
      },
    });
  }
  return {
    listed: specs !== undefined,
    withId: (id) => byId.get(id.toLowerCase()),
    find(kind, id) {
      const script = byId.get(id.toLowerCase());
      return script?.kind === kind ? script : undefined;
    },
  };
}

function failingTest(
  { id, failing }: ScriptSpec,
  fleet: Fleet,
  seed: number,
  salt: number,
): (profile: DeviceProfile) => boolean {
  if (typeof failing === 'number') {
    if (!(failing >= 0 && failing <= 1)) {
      throw new RangeError(`failing of script ${id} must be a share from 0 to 1, got ${failing}`);
    }
    return ({ index }) => unitHash(seed, index, 800 + salt) < failing;
  }
  const indices = new Set<number>();
  for (const device of failing) {
    const index = fleet.indexOfManagedDevice(device);
    if (index === undefined || fleet.profile(index).operatingSystem !== 'Windows') {
      throw new RangeError(`failing of script ${id} names ${device}, which is no Windows device of this tenant`);
    }
    indices.add(index);
  }
  return ({ index }) => indices.has(index);
}
