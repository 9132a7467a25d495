/** The pacer: starts each request when every budget it counts in allows, across all instances. Layer: graph adapter. */

import type { BudgetStore } from '../domain/budget-store.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { Demand, Pacer, Permit } from '../domain/pacer.ts';
import { pacingRule } from '../domain/pacing-rule.ts';
import type { CallOptions, Clock } from '../domain/ports.ts';
import { type Budget, type Priority, REQUEST_CLASSES, type RequestClass } from '../domain/request-class.ts';
import { type BudgetLine, createBudgetLine } from './pacer-line.ts';
import { createWaiterQueue, type Slots, type Waiter } from './pacer-queue.ts';

/** Timers are set no longer than this, and set again: Node's overflow after 24 days. */
const LONGEST_SLEEP_MS = 3_600_000;

export interface PacerOptions {
  readonly budgets: Readonly<Record<RequestClass, Budget>>;
  readonly store: BudgetStore;
  readonly clock: Clock;
  /** Tells this pacer's slots from everyone else's on the shared rows: new for each process and pacer, short. */
  readonly owner: string;
  /** After which the sender gives a request up: the slots of a process that died are free a window later. */
  readonly requestTimeoutMs: number;
}

/**
 * A `Pacer` over the shared budget rows. It does nothing while nobody waits: no timer, no storage.
 * Slots of several classes are taken together, so none is held while another is waited for.
 */
export function createPacer({ budgets, store, clock, owner, requestTimeoutMs }: PacerOptions): Pacer {
  const lines = new Map<RequestClass, BudgetLine>();
  const queue = createWaiterQueue();
  const scarcity = (requestClass: RequestClass) => budgets[requestClass].limit / budgets[requestClass].windowMs;
  const scarcestFirst = [...REQUEST_CLASSES].sort((a, b) => scarcity(a) - scarcity(b));
  let runId: string | undefined;
  let waitMs = 0;
  let throttled = 0;
  let alarm: { readonly atMs: number; readonly cancel: AbortController } | undefined;

  function lineOf(requestClass: RequestClass): BudgetLine {
    const known = lines.get(requestClass);
    if (known !== undefined) return known;
    const rule = pacingRule(budgets[requestClass], requestTimeoutMs);
    const line = createBudgetLine({ requestClass, rule, owner, store, clock, runId });
    lines.set(requestClass, line);
    return line;
  }

  function parseDemand(demand: Demand): Slots {
    const slots: (readonly [RequestClass, number])[] = [];
    for (const requestClass of scarcestFirst) {
      const count = demand[requestClass] ?? 0;
      const { limit } = budgets[requestClass];
      if (!Number.isInteger(count) || count < 0 || count > limit) {
        throw new RangeError(`demand of class ${requestClass} must be a whole number from 0 to ${limit}, got ${count}`);
      }
      if (count > 0) slots.push([requestClass, count]);
    }
    return slots;
  }

  function readyAtMs(slots: Slots, priority: Priority, nowMs: number): number {
    let atMs = nowMs;
    for (const [requestClass, count] of slots) {
      atMs = Math.max(atMs, lineOf(requestClass).readyAtMs(count, priority, nowMs));
    }
    return atMs;
  }

  function start(slots: Slots, priority: Priority, nowMs: number): Permit {
    const taken = slots.map(([requestClass, count]) => {
      const line = lineOf(requestClass);
      return { line, count, useByMs: line.take(count, priority, nowMs) };
    });
    let open = true;
    const settle = (each: (part: (typeof taken)[number]) => void) => {
      if (!open) return;
      open = false;
      taken.forEach(each);
      if (queue.size() > 0) dispatch();
    };
    return {
      answered: () => settle(({ line, count }) => line.answer(count)),
      unused: () => settle(({ line, count, useByMs }) => line.putBack(count, useByMs)),
    };
  }

  /** Starts whatever may start, asks for what lacks, and sets the alarm for when that may change. */
  function dispatch(): void {
    const nowMs = clock.nowMs();
    let wakeAtMs = startReady(nowMs);
    refuseVain(nowMs);
    for (const [requestClass, line] of lines) {
      const askAtMs = line.askAtMs(queue.needs(requestClass), nowMs);
      if (askAtMs <= nowMs) ask(requestClass, line);
      else wakeAtMs = Math.min(wakeAtMs, askAtMs);
    }
    setAlarm(queue.size() === 0 ? undefined : Math.min(wakeAtMs, queue.soonestDeadlineMs(nowMs)), nowMs);
  }

  /** Whoever lacks slots of a class holds up only those behind that need the same class. Returns when the next may start. */
  function startReady(nowMs: number): number {
    const lacking = new Set<RequestClass>();
    const passed = new Set<Waiter>();
    let nextAtMs = Number.POSITIVE_INFINITY;
    for (;;) {
      const head = queue.heads().find((each) => !passed.has(each));
      if (head === undefined) return nextAtMs;
      const held = head.slots.some(([requestClass]) => lacking.has(requestClass));
      const atMs = held ? Number.POSITIVE_INFINITY : readyAtMs(head.slots, head.priority, nowMs);
      if (atMs <= nowMs && head.deadlineAtMs >= nowMs) {
        queue.remove(head);
        waitMs += nowMs - head.sinceMs;
        head.resolve(start(head.slots, head.priority, nowMs));
        continue;
      }
      passed.add(head);
      if (held) continue;
      nextAtMs = Math.min(nextAtMs, atMs);
      for (const [requestClass, count] of head.slots) {
        const line = lineOf(requestClass);
        if (line.readyAtMs(count, head.priority, nowMs) <= nowMs) continue;
        lacking.add(requestClass);
        if (head.priority === 'onDemand') line.awaited(count, nowMs);
      }
    }
  }

  /** Refuses those whose turn cannot come before their deadline, as soon as that is certain. */
  function refuseVain(nowMs: number): void {
    if (queue.size() === 0) return;
    const soonestMs = queue.soonestDeadlineMs(nowMs);
    for (const [requestClass, line] of lines) {
      // Without a pause the next slot is a window away at most.
      if (soonestMs > Math.max(line.pausedUntilMs(), nowMs + 1.1 * budgets[requestClass].windowMs)) continue;
      if (queue.needs(requestClass).all === 0) continue;
      const notBeforeMs = line.notBeforeMs(nowMs);
      for (const waiter of queue.filter((each) => each.slots.some(([needed]) => needed === requestClass))) {
        if (waiter.deadlineAtMs < notBeforeMs || waiter.deadlineAtMs <= nowMs) refuse(waiter, notBeforeMs - nowMs);
      }
    }
  }

  function refuse(waiter: Waiter, retryAfterMs: number): void {
    if (queue.remove(waiter)) waiter.reject(tooLate(retryAfterMs));
  }

  function ask(requestClass: RequestClass, line: BudgetLine): void {
    line
      .ask(() => queue.needs(requestClass))
      .then(dispatch, (error: unknown) => {
        // A request that lacks nothing is not concerned; when none lacks, the next that does asks again and learns of the error.
        const nowMs = clock.nowMs();
        const lacks = (waiter: Waiter) =>
          waiter.slots.some(
            ([needed, count]) =>
              needed === requestClass && line.readyAtMs(count, waiter.priority, nowMs) === Number.POSITIVE_INFINITY,
          );
        for (const waiter of queue.filter(lacks)) if (queue.remove(waiter)) waiter.reject(error);
        dispatch();
      });
  }

  function setAlarm(atMs: number | undefined, nowMs: number): void {
    if (alarm !== undefined && atMs !== undefined && alarm.atMs <= atMs) return;
    alarm?.cancel.abort();
    alarm = undefined;
    if (atMs === undefined || atMs === Number.POSITIVE_INFINITY) return;
    const mine = { atMs, cancel: new AbortController() };
    alarm = mine;
    clock.sleep(Math.min(atMs - nowMs, LONGEST_SLEEP_MS), mine.cancel.signal).then(
      () => {
        if (alarm === mine) alarm = undefined;
        dispatch();
      },
      // Only our own cancelling ends the sleep early.
      () => undefined,
    );
  }

  function wait(slots: Slots, { priority, deadlineAtMs, signal }: CallOptions, sinceMs: number): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        if (!queue.remove(waiter)) return;
        reject(signal.reason);
        dispatch();
      };
      const leave = () => signal.removeEventListener('abort', abort);
      const waiter: Waiter = {
        slots,
        priority,
        sinceMs,
        deadlineAtMs,
        resolve: (permit) => {
          leave();
          resolve(permit);
        },
        reject: (reason) => {
          leave();
          reject(reason);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      queue.add(waiter);
      dispatch();
    });
  }

  return {
    async acquire(demand, options) {
      const slots = parseDemand(demand);
      options.signal.throwIfAborted();
      const nowMs = clock.nowMs();
      if (options.deadlineAtMs < nowMs) throw tooLate(readyAtMs(slots, options.priority, nowMs) - nowMs);
      if (queue.size() > 0 || readyAtMs(slots, options.priority, nowMs) > nowMs) return wait(slots, options, nowMs);
      const permit = start(slots, options.priority, nowMs);
      dispatch();
      return permit;
    },
    async throttled(requestClass, retryAfterMs, sentAtMs) {
      throttled += 1;
      const told = lineOf(requestClass).throttled({ retryAfterMs, sentAtMs, runId });
      dispatch();
      await told;
      dispatch();
    },
    async beginRun(id) {
      runId = id;
      await Promise.all([...lines.values()].map((line) => line.beginRun(id)));
    },
    async flush() {
      await Promise.all([...lines].map(([requestClass, line]) => line.flush(() => queue.needs(requestClass).all > 0)));
      dispatch();
    },
    recentPauses: (requestClass) => lineOf(requestClass).pauses(),
    limitOf: (requestClass) => budgets[requestClass].limit,
    usage() {
      const used = { write: 0, any: 0, key: 0, stateWrite: 0, stateAny: 0 };
      for (const [requestClass, line] of lines) used[requestClass] = line.answeredCount();
      return { waitMs, throttled, used };
    },
  };
}

function tooLate(retryAfterMs: number): GraphError {
  const waitMs = Number.isFinite(retryAfterMs) ? Math.max(1, Math.ceil(retryAfterMs)) : 1;
  return new GraphError('throttled', `the quota asks to wait ${waitMs} ms, which is past the deadline of this call`, {
    retryAfterMs: waitMs,
  });
}
