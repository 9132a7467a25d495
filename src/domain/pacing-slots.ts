/** The slot log: when slots free up, and how an owner's entries stand on the shared row. Pure. Layer: domain. */
import type { BudgetState, Hold, UsedSlots } from './budget-state.ts';
import type { PacingRule } from './pacing-rule.ts';

/** `count` slots are free again at `atMs`. */
export interface Release {
  readonly atMs: number;
  readonly count: number;
}

/** What an owner knows of its own slots. It alone writes them, so its knowledge replaces whatever the row says of it. */
export interface OwnSlots {
  /** Reserved and not started, or in flight. */
  readonly held: number;
  /** Latest instant at which one of `held` may still start. */
  readonly useByMs: number;
  /** Answered ones, ascending. */
  readonly used: readonly Release[];
}

/**
 * At most this many release times of all owners on a row, rounded coarser beyond (each owner keeps a tenth of it in any case).
 * Chosen: with twelve characters each, a row stays far below the 32,768 characters of a table property.
 */
const MAX_RELEASES = 1_200;

/** An owner's answered slots as the row keeps them, rounded up; `undefined` when there are none. */
export function packReleases(
  owner: string,
  releases: readonly Release[],
  stepMs: number,
  maxReleases: number,
): UsedSlots | undefined {
  const first = releases[0];
  if (first === undefined) return undefined;
  const fromMs = Math.floor(first.atMs);
  for (let coarseMs = stepMs; ; coarseMs *= 2) {
    const slots: number[] = [];
    let lastStep = -1;
    for (const { atMs, count } of releases) {
      const step = Math.ceil((atMs - fromMs) / coarseMs);
      if (step === lastStep) slots[slots.length - 1] = (slots.at(-1) ?? 0) + count;
      else slots.push(step, count);
      lastStep = step;
    }
    if (slots.length <= 2 * maxReleases) return { owner, fromMs, stepMs: coarseMs, slots };
  }
}

/** The inverse of `packReleases`, up to its rounding. */
export function unpackReleases(used: UsedSlots): Release[] {
  const releases: Release[] = [];
  for (let i = 0; i + 1 < used.slots.length; i += 2) {
    releases.push({
      atMs: used.fromMs + (used.slots[i] ?? 0) * used.stepMs,
      count: used.slots[i + 1] ?? 0,
    });
  }
  return releases;
}

/**
 * The state with the owner's entries replaced by what it knows now, and everyone's that have run out dropped.
 * Slots held count until their last possible start, plus the request timeout, plus a window: a process that dies leaves them so.
 */
export function settleOwn(
  state: BudgetState,
  owner: string,
  own: OwnSlots,
  rule: PacingRule,
  nowMs: number,
): BudgetState {
  const staleMs = nowMs - rule.skewMs;
  const holds = state.holds.filter((hold) => hold.owner !== owner && hold.releaseAtMs > staleMs);
  const used = state.used.filter((each) => each.owner !== owner && lastReleaseMs(each) > staleMs);
  if (own.held > 0) holds.push(heldBy(owner, own.held, Math.max(own.useByMs, nowMs), rule));
  const others = used.reduce((sum, each) => sum + each.slots.length / 2, 0);
  const live = own.used.filter((release) => release.atMs > nowMs);
  const packed = packReleases(owner, live, rule.stepMs, Math.max(MAX_RELEASES - others, MAX_RELEASES / 10));
  if (packed !== undefined) used.push(packed);
  return { ...state, holds, used, wants: state.wants.filter((want) => want.untilMs > nowMs) };
}

function heldBy(owner: string, count: number, useByMs: number, rule: PacingRule): Hold {
  return { owner, count, releaseAtMs: Math.ceil(useByMs + rule.requestTimeoutMs + rule.heldMs) };
}

/** A settled state with more slots held by the owner. */
export function addHeld(
  state: BudgetState,
  owner: string,
  count: number,
  useByMs: number,
  rule: PacingRule,
): BudgetState {
  const before = state.holds.find((hold) => hold.owner === owner);
  const hold = heldBy(owner, count + (before?.count ?? 0), useByMs, rule);
  const releaseAtMs = Math.max(hold.releaseAtMs, before?.releaseAtMs ?? 0);
  return { ...state, holds: [...state.holds.filter((each) => each !== before), { ...hold, releaseAtMs }] };
}

/**
 * When slots taken now free up, ascending: the owner's answered ones as it knows them, the others' after an allowance for clocks
 * that disagree. What the owner itself holds is not among them: it has no end yet.
 */
export function releasesOf(
  state: BudgetState,
  owner: string,
  own: OwnSlots,
  rule: PacingRule,
  nowMs: number,
): Release[] {
  const releases = own.used.filter((release) => release.atMs > nowMs);
  const others: Release[] = [];
  const add = (atMs: number, count: number) => {
    if (atMs > nowMs) others.push({ atMs, count });
  };
  for (const hold of state.holds) if (hold.owner !== owner) add(hold.releaseAtMs + rule.skewMs, hold.count);
  for (const used of state.used) {
    if (used.owner === owner) continue;
    for (const release of unpackReleases(used)) add(release.atMs + rule.skewMs, release.count);
  }
  if (others.length === 0) return releases;
  return [...releases, ...others].sort((a, b) => a.atMs - b.atMs);
}

function lastReleaseMs(used: UsedSlots): number {
  return used.fromMs + (used.slots.at(-2) ?? 0) * used.stepMs;
}
