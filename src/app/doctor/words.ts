/** Names and spans of time in the doctor's sentences. Pure. Layer: app. */
import { TIME_UNITS } from '../../domain/plain-figures.ts';

/** One unit, rounded down: `3 d`, `20 s`. */
export function roughly(ms: number): string {
  for (const [name, unitMs] of TIME_UNITS) if (ms >= unitMs) return `${Math.floor(ms / unitMs)} ${name}`;
  return 'under a second';
}

/** `a`, `a and b`, `a, b and c`. */
export function list(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
