/** A clock that stands still until everything waits, then jumps to the next waker. For simulations without real I/O. Layer: simulator. */
import type { Clock } from '../domain/ports.ts';

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  /** Set when its signal aborted: time does not advance for it. */
  cancelled: boolean;
  wake(): void;
}

/** A `Clock` and the means to run work on it. */
export interface VirtualClock extends Clock {
  /**
   * Runs `work` to its end, advancing time whenever nothing else can happen.
   * @throws {Error} when `work` waits for something that is not this clock.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Starts at `startMs`. Sleepers that fall due together wake in the order they fell asleep. */
export function createVirtualClock(startMs: number): VirtualClock {
  let nowMs = startMs;
  let order = 0;
  const heap: Sleeper[] = [];

  const earlier = (a: Sleeper, b: Sleeper): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const at = (i: number): Sleeper => heap[i] as Sleeper;

  function push(sleeper: Sleeper): void {
    let i = heap.push(sleeper) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!earlier(at(i), at(parent))) break;
      [heap[i], heap[parent]] = [at(parent), at(i)];
      i = parent;
    }
  }

  function pop(): Sleeper | undefined {
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && earlier(at(child), at(least))) least = child;
      if (least === i) return top;
      [heap[i], heap[least]] = [at(least), at(i)];
      i = least;
    }
  }

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!(ms > 0)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const sleeper: Sleeper = {
        atMs: nowMs + ms,
        order: order++,
        cancelled: false,
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = () => {
        sleeper.cancelled = true;
        reject(signal?.reason);
      };
      push(sleeper);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets every promise and immediate that is ready run. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  async function run<T>(work: () => Promise<T>): Promise<T> {
    let done = false;
    const result = work().finally(() => {
      done = true;
    });
    result.catch(() => undefined);
    let idle = 0;
    while (!done) {
      await settle();
      if (done) break;
      const next = pop();
      if (next === undefined) {
        // A few extra rounds for chains that hop through several immediates.
        idle += 1;
        if (idle > 1000) throw new Error('virtual clock: the work waits for something that is not this clock');
        continue;
      }
      if (next.cancelled) continue;
      idle = 0;
      nowMs = Math.max(nowMs, next.atMs);
      next.wake();
    }
    return result;
  }

  return { nowMs: () => nowMs, sleep, run };
}
