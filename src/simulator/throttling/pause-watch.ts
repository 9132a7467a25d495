/** Remembers until when each class was asked to pause, to catch who sends nevertheless. Layer: simulator. */
import type { ThrottleClass } from './throttle.ts';

export interface PauseWatch {
  /** A 429 that reaches its sender at `knownAtMs` asks for silence until `untilMs`. */
  pause(throttleClass: ThrottleClass, knownAtMs: number, untilMs: number): void;
  /** How long the pause still had to run when the request was sent, or `undefined` when there was none, or none the sender could know of. */
  brokenBy(classes: readonly ThrottleClass[], sentAtMs: number): number | undefined;
}

interface Pause {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** `graceMs`: how long after a 429 others may still send, because word takes time to get around. */
export function createPauseWatch(graceMs: number): PauseWatch {
  const pauses = new Map<ThrottleClass, Pause[]>();

  return {
    pause(name, knownAtMs, untilMs) {
      let merged: Pause = { fromMs: knownAtMs + graceMs, untilMs };
      if (merged.untilMs <= merged.fromMs) return;
      const apart: Pause[] = [];
      for (const other of pauses.get(name) ?? []) {
        // Long-ended pauses are forgotten here; requests are not in flight for an hour.
        if (other.untilMs < knownAtMs - 3_600_000) continue;
        if (other.fromMs <= merged.untilMs && merged.fromMs <= other.untilMs) {
          merged = {
            fromMs: Math.min(merged.fromMs, other.fromMs),
            untilMs: Math.max(merged.untilMs, other.untilMs),
          };
        } else {
          apart.push(other);
        }
      }
      pauses.set(name, [...apart, merged]);
    },
    brokenBy(classes, sentAtMs) {
      for (const name of classes) {
        for (const pause of pauses.get(name) ?? []) {
          if (sentAtMs > pause.fromMs && sentAtMs < pause.untilMs) return pause.untilMs - sentAtMs;
        }
      }
      return undefined;
    },
  };
}
