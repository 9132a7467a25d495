/** The machine's clock. Layer: system. */
import type { Clock } from '../domain/ports.ts';

/** Longest delay a timer takes; a longer one would fire at once. Source: Node.js documentation, `setTimeout` (read 2026-11-22). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Wall-clock time, and sleep measured on the monotonic clock: setting the machine's clock neither cuts a sleep short nor draws it out.
 * Never wakes early. An aborted sleep leaves no timer behind that would keep a finished process alive.
 */
export function createSystemClock(): Clock {
  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!(ms > 0)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const wakeAtMs = performance.now() + ms;
      let timer: NodeJS.Timeout;
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      // Timers may fire up to a millisecond early, and are limited in length: both are made good by going round.
      const wait = () => {
        const leftMs = wakeAtMs - performance.now();
        if (leftMs > 0) {
          timer = setTimeout(wait, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
          return;
        }
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      wait();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  return { nowMs: () => Date.now(), sleep };
}
