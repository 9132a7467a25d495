import type { app as Registrar, Timer } from '@azure/functions';
import { QueueServiceClient } from '@azure/storage-queue';
import { describe, expect, it } from 'vitest';
import { createFunctionHost, type FunctionHost } from '../../src/local/function-host.ts';
import { parseHostJson } from '../../src/local/host-settings.ts';
import { createMemoryTimerStatus, type TimerStatusStore } from '../../src/local/timer-status.ts';
import { createVirtualClock, type VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { appOf, createCountingRandom, createLog } from './support/local-app.ts';

const START = '2026-11-22T01:00:00.000Z';
const HOUR_MS = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();

async function hostOf(
  register: (registrar: typeof Registrar) => void,
  options: {
    readonly clock?: VirtualClock;
    readonly timerStatuses?: TimerStatusStore;
    readonly environment?: Readonly<Record<string, string>>;
    readonly stopWithinMs?: number;
  } = {},
) {
  const clock = options.clock ?? createVirtualClock(Date.parse(START));
  const log = createLog();
  const host = createFunctionHost({
    app: await appOf(register),
    packageRoot: '/app',
    // Never spoken to: these apps have no queue function.
    queues: new QueueServiceClient('http://127.0.0.1:1/devstoreaccount1'),
    settings: parseHostJson({ version: '2.0' }),
    environment: { ROTATION_SCHEDULE: '0 0 2 * * *' },
    random: createCountingRandom(),
    onLog: log.onLog,
    ...options,
    clock,
  });
  return { clock, host, lines: log.lines };
}

/** Runs the host for that long, then stops it. */
async function hosting(clock: VirtualClock, host: FunctionHost, ms: number): Promise<void> {
  await clock.run(async () => {
    await host.start();
    await clock.sleep(ms);
    await host.stop();
  });
}

describe('timers on the local host', () => {
  it('fire on the schedule from the settings, with the status Azure gives', async () => {
    const fired: { at: string; timer: Timer }[] = [];
    const clock = createVirtualClock(Date.parse(START));
    const { host } = await hostOf(
      (app) =>
        app.timer('t', {
          schedule: '%ROTATION_SCHEDULE%',
          handler: async (timer) => {
            fired.push({ at: iso(clock.nowMs()), timer });
            await clock.sleep(60_000);
          },
        }),
      { clock },
    );
    await hosting(clock, host, 30 * HOUR_MS);
    const schedule = { adjustForDST: true };
    expect(fired).toEqual([
      {
        at: '2026-11-22T02:00:00.000Z',
        timer: {
          schedule,
          isPastDue: false,
          scheduleStatus: { last: '0001-01-01T00:00:00', next: '2026-11-22T02:00:00.000Z', lastUpdated: START },
        },
      },
      {
        at: '2026-11-23T02:00:00.000Z',
        timer: {
          schedule,
          isPastDue: false,
          scheduleStatus: {
            last: '2026-11-22T02:00:00.000Z',
            next: '2026-11-23T02:00:00.000Z',
            lastUpdated: '2026-11-22T02:01:00.000Z',
          },
        },
      },
    ]);
    expect(host.counters()).toEqual({ t: { invocations: 2, failures: 0, running: 0 } });
  });

  it('leave out occurrences that pass while the function still runs', async () => {
    const clock = createVirtualClock(Date.parse(START));
    const fired: string[] = [];
    const { host } = await hostOf(
      (app) =>
        app.timer('t', {
          schedule: '0 */10 * * * *',
          handler: async () => {
            fired.push(iso(clock.nowMs()));
            await clock.sleep(25 * 60_000);
          },
        }),
      { clock },
    );
    await hosting(clock, host, HOUR_MS);
    expect(fired).toEqual(['2026-11-22T01:10:00.000Z', '2026-11-22T01:40:00.000Z']);
  });

  it('do not fire twice for one occurrence when the clock is set back meanwhile', async () => {
    const virtual = createVirtualClock(Date.parse(START));
    let setBackMs = 0;
    const fired: string[] = [];
    const clock: VirtualClock = { ...virtual, nowMs: () => virtual.nowMs() - setBackMs };
    const { host } = await hostOf(
      (app) =>
        app.timer('t', {
          schedule: '0 0 2 * * *',
          handler: () => {
            fired.push(iso(virtual.nowMs()));
            setBackMs = 10 * 60_000;
          },
        }),
      { clock },
    );
    await hosting(clock, host, 5 * HOUR_MS);
    expect(fired).toEqual(['2026-11-22T02:00:00.000Z']);
  });

  it('go on after a failure', async () => {
    const { clock, host } = await hostOf((app) =>
      app.timer('t', { schedule: '0 0 * * * *', handler: () => Promise.reject(new Error('no')) }),
    );
    await hosting(clock, host, 3 * HOUR_MS + 1);
    expect(host.counters()).toEqual({ t: { invocations: 3, failures: 3, running: 0 } });
  });

  it('fire at once, past due, when an occurrence passed while nothing ran', async () => {
    const timerStatuses = createMemoryTimerStatus();
    const nextMs = Date.parse('2026-11-21T02:00:00Z');
    await timerStatuses.write('t', { nextMs, lastUpdatedMs: nextMs - HOUR_MS });
    const fired: { at: string; isPastDue: boolean }[] = [];
    const clock = createVirtualClock(Date.parse(START));
    const { host } = await hostOf(
      (app) =>
        app.timer('t', {
          schedule: '0 0 2 * * *',
          handler: ({ isPastDue }) => void fired.push({ at: iso(clock.nowMs()), isPastDue }),
        }),
      { clock, timerStatuses },
    );
    await hosting(clock, host, 2 * HOUR_MS);
    expect(fired).toEqual([
      { at: START, isPastDue: true },
      { at: '2026-11-22T02:00:00.000Z', isPastDue: false },
    ]);
  });

  it('fire again, past due, when the process died during an invocation', async () => {
    const timerStatuses = createMemoryTimerStatus();
    const clock = createVirtualClock(Date.parse(START));
    const pastDue: boolean[] = [];
    const register = (app: typeof Registrar) =>
      app.timer('t', {
        schedule: '0 0 2 * * *',
        handler: async (timer) => {
          pastDue.push(timer.isPastDue);
          await clock.sleep(10 * 60_000);
        },
      });
    const first = await hostOf(register, { clock, timerStatuses, stopWithinMs: 0 });
    // Stopped without patience five minutes into the invocation: as good as dead.
    await hosting(clock, first.host, HOUR_MS + 5 * 60_000);
    expect(pastDue).toEqual([false]);
    const second = await hostOf(register, { clock, timerStatuses });
    await hosting(clock, second.host, 60_000);
    expect(pastDue).toEqual([false, true]);
  });

  it('that come every few seconds keep no status', async () => {
    const clock = createVirtualClock(Date.parse(START));
    const statuses: unknown[] = [];
    const { host } = await hostOf(
      (app) =>
        app.timer('t', { schedule: '*/20 * * * * *', handler: (timer) => void statuses.push(timer.scheduleStatus) }),
      { clock },
    );
    await hosting(clock, host, 50_000);
    expect(statuses).toEqual([null, null]);
  });

  it('fire on demand besides the schedule', async () => {
    const { clock, host } = await hostOf((app) => app.timer('t', { schedule: '0 0 2 * * *', handler: () => {} }));
    await clock.run(async () => {
      await host.start();
      await expect(host.fireTimer('t')).resolves.toEqual({ kind: 'succeeded' });
      await clock.sleep(2 * HOUR_MS);
      await host.stop();
    });
    expect(host.counters()).toMatchObject({ t: { invocations: 2 } });
    await expect(host.fireTimer('u')).rejects.toMatchObject({
      kind: 'unknownFunction',
      message: 'no timer function is called u; there is t',
    });
  });
});

describe('the local host', () => {
  it('runs the hooks of the app around everything', async () => {
    const order: string[] = [];
    const { clock, host } = await hostOf((app) => {
      app.hook.appStart(() => void order.push('start'));
      app.hook.appTerminate(() => void order.push('terminate'));
      app.timer('t', { schedule: '0 0 2 * * *', handler: () => void order.push('fired') });
    });
    await hosting(clock, host, 2 * HOUR_MS);
    expect(order).toEqual(['start', 'fired', 'terminate']);
  });

  it('waits at its end for what runs, and only for so long', async () => {
    const clock = createVirtualClock(Date.parse(START));
    const register = (app: typeof Registrar) =>
      app.timer('t', { schedule: '0 0 2 * * *', handler: () => clock.sleep(20_000) });
    const patient = await hostOf(register, { clock, stopWithinMs: 30_000 });
    const hasty = await hostOf(register, { clock, stopWithinMs: 5_000 });
    await clock.run(async () => {
      const one = patient.host.fireTimer('t');
      await expect(patient.host.stop()).resolves.toEqual({ unfinished: 0 });
      expect(iso(clock.nowMs())).toBe('2026-11-22T01:00:20.000Z');
      const two = hasty.host.fireTimer('t');
      await expect(hasty.host.stop()).resolves.toEqual({ unfinished: 1 });
      expect(iso(clock.nowMs())).toBe('2026-11-22T01:00:25.000Z');
      await Promise.all([one, two]);
    });
  });

  it('lets a terminate hook end what runs', async () => {
    const clock = createVirtualClock(Date.parse(START));
    const stop = new AbortController();
    const started = Promise.withResolvers<void>();
    const { host } = await hostOf(
      (app) => {
        app.hook.appTerminate(() => stop.abort());
        app.timer('t', {
          schedule: '0 0 2 * * *',
          handler: () =>
            new Promise<void>((resolve) => {
              stop.signal.addEventListener('abort', () => resolve());
              started.resolve();
            }),
        });
      },
      { clock },
    );
    await clock.run(async () => {
      const invocation = host.fireTimer('t');
      await started.promise;
      await expect(host.stop()).resolves.toEqual({ unfinished: 0 });
      await invocation;
    });
    expect(iso(clock.nowMs())).toBe(START);
  });

  it('ends although a terminate hook fails, and says so', async () => {
    const { clock, host, lines } = await hostOf((app) => {
      app.hook.appTerminate(() => Promise.reject(new Error('nothing to save')));
      app.timer('t', { schedule: '0 0 2 * * *', handler: () => {} });
    });
    await hosting(clock, host, 1);
    expect(lines).toContainEqual({
      functionName: 'host',
      level: 'error',
      line: 'A hook for the end of the app failed: Error: nothing to save',
    });
  });

  it('does not start when a start hook fails', async () => {
    const { host } = await hostOf((app) => {
      app.hook.appStart(() => Promise.reject(new Error('not today')));
      app.timer('t', { schedule: '0 0 2 * * *', handler: () => {} });
    });
    await expect(host.start()).rejects.toThrow('not today');
  });

  it.each<[string, (app: typeof Registrar) => void, string]>([
    ['an HTTP function', (app) => app.http('h', { handler: () => ({}) }), 'function h'],
    [
      'another storage account',
      (app) => app.storageQueue('q', { queueName: 'a', connection: 'Other', handler: () => {} }),
      'function q uses connection Other',
    ],
    [
      'a retry policy',
      (app) =>
        app.timer('t', {
          schedule: '0 0 2 * * *',
          handler: () => {},
          retry: { strategy: 'fixedDelay', delayInterval: 1000, maxRetryCount: 1 },
        }),
      'function t has a retry policy',
    ],
    [
      'a name used twice',
      (app) => {
        app.timer('t', { schedule: '0 0 2 * * *', handler: () => {} });
        app.timer('t', { schedule: '0 0 3 * * *', handler: () => {} });
      },
      'two functions are called t',
    ],
    [
      'a wrong schedule',
      (app) => app.timer('t', { schedule: 'daily', handler: () => {} }),
      'schedule must be NCRONTAB',
    ],
    ['an unset setting', (app) => app.timer('t', { schedule: '%NIGHTLY%', handler: () => {} }), 'NIGHTLY is not set'],
  ])('refuses %s before anything runs', async (_, register, reason) => {
    await expect(hostOf(register)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining(reason) }),
    );
  });
});
