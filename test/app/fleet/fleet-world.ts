/** Reads the fleet of a test world as `keyturn fleet` does. */
import { drawPicture } from '../../../src/app/fleet/draw-picture.ts';
import { type FleetReading, readFleet } from '../../../src/app/fleet/read-fleet.ts';
import type { FleetPicture } from '../../../src/domain/fleet/fleet-picture.ts';
import type { World } from '../../support/world.ts';

export interface FleetView {
  readonly reading: FleetReading;
  readonly picture: FleetPicture;
}

/** To be called on the world's clock. */
export async function viewFleet(world: World): Promise<FleetView> {
  const { deps } = world.start();
  const call = {
    priority: 'bulk',
    deadlineAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  } as const;
  const reading = await readFleet(deps, call, () => undefined);
  return { reading, picture: drawPicture(reading) };
}
