/** One request class in one process: its slots, and when and what to ask of the shared row. Layer: graph adapter. */
import type { BudgetState, ThrottlePause } from '../domain/budget-state.ts';
import { type Ask, certainlyNotBeforeMs, reserve } from '../domain/pacing-reserve.ts';
import type { ThrottleEvent } from '../domain/pacing-throttle.ts';
import type { Priority } from '../domain/request-class.ts';
import { createBudgetExchange, type ExchangeOptions } from './pacer-exchange.ts';
import type { Decision } from './pacer-row.ts';
import { createStock } from './pacer-stock.ts';

/** Chosen: starts may be this early against the least gap between them; timers are no finer. */
const TIMER_MS = 1;
/** Chosen: a process keeps no more than this share of a limit ready beyond what requests wait for. */
const MOST_SPARE = 1 / 8;

/** Chosen: when the pace is slow, blocks are still this many slots long, or an eighth of a window, so that the row costs little. */
const LEAST_BLOCK = 8;

/** Slots of the class that requests in the process wait for. */
export interface Needs {
  readonly all: number;
  readonly onDemand: number;
  /** The demand at the head of the line. */
  readonly head: number;
}

/** All instants in our clock, ms. */
export interface BudgetLine {
  /** When `count` slots may start, as far as the stock tells; `Infinity` when it holds fewer. */
  readyAtMs(count: number, priority: Priority, nowMs: number): number;
  /** An on-demand request waits for `count` slots: until it and those that follow it are served, bulk ones stand back. */
  awaited(count: number, nowMs: number): void;
  /** Starts slots that are ready. Returns until when they may be put back. */
  take(count: number, priority: Priority, nowMs: number): number;
  putBack(count: number, useByMs: number): void;
  answer(count: number): void;
  answeredCount(): number;
  pausedUntilMs(): number;
  /** The latest, as the row was last seen; in the storage server's clock. @throws {StorageError} */
  pauses(): Promise<readonly ThrottlePause[]>;
  /** When the row should be asked for more; `Infinity` when there is no need to, or an exchange is under way. */
  askAtMs(needs: Needs, nowMs: number): number;
  /** Asks the row for what `needs` says by then. @throws {StorageError} */
  ask(needs: () => Needs): Promise<void>;
  /** The instant before which the next slot certainly cannot start. */
  notBeforeMs(nowMs: number): number;
  /** Pauses at once in this process, and for everyone once resolved. @throws {StorageError} */
  throttled(event: ThrottleEvent): Promise<void>;
  /** Goes back to eager, at once or as soon as the row is first read, when it was another run that made the pace smooth. @throws {StorageError} */
  beginRun(runId: string): Promise<void>;
  /** Gives back what is ready and reports what was used; nothing while requests of this process wait (`isWanted`). @throws {StorageError} */
  flush(isWanted: () => boolean): Promise<void>;
}

export function createBudgetLine(options: ExchangeOptions): BudgetLine {
  const { rule, owner, store, clock } = options;
  const stock = createStock(rule);
  const exchange = createBudgetExchange(options, stock);
  const { news } = exchange;
  let nextGapAtMs = 0;
  let spare = 0;
  let started = 0;
  let askedAtMs = 0;
  let nextAskAtMs = 0;
  /** On-demand requests of this process wait for quota, not only for the row: bulk ones stand back, and a while longer for those that follow. */
  let urgentWaits = false;
  /** The row had fewer slots than requests waited for, when it was last asked. */
  let lacks = false;
  let standBackUntilMs = 0;
  let askMs = 0;
  let asking = false;
  let failedUntilMs = 0;

  const leadMs = () => Math.max(rule.leadMs, 2 * askMs);

  /** On-demand work that lacks slots asks alone. */
  function urgent(needs: Needs, nowMs: number): { readonly slots: number; readonly priority: Priority } {
    return nowMs < standBackUntilMs || needs.onDemand > stock.ready(nowMs)
      ? { slots: needs.onDemand, priority: 'onDemand' }
      : { slots: needs.all, priority: 'bulk' };
  }

  function askFor(needs: Needs, nowMs: number, toServerMs: number): Ask {
    const ready = stock.ready(nowMs);
    const { slots, priority } = urgent(needs, nowMs);
    const need = Math.max(0, slots - ready);
    return {
      owner,
      own: exchange.own(nowMs, toServerMs),
      need,
      // What is spare goes to bulk work here, while on-demand work elsewhere may wait.
      spare: priority === 'onDemand' ? 0 : Math.max(0, slots + spare - ready - need),
      atLeast: Math.max(0, needs.head - ready),
      demand: needs.head,
      priority,
      aheadMs: Math.max(rule.horizonMs, Math.min(LEAST_BLOCK * 2 * news.gapMs(), rule.useMs)) + leadMs(),
      leastUseMs: 4 * askMs,
    };
  }

  function decideAsk(needs: Needs, state: BudgetState, nowMs: number, toServerMs: number): Decision | undefined {
    const ask = askFor(needs, nowMs, toServerMs);
    const result = reserve(state, ask, rule, nowMs + toServerMs);
    const granted = result.starts.reduce((sum, start) => sum + start.count, 0);
    askedAtMs = nowMs;
    lacks = granted < ask.need;
    if (ask.priority === 'onDemand' && lacks) urgentWaits = true;
    if (result.yielded) nextAskAtMs = nowMs + rule.pollMs;
    else if (granted >= ask.need + ask.spare) nextAskAtMs = 0;
    else nextAskAtMs = result.nextAtMs - toServerMs - leadMs();

    const wantBefore = state.wants.find((want) => want.owner === owner);
    const want = result.state.wants.find((each) => each.owner === owner);
    const renewBeforeMs = nowMs + toServerMs + rule.wantMs / 2;
    const renews = want !== undefined && (wantBefore === undefined || wantBefore.untilMs < renewBeforeMs);
    // On-demand work elsewhere waits: it should know what of ours is no longer held.
    const reports = result.yielded && exchange.heldOnRow(state) !== ask.own.held;
    if (granted === 0 && !renews && !reports) return undefined;
    return {
      state: result.state,
      commit: () => {
        const starts = result.starts.map(({ atMs, count }) => ({ atMs: atMs - toServerMs, count }));
        const useByMs = result.useByMs - toServerMs;
        stock.add(starts, useByMs);
        // Should these lapse, they can be asked for again.
        nextAskAtMs = Math.min(nextAskAtMs, useByMs + TIMER_MS);
      },
    };
  }

  /** Others may give back slots before the row says so; and where others were active, on-demand work must keep its want alive. */
  function isShared(priority: Priority): boolean {
    const { holds, wants, used } = exchange.latest();
    const entries = priority === 'onDemand' ? [...holds, ...wants, ...used] : [...holds, ...wants];
    return entries.some((each) => each.owner !== owner);
  }

  /** Keeps so many slots ready that asking is rare, and so few that they do not lapse by the dozen. */
  function sizeSpare(needs: Needs, nowMs: number): void {
    stock.ready(nowMs);
    const most = Math.floor(rule.limit * MOST_SPARE);
    const wasted = stock.takeLapsed() > 2 * started;
    spare = wasted ? Math.floor(spare / 2) : Math.min(most, Math.max(2 * spare, needs.all));
    started = 0;
  }

  return {
    readyAtMs(count, priority, nowMs) {
      const gapAtMs = nextGapAtMs - TIMER_MS <= nowMs ? 0 : nextGapAtMs;
      const standBackMs = priority === 'bulk' ? standBackUntilMs : 0;
      return Math.max(stock.startAtMs(count, nowMs), news.pausedUntilMs(), gapAtMs, standBackMs);
    },
    awaited(count, nowMs) {
      urgentWaits ||= lacks && stock.startAtMs(count, nowMs) > nowMs;
    },
    take(count, priority, nowMs) {
      if (priority === 'onDemand' && urgentWaits) standBackUntilMs = nowMs + rule.wantAfterMs;
      nextGapAtMs = Math.max(nextGapAtMs, nowMs) + news.gapMs() * count;
      started += count;
      return stock.take(count);
    },
    putBack: (count, useByMs) => stock.putBack(count, useByMs, clock.nowMs()),
    answer(count) {
      const nowMs = clock.nowMs();
      stock.answer(count, nowMs);
      nextAskAtMs = Math.min(nextAskAtMs, nowMs + rule.heldMs - leadMs());
    },
    answeredCount: stock.answeredCount,
    pausedUntilMs: news.pausedUntilMs,
    pauses: exchange.pauses,
    askAtMs(needs, nowMs) {
      urgentWaits &&= needs.onDemand > 0;
      if (asking) return Number.POSITIVE_INFINITY;
      const { slots, priority } = urgent(needs, nowMs);
      const ready = stock.ready(nowMs);
      if (slots === 0 && needs.all > 0) return standBackUntilMs;
      if (priority === 'onDemand' && ready >= slots) {
        return needs.all > slots ? Math.max(standBackUntilMs, nowMs + TIMER_MS) : Number.POSITIVE_INFINITY;
      }
      if (ready >= slots + Math.floor(spare / 2)) return Number.POSITIVE_INFINITY;
      const pollAtMs = slots > ready && isShared(priority) ? askedAtMs + rule.pollMs : Number.POSITIVE_INFINITY;
      // With nothing ready every request is refused when asking fails, so the next one may ask at once.
      const backOffMs = ready === 0 && slots > 0 ? 0 : failedUntilMs;
      return Math.max(Math.min(nextAskAtMs, pollAtMs), news.pausedUntilMs() - leadMs(), backOffMs);
    },
    async ask(needs) {
      asking = true;
      const startedAtMs = clock.nowMs();
      sizeSpare(needs(), startedAtMs);
      try {
        await exchange.decide(
          (state, nowMs, toServerMs) => decideAsk(needs(), state, nowMs, toServerMs),
          () => isShared(urgent(needs(), clock.nowMs()).priority),
        );
        askMs = Math.max(clock.nowMs() - startedAtMs, 0.8 * askMs);
      } catch (error) {
        failedUntilMs = clock.nowMs() + rule.pollMs;
        nextAskAtMs = 0;
        throw error;
      } finally {
        asking = false;
      }
    },
    notBeforeMs(nowMs) {
      if (stock.ready(nowMs) > 0) return Math.max(news.pausedUntilMs(), nowMs);
      const toServerMs = store.serverNowMs() - clock.nowMs();
      const ask = askFor({ all: 1, onDemand: 0, head: 1 }, nowMs, toServerMs);
      return Math.max(
        news.pausedUntilMs(),
        certainlyNotBeforeMs(exchange.latest(), ask, rule, nowMs + toServerMs) - toServerMs,
      );
    },
    throttled: exchange.throttled,
    beginRun: exchange.beginRun,
    flush(isWanted) {
      if (!isWanted()) spare = 0;
      return exchange.flush(isWanted);
    },
  };
}
