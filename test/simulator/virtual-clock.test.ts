import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../src/simulator/virtual-clock.ts';

describe('the virtual clock', () => {
  it('wakes sleepers in order of time, then in the order they fell asleep', async () => {
    const clock = createVirtualClock(1_000);
    const woke: string[] = [];
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woke.push(`${name}@${clock.nowMs()}`);
    };
    await clock.run(() => Promise.all([sleeper('c', 30), sleeper('a', 10), sleeper('b', 10), sleeper('zero', 0)]));
    expect(woke).toEqual(['zero@1000', 'a@1010', 'b@1010', 'c@1030']);
  });

  it('rejects an aborted sleeper at once and does not advance for it', async () => {
    const clock = createVirtualClock(0);
    const controller = new AbortController();
    const reason = new Error('enough');
    await clock.run(async () => {
      const long = clock.sleep(5_000, controller.signal);
      await clock.sleep(10);
      controller.abort(reason);
      await expect(long).rejects.toBe(reason);
    });
    expect(clock.nowMs()).toBe(10);
  });

  it('says so when the work waits for something else', async () => {
    const clock = createVirtualClock(0);
    await expect(clock.run(() => new Promise(() => undefined))).rejects.toThrow('not this clock');
  });

  it('passes on what the work returns or throws', async () => {
    const clock = createVirtualClock(0);
    await expect(clock.run(async () => 7)).resolves.toBe(7);
    await expect(clock.run(() => Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError);
  });
});
