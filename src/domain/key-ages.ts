/** How old a fleet's keys are, in classes that people think in. Pure. Layer: domain. */

import type { SkipReason } from './rotation.ts';

const DAY_MS = 24 * 3_600_000;

/** Upper bounds; a key counts in the first class it is younger than. Chosen: a month, the default maximum age, half a year, a year. */
const CLASSES = [
  ['under30Days', 30 * DAY_MS],
  ['under90Days', 90 * DAY_MS],
  ['under180Days', 180 * DAY_MS],
  ['under365Days', 365 * DAY_MS],
  ['older', Number.POSITIVE_INFINITY],
] as const;

/** Names of the classes, youngest first, then devices without a key. Queried in Application Insights: rename with care. */
export const KEY_AGE_CLASSES = [...CLASSES.map(([name]) => name), 'none'] as const;
export type KeyAgeClass = (typeof CLASSES)[number][0] | 'none';

/** The classes as people read them, everywhere. A bound belongs to the class above it: a key of exactly 90 days is in `90 to 180 days`. */
export const KEY_AGE_WORDS: Readonly<Record<KeyAgeClass, string>> = {
  under30Days: 'Under 30 days',
  under90Days: '30 to 90 days',
  under180Days: '90 to 180 days',
  under365Days: '180 days to a year',
  older: 'Over a year',
  none: 'No key known',
};

/** Devices by the age of their newest OS-volume key; every class is there. */
export type KeyAges = Readonly<Record<KeyAgeClass, number>>;

/** The class of a device whose newest key was created then; `undefined`: escrow holds none. */
export function keyAgeClass(newestKeyAtMs: number | undefined, nowMs: number): KeyAgeClass {
  if (newestKeyAtMs === undefined) return 'none';
  const ageMs = nowMs - newestKeyAtMs;
  return CLASSES.find(([, below]) => ageMs < below)?.[0] ?? 'older';
}

/** Counts that start at none. */
export function noKeyAges(): Record<KeyAgeClass, number> {
  return { under30Days: 0, under90Days: 0, under180Days: 0, under365Days: 0, older: 0, none: 0 };
}

/** No Windows devices of their own: they would be counted twice, or as devices without a key. */
export const REASONS_WITHOUT_KEY_AGE = ['noEntraDeviceId', 'duplicateRecord', 'notWindows'] as const;
const WITHOUT_KEY_AGE: ReadonlySet<string> = new Set<SkipReason>(REASONS_WITHOUT_KEY_AGE);

/** True when a device that is skipped for that reason, or that has another outcome or none, counts among the ages. */
export function hasKeyAge(reason: string | undefined): boolean {
  return reason === undefined || !WITHOUT_KEY_AGE.has(reason);
}
