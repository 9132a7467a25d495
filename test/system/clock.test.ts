import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemClock } from '../../src/system/clock.ts';

const START_MS = Date.UTC(2026, 10, 22);
const LONG_MS = 60 * 24 * 3_600_000;

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: START_MS, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('tells milliseconds since the epoch', () => {
    expect(createSystemClock().nowMs()).toBe(START_MS);
  });

  it.each([20, 1500.5, LONG_MS])('sleeps for %d ms, and not less', async (ms) => {
    const clock = createSystemClock();
    const woken: number[] = [];
    const sleep = clock.sleep(ms).then(() => woken.push(clock.nowMs()));
    await vi.advanceTimersByTimeAsync(Math.floor(ms) - 1);
    expect(woken).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    await sleep;
    expect(woken).toHaveLength(1);
  });

  it.each([0, -5, Number.NaN])('does not sleep for %d ms', async (ms) => {
    await createSystemClock().sleep(ms);
  });

  it('wakes on time when the machine’s clock is set back meanwhile', async () => {
    const clock = createSystemClock();
    let isAwake = false;
    const sleep = clock.sleep(1000).then(() => {
      isAwake = true;
    });
    vi.setSystemTime(START_MS - 3_600_000);
    await vi.advanceTimersByTimeAsync(1000);
    await sleep;
    expect(isAwake).toBe(true);
  });

  it('ends a sleep with the reason of the signal, and leaves no timer', async () => {
    const over = new AbortController();
    const sleep = createSystemClock().sleep(LONG_MS, over.signal);
    over.abort(new Error('host stops'));
    await expect(sleep).rejects.toThrow('host stops');
  });

  it('does not start to sleep under a signal that is aborted already', async () => {
    await expect(createSystemClock().sleep(0, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });

  it('is not bothered by an abort after it woke', async () => {
    const over = new AbortController();
    const sleep = createSystemClock().sleep(10, over.signal);
    await vi.advanceTimersByTimeAsync(10);
    await sleep;
    over.abort(new Error('later'));
  });
});

describe('a process', () => {
  it('ends once its sleeps are aborted, however long they were', async () => {
    const script = `
      import { createSystemClock } from './src/system/clock.ts';
      const over = new AbortController();
      const sleep = createSystemClock().sleep(3_600_000, over.signal);
      over.abort(new Error('stopped'));
      await sleep.catch((error) => console.log(error.message));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: path.join(import.meta.dirname, '../..'),
      timeout: 50_000,
    });
    expect(stdout.trim()).toBe('stopped');
  });
});
