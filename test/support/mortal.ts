/** Ports of a process that dies at a chosen step: before or after any single effect. */
import type { Clock } from '../../src/domain/ports.ts';

/** Thrown by every port of a dead process. */
export class ProcessDied extends Error {
  override readonly name = 'ProcessDied';
}

export interface Life {
  /** Called around every effect; throws once the process is dead. */
  step(what: string): void;
  isDead(): boolean;
  kill(): void;
  readonly steps: number;
  /** What it was doing when it died. */
  readonly diedAt: string | undefined;
  readonly signal: AbortSignal;
  /** Resolves when it dies. */
  readonly death: Promise<void>;
}

/** Lives forever, or dies at its `dieAt`-th step (from 1). */
export function createLife(dieAt = Number.POSITIVE_INFINITY): Life {
  let steps = 0;
  let diedAt: string | undefined;
  const never = new AbortController();
  const death = Promise.withResolvers<void>();
  return {
    step(what) {
      if (diedAt !== undefined) throw new ProcessDied(`the process died at ${diedAt}`);
      steps += 1;
      if (steps >= dieAt) {
        diedAt = what;
        death.resolve();
        throw new ProcessDied(`the process died at ${what}`);
      }
    },
    isDead: () => diedAt !== undefined,
    kill() {
      diedAt ??= 'kill';
      death.resolve();
    },
    get steps() {
      return steps;
    },
    get diedAt() {
      return diedAt;
    },
    signal: never.signal,
    death: death.promise,
  };
}

/** The port, with a step before and after each effect. */
export function mortal<T extends object>(port: T, life: Life, name: string): T {
  return new Proxy(port, {
    get(target, property, receiver) {
      const member: unknown = Reflect.get(target, property, receiver);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const what = `${name}.${String(property)}`;
        life.step(`${what} (before)`);
        const result: unknown = Reflect.apply(member, target, args);
        if (!(result instanceof Promise)) return result;
        return result.then((value: unknown) => {
          life.step(`${what} (after)`);
          return value;
        });
      };
    },
  });
}

/** Sleeping is no effect, but the dead do not wake up. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    nowMs: () => clock.nowMs(),
    async sleep(ms, signal) {
      await clock.sleep(ms, signal);
      if (life.isDead()) throw new ProcessDied('the process died while it slept');
    },
  };
}
