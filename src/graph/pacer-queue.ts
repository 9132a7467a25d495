/** Requests waiting for slots: on-demand first, then by arrival, without one class's queue holding up another's. Layer: graph adapter. */
import type { Permit } from '../domain/pacer.ts';
import { type Priority, REQUEST_CLASSES, type RequestClass } from '../domain/request-class.ts';
import type { Needs } from './pacer-line.ts';

/** Slots per class, scarcest class first. */
export type Slots = readonly (readonly [RequestClass, number])[];

export interface Waiter {
  readonly slots: Slots;
  readonly priority: Priority;
  readonly sinceMs: number;
  readonly deadlineAtMs: number;
  resolve(permit: Permit): void;
  reject(reason: unknown): void;
}

export interface WaiterQueue {
  size(): number;
  add(waiter: Waiter): void;
  /** False when it had left already. */
  remove(waiter: Waiter): boolean;
  /** The first of each group of alike waiters, most urgent first. */
  heads(): readonly Waiter[];
  needs(requestClass: RequestClass): Needs;
  /** Waiters matching, most urgent first. */
  filter(match: (waiter: Waiter) => boolean): readonly Waiter[];
  /** No deadline among them is earlier; exact once it has passed. */
  soonestDeadlineMs(nowMs: number): number;
}

export function createWaiterQueue(): WaiterQueue {
  /** Waiters that are alike, in order of arrival. */
  const groups = new Map<string, Map<Waiter, number>>();
  const sums = new Map<RequestClass, { all: number; onDemand: number }>();
  for (const requestClass of REQUEST_CLASSES) sums.set(requestClass, { all: 0, onDemand: 0 });
  let size = 0;
  let arrivals = 0;
  let soonestMs = Number.POSITIVE_INFINITY;
  /** `soonestMs` may be the deadline of someone who left. */
  let mayBeLater = false;

  const keyOf = (waiter: Waiter) => `${waiter.priority} ${waiter.slots.map((each) => each.join(':')).join(' ')}`;

  function count(waiter: Waiter, sign: 1 | -1): void {
    size += sign;
    for (const [requestClass, slots] of waiter.slots) {
      const sum = sums.get(requestClass);
      if (sum === undefined) continue;
      sum.all += sign * slots;
      if (waiter.priority === 'onDemand') sum.onDemand += sign * slots;
    }
  }

  function inOrder(entries: (readonly [Waiter, number])[]): readonly Waiter[] {
    return entries
      .sort(([a, m], [b, n]) => Number(b.priority === 'onDemand') - Number(a.priority === 'onDemand') || m - n)
      .map(([waiter]) => waiter);
  }

  function heads(): readonly Waiter[] {
    const firsts: (readonly [Waiter, number])[] = [];
    for (const group of groups.values())
      for (const first of group) {
        firsts.push(first);
        break;
      }
    return inOrder(firsts);
  }

  return {
    size: () => size,
    add(waiter) {
      const key = keyOf(waiter);
      const group = groups.get(key) ?? new Map<Waiter, number>();
      groups.set(key, group);
      group.set(waiter, arrivals++);
      count(waiter, 1);
      soonestMs = Math.min(soonestMs, waiter.deadlineAtMs);
    },
    remove(waiter) {
      const key = keyOf(waiter);
      const group = groups.get(key);
      if (group?.delete(waiter) !== true) return false;
      if (group.size === 0) groups.delete(key);
      count(waiter, -1);
      if (waiter.deadlineAtMs <= soonestMs) mayBeLater = true;
      return true;
    },
    heads,
    needs(requestClass) {
      const sum = sums.get(requestClass) ?? { all: 0, onDemand: 0 };
      const first =
        sum.all === 0 ? undefined : heads().find((head) => head.slots.some(([each]) => each === requestClass));
      return { ...sum, head: first?.slots.find(([each]) => each === requestClass)?.[1] ?? 0 };
    },
    filter: (match) => inOrder([...groups.values()].flatMap((group) => [...group]).filter(([waiter]) => match(waiter))),
    soonestDeadlineMs(nowMs) {
      if (mayBeLater && soonestMs <= nowMs) {
        mayBeLater = false;
        soonestMs = Number.POSITIVE_INFINITY;
        for (const group of groups.values())
          for (const waiter of group.keys()) soonestMs = Math.min(soonestMs, waiter.deadlineAtMs);
      }
      return soonestMs;
    },
  };
}
