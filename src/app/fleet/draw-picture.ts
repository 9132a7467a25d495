/** The figures of a fleet that was read. Layer: app. */
import { FLEET_FIGURES, type FleetFigures, type FleetPicture } from '../../domain/fleet/fleet-picture.ts';
import { hasKeyAge, keyAgeClass, noKeyAges } from '../../domain/key-ages.ts';
import type { SkipReason } from '../../domain/rotation.ts';
import { needsOf } from './fleet-devices.ts';
import type { FleetReading } from './read-fleet.ts';

/** Every figure counts devices of `fleetDevice`. */
export function drawPicture(reading: FleetReading): FleetPicture {
  const { fleet, asked, nowMs, tenantId } = reading;
  const figures = Object.fromEntries(FLEET_FIGURES.map((name) => [name, 0])) as Record<keyof FleetFigures, number>;
  const keyAges = noKeyAges();
  const ineligible: Partial<Record<SkipReason, number>> = {};
  let silentSinceMs = Number.POSITIVE_INFINITY;
  for (let device = 0; device < fleet.size; device++) {
    figures.devices += 1;
    const reason = fleet.ineligible(device);
    if (reason === undefined) figures.eligible += 1;
    else ineligible[reason] = (ineligible[reason] ?? 0) + 1;
    if (!hasKeyAge(reason)) continue;
    keyAges[keyAgeClass(fleet.newestKeyAtMs(device), nowMs)] += 1;
    if (asked.isInProgress(device)) figures.inProgress += 1;
    for (const need of needsOf(reading, device)) {
      figures[need] += 1;
      if (need === 'neverAnswered') silentSinceMs = Math.min(silentSinceMs, asked.askedAtMs(device) ?? silentSinceMs);
    }
  }
  return {
    tenantId,
    at: new Date(nowMs).toISOString(),
    ...figures,
    keyAges,
    ineligible,
    ...(Number.isFinite(silentSinceMs) ? { silentSince: new Date(silentSinceMs).toISOString() } : {}),
  };
}
