/** Reserving a block of slots on the shared row: the slot log, and even spreading once smooth. Pure. Layer: domain. */
import type { BudgetState, Want } from './budget-state.ts';
import { catchUpMs, type PacingRule, smoothIntervalMs } from './pacing-rule.ts';
import { addHeld, type OwnSlots, releasesOf, settleOwn } from './pacing-slots.ts';
import { capacityAt, factorAt } from './pacing-throttle.ts';
import type { Priority } from './request-class.ts';

/** What an owner asks for. */
export interface Ask {
  readonly owner: string;
  readonly own: OwnSlots;
  /** Slots that requests wait for now. */
  readonly need: number;
  /** Slots to have ready beyond those. */
  readonly spare: number;
  /** The demand at the head of the line. */
  readonly demand: number;
  /** What the owner lacks for it: granted whole once its first slot is near. */
  readonly atLeast: number;
  /** Of the most urgent request waiting. */
  readonly priority: Priority;
  /** Slots that start later than this from now are left for later. */
  readonly aheadMs: number;
  /** Slots stay usable for at least this long: longer than writing the row takes. */
  readonly leastUseMs: number;
}

/** `count` slots may start at `atMs`. */
export interface Start {
  readonly atMs: number;
  readonly count: number;
}

/** What came of an ask. The slots may be used once `state` is stored, and not before. */
export interface Reservation {
  readonly state: BudgetState;
  /** Ascending; empty when nothing was granted. */
  readonly starts: readonly Start[];
  /** Slots of `starts` that have not started by then must not any more. */
  readonly useByMs: number;
  /** When the next slot beyond these can be had, as far as the row tells; `Infinity` when it does not. */
  readonly nextAtMs: number;
  /** On-demand work elsewhere is waiting, so bulk work was granted nothing. */
  readonly yielded: boolean;
}

/** Slots that start one by one, or all that are free at a time. */
interface Grant {
  readonly starts: Start[];
  readonly granted: number;
  readonly nextAtMs: number;
  readonly nextStartAtMs: number;
  /** Half of the budget is free even so. */
  readonly roomy: boolean;
}

/**
 * Grants what can start soon, never more at a time than the share of the limit in use: at each start, slots in flight, reserved, or
 * answered less than a window ago, this one included, are within it. Bulk work is granted nothing while on-demand work of another
 * owner wants slots.
 */
export function reserve(state: BudgetState, ask: Ask, rule: PacingRule, nowMs: number): Reservation {
  const { owner, own } = ask;
  const settled = settleOwn(state, owner, own, rule, nowMs);
  const otherWants = settled.wants.filter((want) => want.owner !== owner);
  const yielded = ask.priority === 'bulk' && otherWants.length > 0;
  const grant = grantSlots(settled, yielded ? { ...ask, need: 0, spare: 0 } : ask, rule, nowMs);

  const useForMs = Math.max(ask.leastUseMs, grant.roomy ? rule.roomyUseMs : rule.useMs);
  const useByMs = Math.max(nowMs, grant.starts.at(-1)?.atMs ?? 0) + useForMs;
  const held = grant.granted === 0 ? settled : addHeld(settled, owner, grant.granted, useByMs, rule);
  const want = ownWant(settled, ask, grant.granted, rule, nowMs);
  return {
    state: {
      ...held,
      wants: want === undefined ? otherWants : [...otherWants, want],
      nextStartAtMs: grant.nextStartAtMs,
    },
    starts: grant.starts,
    useByMs,
    nextAtMs: grant.nextAtMs,
    yielded,
  };
}

function grantSlots(state: BudgetState, ask: Ask, rule: PacingRule, nowMs: number): Grant {
  const smooth = state.pace === 'smooth';
  const intervalMs = smoothIntervalMs(rule, factorAt(state, rule, nowMs));
  const toleranceMs = catchUpMs(rule, intervalMs);
  // A demand larger than the share in use could otherwise never be met.
  const capacity = Math.max(capacityAt(state, rule, nowMs), Math.min(rule.limit, ask.demand));
  const releases = releasesOf(state, ask.owner, ask.own, rule, nowMs);
  const soonestMs = Math.max(nowMs, state.pausedUntilMs);
  const latestMs = nowMs + ask.aheadMs;
  const wanted = ask.need + ask.spare;

  let free = releases.reduce((sum, release) => sum - release.count, capacity - ask.own.held);
  const freeNow = free;
  let releasedAtMs = nowMs;
  let nextStartAtMs = state.nextStartAtMs;
  let nextAtMs = Number.POSITIVE_INFINITY;
  let granted = 0;
  const starts: Start[] = [];
  for (let i = 0; ; ) {
    for (; free <= 0; i++) {
      const release = releases[i];
      if (release === undefined) break;
      free += release.count;
      releasedAtMs = release.atMs;
    }
    if (free <= 0) break;
    const slotAtMs = Math.max(soonestMs, releasedAtMs);
    const atMs = smooth ? Math.max(slotAtMs, nextStartAtMs - toleranceMs) : slotAtMs;
    const late = atMs > latestMs;
    const goal = late && granted > 0 ? Math.min(wanted, ask.atLeast) : late ? 0 : wanted;
    if (granted >= goal) {
      nextAtMs = atMs;
      break;
    }
    const count = smooth ? 1 : Math.min(free, goal - granted);
    if (smooth) nextStartAtMs = Math.max(atMs, nextStartAtMs) + intervalMs;
    starts.push({ atMs, count });
    granted += count;
    free -= count;
  }
  return { starts, granted, nextAtMs, nextStartAtMs, roomy: freeNow - granted >= capacity / 2 };
}

/**
 * On-demand work that waits says so, and goes on saying so for a while after it was served, since more of it may follow its answers.
 * A want that was served (count 0) is not renewed by work that need not wait: a trickle of it must not stop bulk work for good.
 */
function ownWant(state: BudgetState, ask: Ask, granted: number, rule: PacingRule, nowMs: number): Want | undefined {
  const before = state.wants.find((want) => want.owner === ask.owner);
  if (ask.priority === 'onDemand' && granted < ask.need) {
    return { owner: ask.owner, count: ask.need - granted, untilMs: Math.ceil(nowMs + rule.wantMs) };
  }
  if (before === undefined || before.count === 0 || ask.priority === 'bulk') return before;
  return { ...before, count: 0, untilMs: Math.ceil(nowMs + rule.wantAfterMs) };
}

/**
 * The instant before which no further slot can start, whatever others give back: only answered slots, the owner's own, and the pause
 * are certain.
 */
export function certainlyNotBeforeMs(state: BudgetState, ask: Ask, rule: PacingRule, nowMs: number): number {
  const hopeful = { ...state, holds: [], wants: [] };
  const earliestAnswerMs = nowMs + rule.heldMs;
  const { starts, nextAtMs } = grantSlots(hopeful, { ...ask, need: 0, spare: 0 }, rule, nowMs);
  return Math.max(state.pausedUntilMs, starts[0]?.atMs ?? Math.min(nextAtMs, earliestAnswerMs));
}
