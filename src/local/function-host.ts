/** The Functions host on a laptop: the same compiled functions, real queues, host.json semantics. Azure runs the real one. Layer: local. */
import type { QueueServiceClient } from '@azure/storage-queue';
import type { Clock, Random } from '../domain/ports.ts';
import type { QueueSettings } from './host-settings.ts';
import { createFunctionInvoker, type InvocationOutcome, reasonOf, type TriggerData } from './invoke-function.ts';
import { LocalHostError } from './local-host-error.ts';
import { createQueueListener, type QueueListener } from './queue-listener.ts';
import type { FunctionApp, LogSink, RegisteredFunction, RpcBinding } from './rpc.ts';
import { createTimerListener, type TimerListener } from './timer-listener.ts';
import { parseSchedule, resolveSetting } from './timer-schedule.ts';
import { createMemoryTimerStatus, type TimerStatusStore } from './timer-status.ts';

/** Chosen: long enough to write a checkpoint through a slow network, short enough for someone who pressed Ctrl+C. */
const STOP_WITHIN_MS = 30_000;

export interface FunctionHostOptions {
  readonly app: FunctionApp;
  /** Absolute; told to the `appStart` hooks. */
  readonly packageRoot: string;
  /** The account of `AzureWebJobsStorage`. */
  readonly queues: Pick<QueueServiceClient, 'getQueueClient'>;
  /** host.json, or an accelerated copy of it. */
  readonly settings: QueueSettings;
  /** Where `%SETTING%` in triggers is looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onLog: LogSink;
  /** Default: in memory, so that no start is past due. */
  readonly timerStatuses?: TimerStatusStore;
  /** Default 30 s. */
  readonly stopWithinMs?: number;
}

export interface FunctionCounters {
  readonly invocations: number;
  readonly failures: number;
  /** Being executed now. */
  readonly running: number;
}

export interface FunctionHost {
  readonly functionNames: readonly string[];
  /** Runs the `appStart` hooks, then polls and fires until `stop`. @throws what a hook throws. */
  start(): Promise<void>;
  /** Fires a timer function now, besides its schedule; resolves when it has ended. @throws {LocalHostError} kind `unknownFunction`. */
  fireTimer(functionName: string): Promise<InvocationOutcome>;
  counters(): Readonly<Record<string, FunctionCounters>>;
  /**
   * Fetches nothing more, runs the `appTerminate` hooks, and waits for what is running, for `stopWithinMs` at most. What has not ended
   * by then is left alone: its message reappears once its visibility runs out. Calling it again gives the same answer.
   */
  stop(): Promise<{ readonly unfinished: number }>;
}

/** The one trigger of the function. @throws {LocalHostError} kind `functions` for what this host does not have. */
function triggerOf({ metadata }: RegisteredFunction): RpcBinding {
  const fail = (why: string) => new LocalHostError('functions', `function ${metadata.name} ${why}`);
  const [trigger, ...others] = Object.values(metadata.bindings);
  if (trigger === undefined || others.length > 0)
    throw fail('must have a trigger and no other binding on the local host');
  if (metadata.retryOptions !== undefined) throw fail('has a retry policy, which the local host does not know');
  if (trigger.type !== 'queueTrigger' && trigger.type !== 'timerTrigger') {
    throw fail(`has a ${trigger.type}; the local host knows queueTrigger and timerTrigger`);
  }
  if (trigger.type === 'queueTrigger' && trigger.connection !== 'AzureWebJobsStorage') {
    throw fail(`uses connection ${trigger.connection}; the local host knows AzureWebJobsStorage`);
  }
  return trigger;
}

/**
 * Makes the host; nothing runs before `start`.
 * @throws {LocalHostError} kind `functions` for a trigger it does not have or a name used twice; `setting` for an unset `%SETTING%`;
 * `schedule` when that is not NCRONTAB.
 */
export function createFunctionHost(options: FunctionHostOptions): FunctionHost {
  const { app, queues, settings, environment, clock, random, onLog } = options;
  const statuses = options.timerStatuses ?? createMemoryTimerStatus();
  const invoker = createFunctionInvoker({ app, clock, random, onLog });
  const stopping = new AbortController();
  const abandoned = new AbortController();
  const counters = new Map<string, { invocations: number; failures: number; running: number }>();
  const inHand = new Set<Promise<unknown>>();
  const timers = new Map<string, TimerListener>();
  const listeners: QueueListener[] = [];
  let loops: Promise<unknown> = Promise.resolve();
  let stopped: Promise<{ readonly unfinished: number }> | undefined;

  function invokerOf(registered: RegisteredFunction): (trigger: TriggerData) => Promise<InvocationOutcome> {
    const counts = { invocations: 0, failures: 0, running: 0 };
    counters.set(registered.metadata.name, counts);
    return async (trigger) => {
      counts.invocations += 1;
      counts.running += 1;
      const invocation = invoker.invoke(registered, trigger);
      inHand.add(invocation);
      try {
        const outcome = await invocation;
        if (outcome.kind === 'failed') counts.failures += 1;
        return outcome;
      } finally {
        counts.running -= 1;
        inHand.delete(invocation);
      }
    };
  }

  function add(registered: RegisteredFunction): void {
    const functionName = registered.metadata.name;
    if (counters.has(functionName)) throw new LocalHostError('functions', `two functions are called ${functionName}`);
    const trigger = triggerOf(registered);
    const log = (level: 'debug' | 'warn' | 'error', line: string) => onLog(functionName, level, line);
    const invoke = invokerOf(registered);
    if (trigger.type === 'timerTrigger') {
      const schedule = parseSchedule(resolveSetting(trigger.schedule ?? '', environment));
      const monitored = trigger.useMonitor ?? !schedule.everyFewSeconds;
      const runOnStartup = trigger.runOnStartup ?? false;
      const timer = { functionName, schedule, runOnStartup, monitored, statuses, clock, log, invoke };
      timers.set(functionName, createTimerListener({ ...timer, stopping: stopping.signal }));
      return;
    }
    listeners.push(
      createQueueListener({
        queueName: resolveSetting(trigger.queueName ?? '', environment),
        service: queues,
        settings,
        clock,
        random,
        log,
        invoke,
        onPoisoned: (name) => {
          for (const listener of listeners) if (listener.queueName === name) listener.wake();
        },
        stopping: stopping.signal,
        abandoned: abandoned.signal,
      }),
    );
  }
  for (const registered of app.functions) add(registered);

  async function start(): Promise<void> {
    await invoker.runAppHooks('appStart', { functionAppDirectory: options.packageRoot });
    if (stopping.signal.aborted) return;
    const run = (listener: QueueListener | TimerListener) =>
      listener.run().catch((error: unknown) => onLog('host', 'error', `A listener has ended: ${reasonOf(error)}`));
    loops = Promise.all([...listeners, ...timers.values()].map(run));
  }

  async function terminate(): Promise<void> {
    try {
      await invoker.runAppHooks('appTerminate');
    } catch (error) {
      // The process ends anyway; whatever was not saved is made good by the next start.
      onLog('host', 'error', `A hook for the end of the app failed: ${reasonOf(error)}`);
    }
  }

  async function end(): Promise<{ readonly unfinished: number }> {
    stopping.abort();
    const patience = new AbortController();
    const all = Promise.all([terminate(), loops, ...inHand]).then(() => patience.abort());
    try {
      await clock.sleep(options.stopWithinMs ?? STOP_WITHIN_MS, patience.signal);
    } catch (error) {
      if (!patience.signal.aborted) throw error;
      await all;
    }
    abandoned.abort();
    return { unfinished: inHand.size };
  }

  return {
    functionNames: [...counters.keys()],
    start,
    async fireTimer(functionName) {
      const timer = timers.get(functionName);
      if (timer !== undefined) return timer.fire();
      const known = [...timers.keys()].join(', ');
      throw new LocalHostError(
        'unknownFunction',
        `no timer function is called ${functionName}; there is ${known || 'none'}`,
      );
    },
    counters: () => Object.fromEntries([...counters].map(([name, counts]) => [name, { ...counts }])),
    stop() {
      stopped ??= end();
      return stopped;
    },
  };
}
