/** The machine's randomness. Layer: system. */
import { randomUUID } from 'node:crypto';
import type { Random } from '../domain/ports.ts';

/** Unseeded: jitter and seeds need to differ between instances. GUIDs come from the cryptographic generator, in lower case. */
export function createSystemRandom(): Random {
  return { next: () => Math.random(), guid: () => randomUUID() };
}
