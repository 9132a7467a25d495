/** What the command line needs of this machine before, or without, any settings. Layer: wiring. */
import type { Clock } from './domain/ports.ts';
import { createSystemClock } from './system/clock.ts';
import { scrub } from './system/scrub.ts';

export interface Machine {
  readonly clock: Clock;
  /** `text` without anything that looks like a secret: for messages of errors that are not ours. */
  printable(text: string): string;
}

/** The real one. */
export function createMachine(): Machine {
  return { clock: createSystemClock(), printable: scrub };
}
