/** What the escrow commands need of standard input. Layer: cli. */
import { fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';

/** The part of `process.stdin` that is needed. */
export interface StandardInput extends Readable {
  readonly isTTY?: boolean;
  /** Its descriptor, where it has one. */
  readonly fd?: number;
}

/** How many bytes will come, when standard input is a file; for a bar. */
export function sizeOf(input: StandardInput): number | undefined {
  if (input.fd === undefined) return undefined;
  const stat = fstatSync(input.fd);
  return stat.isFile() ? stat.size : undefined;
}
