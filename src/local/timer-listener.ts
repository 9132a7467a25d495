/** Fires one timer function on its schedule. Layer: local. */
import type { Clock } from '../domain/ports.ts';
import { type InvocationOutcome, reasonOf, type TriggerData } from './invoke-function.ts';
import type { TimerSchedule } from './timer-schedule.ts';
import { type TimerStatus, type TimerStatusStore, toWireStatus } from './timer-status.ts';

/** Chosen: the longest single wait, because timers overflow at 24.8 days and a laptop's clock jumps when it wakes up. */
const LONGEST_WAIT_MS = 60_000;

export interface TimerListener {
  /** Fires at every occurrence until `stopping`; an occurrence that passes while the function runs is left out. Never rejects. */
  run(): Promise<void>;
  /** Fires once, now, besides the schedule, and leaves the schedule alone. */
  fire(): Promise<InvocationOutcome>;
}

/**
 * The status is written after the function returned, whatever came of it: a process that dies meanwhile fires again, past due, when it
 * is back. Source: azure-webjobs-sdk-extensions `TimerListener` (read 2026-11-22).
 */
export function createTimerListener(options: {
  readonly functionName: string;
  readonly schedule: TimerSchedule;
  readonly runOnStartup: boolean;
  /** Keep a status, and notice missed occurrences. */
  readonly monitored: boolean;
  readonly statuses: TimerStatusStore;
  readonly clock: Clock;
  readonly log: (level: 'debug' | 'error', line: string) => void;
  readonly invoke: (trigger: TriggerData) => Promise<InvocationOutcome>;
  readonly stopping: AbortSignal;
}): TimerListener {
  const { functionName, schedule, runOnStartup, monitored, statuses, clock, log, invoke, stopping } = options;
  let status: TimerStatus | undefined;

  function trigger(isPastDue: boolean): TriggerData {
    const timer = {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: monitored && status !== undefined ? toWireStatus(status) : null,
      IsPastDue: isPastDue,
    };
    return { input: { json: JSON.stringify(timer) }, metadata: {} };
  }

  async function keep(next: TimerStatus): Promise<void> {
    status = next;
    if (!monitored) return;
    try {
      await statuses.write(functionName, next);
    } catch (error) {
      log('error', `The status of timer '${functionName}' could not be written: ${reasonOf(error)}`);
    }
  }

  async function remembered(): Promise<TimerStatus | undefined> {
    if (!monitored) return undefined;
    try {
      return await statuses.read(functionName);
    } catch (error) {
      log('error', `The status of timer '${functionName}' could not be read: ${reasonOf(error)}`);
      return undefined;
    }
  }

  async function fireAt(atMs: number, isPastDue: boolean): Promise<void> {
    await invoke(trigger(isPastDue));
    // Never the same occurrence again, even when the clock was set back meanwhile.
    const nowMs = Math.max(clock.nowMs(), atMs);
    await keep({ lastMs: atMs, nextMs: schedule.nextAfterMs(nowMs), lastUpdatedMs: nowMs });
  }

  /** True at the occurrence, false when stopping. */
  async function waitUntil(atMs: number): Promise<boolean> {
    while (!stopping.aborted && clock.nowMs() < atMs) {
      try {
        await clock.sleep(Math.min(LONGEST_WAIT_MS, atMs - clock.nowMs()), stopping);
      } catch (error) {
        if (!stopping.aborted) throw error;
      }
    }
    return !stopping.aborted;
  }

  async function run(): Promise<void> {
    const startMs = clock.nowMs();
    const before = await remembered();
    const expectedMs = before === undefined ? undefined : schedule.nextAfterMs(before.lastUpdatedMs);
    const isPastDue = expectedMs !== undefined && expectedMs <= startMs;
    if (before !== undefined && expectedMs !== undefined) status = { ...before, nextMs: expectedMs };
    else await keep({ nextMs: schedule.nextAfterMs(startMs), lastUpdatedMs: startMs });
    if (stopping.aborted) return;
    if (isPastDue || runOnStartup) await fireAt(startMs, isPastDue);
    while (status !== undefined) {
      const nextMs = status.nextMs;
      log('debug', `Timer '${functionName}' fires next at ${new Date(nextMs).toISOString()}.`);
      if (!(await waitUntil(nextMs))) return;
      await fireAt(nextMs, false);
    }
  }

  return { run, fire: () => invoke(trigger(false)) };
}
