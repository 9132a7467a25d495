/** The slots one process has of one class: ready to start, in flight, and answered. In its own clock; no storage. Layer: graph adapter. */
import type { Start } from '../domain/pacing-reserve.ts';
import type { PacingRule } from '../domain/pacing-rule.ts';
import type { Release } from '../domain/pacing-slots.ts';

/** Slots that may start at `atMs` or later, by `useByMs`. */
interface Lot {
  readonly atMs: number;
  count: number;
  readonly useByMs: number;
}

/** All instants in our clock, ms. */
export interface Stock {
  /** Slots granted and not started. */
  ready(nowMs: number): number;
  inFlight(): number;
  /** Slots answered since the beginning. */
  answeredCount(): number;
  /** Slots that lapsed unused since the last call. */
  takeLapsed(): number;
  /** Latest instant at which a ready slot may start. */
  useByMs(): number;
  /** When `count` ready slots may all have started; `Infinity` when there are not as many. */
  startAtMs(count: number, nowMs: number): number;
  add(starts: readonly Start[], useByMs: number): void;
  /** Starts `count` slots; there must be as many. Returns until when they may be put back. */
  take(count: number): number;
  /** In-flight slots were not used after all: ready again, unless lapsed. */
  putBack(count: number, useByMs: number, nowMs: number): void;
  /** In-flight slots were answered: taken for a window more. */
  answer(count: number, nowMs: number): void;
  /** Gives up what is ready. */
  drop(): void;
  /** Answered slots that are still taken, ascending. */
  used(nowMs: number): readonly Release[];
}

export function createStock(rule: PacingRule): Stock {
  let lots: Lot[] = [];
  let readyCount = 0;
  let soonestUseByMs = Number.POSITIVE_INFINITY;
  let inFlight = 0;
  let answered = 0;
  let lapsed = 0;
  let used: { readonly atMs: number; count: number }[] = [];

  function recount(): void {
    readyCount = 0;
    soonestUseByMs = Number.POSITIVE_INFINITY;
    for (const lot of lots) {
      readyCount += lot.count;
      soonestUseByMs = Math.min(soonestUseByMs, lot.useByMs);
    }
  }

  function ready(nowMs: number): number {
    if (nowMs > soonestUseByMs) {
      const before = readyCount;
      lots = lots.filter((lot) => lot.useByMs >= nowMs);
      recount();
      lapsed += before - readyCount;
    }
    return readyCount;
  }

  function insert(lot: Lot): void {
    const last = lots.at(-1);
    lots.push(lot);
    if (last !== undefined && lot.atMs < last.atMs) lots.sort((a, b) => a.atMs - b.atMs);
    readyCount += lot.count;
    soonestUseByMs = Math.min(soonestUseByMs, lot.useByMs);
  }

  return {
    ready,
    inFlight: () => inFlight,
    answeredCount: () => answered,
    takeLapsed() {
      const count = lapsed;
      lapsed = 0;
      return count;
    },
    useByMs: () => lots.reduce((latest, lot) => Math.max(latest, lot.useByMs), 0),
    startAtMs(count, nowMs) {
      if (ready(nowMs) < count) return Number.POSITIVE_INFINITY;
      let missing = count;
      for (const lot of lots) {
        missing -= lot.count;
        if (missing <= 0) return lot.atMs;
      }
      return Number.POSITIVE_INFINITY;
    },
    add(starts, useByMs) {
      for (const { atMs, count } of starts) insert({ atMs, count, useByMs });
    },
    take(count) {
      let missing = count;
      let emptied = 0;
      let useByMs = Number.POSITIVE_INFINITY;
      for (const lot of lots) {
        const taken = Math.min(missing, lot.count);
        lot.count -= taken;
        missing -= taken;
        useByMs = Math.min(useByMs, lot.useByMs);
        if (lot.count === 0) emptied += 1;
        if (missing === 0) break;
      }
      if (emptied > 0) lots.splice(0, emptied);
      readyCount -= count;
      if (readyCount === 0) soonestUseByMs = Number.POSITIVE_INFINITY;
      inFlight += count;
      return useByMs;
    },
    putBack(count, useByMs, nowMs) {
      inFlight -= count;
      if (useByMs >= nowMs) insert({ atMs: nowMs, count, useByMs });
    },
    answer(count, nowMs) {
      inFlight -= count;
      answered += count;
      const atMs = Math.ceil((nowMs + rule.heldMs) / rule.stepMs) * rule.stepMs;
      const last = used.at(-1);
      // Never before the last one, should our clock be set back: the log stays ascending.
      if (last !== undefined && last.atMs >= atMs) last.count += count;
      else used.push({ atMs, count });
    },
    drop() {
      lots = [];
      recount();
    },
    used(nowMs) {
      if ((used[0]?.atMs ?? nowMs) < nowMs) used = used.filter((release) => release.atMs > nowMs);
      return used;
    },
  };
}
