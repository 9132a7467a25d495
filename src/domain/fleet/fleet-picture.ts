/** The state of a whole fleet's keys in figures, at one instant, and how two of them differ. Pure. Layer: domain. */
import { KEY_AGE_CLASSES, type KeyAgeClass, type KeyAges, REASONS_WITHOUT_KEY_AGE } from '../key-ages.ts';
import { SKIP_REASONS, type SkipReason } from '../rotation.ts';

/** How many devices have what; whether those that cannot be asked are among them is said in words. */
export interface FleetFigures {
  /** Records that Intune lists, second records of a device among them. */
  readonly devices: number;
  /** Those that no rule keeps from being asked, whatever their keys. */
  readonly eligible: number;
  /** No OS-volume key in escrow; eligible or not. */
  readonly withoutKey: number;
  /** Newest key older than `ROTATION_MAX_KEY_AGE`; eligible or not. */
  readonly pastMaxKeyAge: number;
  /** So many keys in escrow that the cap is near (`KEY_COUNT_WARNING`), and fewer than for `atKeyLimit`. */
  readonly nearKeyLimit: number;
  /** So many that the device is no longer asked (`KEY_COUNT_REFUSAL`). */
  readonly atKeyLimit: number;
  /** The action is done, and no newer key is in escrow. */
  readonly rotatedWithoutKey: number;
  /** Asked, given up on, and nothing was heard since. */
  readonly neverAnswered: number;
  /** Asked by a run that still looks. */
  readonly inProgress: number;
}

export const FLEET_FIGURES = [
  'devices',
  'eligible',
  'withoutKey',
  'pastMaxKeyAge',
  'nearKeyLimit',
  'atKeyLimit',
  'rotatedWithoutKey',
  'neverAnswered',
  'inProgress',
] as const satisfies readonly (keyof FleetFigures)[];

export interface FleetPicture extends FleetFigures {
  readonly tenantId: string;
  /** ISO 8601. */
  readonly at: string;
  /** By age of the newest key. With those of `withoutKeyAge` they add up to `devices`. */
  readonly keyAges: KeyAges;
  /** Why devices cannot be asked, whatever their keys. */
  readonly ineligible: Readonly<Partial<Record<SkipReason, number>>>;
  /** When the device of `neverAnswered` that was asked first was asked. ISO 8601. */
  readonly silentSince?: string;
}

/** Devices that count in no class of age: their keys cannot be told, or are those of another record. */
export type WithoutKeyAge = Readonly<Record<(typeof REASONS_WITHOUT_KEY_AGE)[number], number>>;

export function withoutKeyAge({ ineligible }: Pick<FleetPicture, 'ineligible'>): WithoutKeyAge {
  return Object.fromEntries(
    REASONS_WITHOUT_KEY_AGE.map((reason) => [reason, ineligible[reason] ?? 0]),
  ) as WithoutKeyAge;
}

/** One figure that is not what it was: `withoutKey`, `keyAges.older`, `ineligible.notEncrypted`. */
export interface FigureChange {
  readonly name: string;
  readonly before: number;
  readonly now: number;
}

/** Every figure of both that changed, in the order of the picture. */
export function changesSince(before: FleetPicture, now: FleetPicture): readonly FigureChange[] {
  const figures = FLEET_FIGURES.map((name) => ({ name: name as string, before: before[name], now: now[name] }));
  const ages = KEY_AGE_CLASSES.map((name) => ({
    name: `keyAges.${name}`,
    before: before.keyAges[name],
    now: now.keyAges[name],
  }));
  const reasons = SKIP_REASONS.map((name) => ({
    name: `ineligible.${name}`,
    before: before.ineligible[name] ?? 0,
    now: now.ineligible[name] ?? 0,
  }));
  return [...figures, ...ages, ...reasons].filter((change) => change.before !== change.now);
}

/** A picture as it was kept, or `undefined` for what is none: an older or newer Keyturn may have written it, or somebody else. */
export function readPicture(kept: unknown): FleetPicture | undefined {
  const picture = asRecord(kept);
  if (picture === undefined) return undefined;
  const { tenantId, at, silentSince } = picture;
  const keyAges = countsOf<KeyAgeClass>(picture.keyAges, KEY_AGE_CLASSES);
  const ineligible = countsOf<SkipReason>(picture.ineligible, SKIP_REASONS);
  const figures = countsOf<keyof FleetFigures>(picture, FLEET_FIGURES);
  if (typeof tenantId !== 'string' || !isInstant(at) || keyAges === undefined || ineligible === undefined)
    return undefined;
  if (figures === undefined || !isComplete(figures, FLEET_FIGURES) || !isComplete(keyAges, KEY_AGE_CLASSES))
    return undefined;
  return { tenantId, at, ...figures, keyAges, ineligible, ...(isInstant(silentSince) ? { silentSince } : {}) };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}

function isInstant(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

/** The named numbers of `value`, whole and not negative. */
function countsOf<Name extends string>(
  value: unknown,
  names: readonly Name[],
): Partial<Record<Name, number>> | undefined {
  const record = asRecord(value);
  if (record === undefined) return undefined;
  const counts: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const count = record[name];
    if (count === undefined) continue;
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) return undefined;
    counts[name] = count;
  }
  return counts;
}

function isComplete<Name extends string>(
  counts: Partial<Record<Name, number>>,
  names: readonly Name[],
): counts is Record<Name, number> {
  return names.every((name) => counts[name] !== undefined);
}
