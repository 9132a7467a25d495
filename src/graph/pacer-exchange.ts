/** What one process and the shared row of one request class tell each other. Layer: graph adapter. */
import type { BudgetState, ThrottlePause } from '../domain/budget-state.ts';
import type { BudgetStore } from '../domain/budget-store.ts';
import type { PacingRule } from '../domain/pacing-rule.ts';
import { type OwnSlots, settleOwn } from '../domain/pacing-slots.ts';
import type { ThrottleEvent } from '../domain/pacing-throttle.ts';
import type { Clock } from '../domain/ports.ts';
import type { RequestClass } from '../domain/request-class.ts';
import { createPacerNews, type PacerNews } from './pacer-news.ts';
import { createBudgetRow, type Decide } from './pacer-row.ts';
import type { Stock } from './pacer-stock.ts';

export interface ExchangeOptions {
  readonly requestClass: RequestClass;
  readonly rule: PacingRule;
  readonly owner: string;
  readonly store: BudgetStore;
  readonly clock: Clock;
  /** The run in progress, when there is one. */
  readonly runId: string | undefined;
}

/** Exchanges run one after another; each tells the row our news and learns of others' pauses. All @throws {StorageError} */
export interface BudgetExchange {
  readonly news: Pick<PacerNews, 'pausedUntilMs' | 'gapMs'>;
  /** The row as last seen. */
  latest(): BudgetState;
  /** The pauses that the row remembers; it is read only by a process that has not seen it yet. In the storage server's clock. */
  pauses(): Promise<readonly ThrottlePause[]>;
  /** Our slots in the storage server's clock. */
  own(nowMs: number, toServerMs: number): OwnSlots;
  /** Slots that the row says we hold. */
  heldOnRow(state: BudgetState): number;
  /**
   * Stores what `decide` makes of the row; it is not committed when a 429 came meanwhile. `again` is asked, when there was nothing to
   * write, whether to look at the row anew.
   */
  decide(decide: Decide, again: () => boolean): Promise<void>;
  /** Pauses at once in this process, and for everyone once resolved. */
  throttled(event: ThrottleEvent): Promise<void>;
  /** Goes back to eager, at once or as soon as the row is first read, when it was another run that made the pace smooth. */
  beginRun(runId: string): Promise<void>;
  /** Gives back what is ready and reports what was used, unless `isWanted`. Many at once are one. Our want stays until it lapses. */
  flush(isWanted: () => boolean): Promise<void>;
}

export function createBudgetExchange(options: ExchangeOptions, stock: Stock): BudgetExchange {
  const { requestClass, rule, owner, store, clock, runId } = options;
  const row = createBudgetRow(requestClass, store, clock, rule.windowMs / 10_000);
  const news = createPacerNews(rule, runId);
  let tail: Promise<unknown> = Promise.resolve();
  let flushing: Promise<void> | undefined;

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = tail.then(work);
    // Its caller gets the error; the next in turn only waits for the end.
    tail = result.catch(() => undefined);
    return result;
  }

  function own(nowMs: number, toServerMs: number): OwnSlots {
    return {
      held: stock.ready(nowMs) + stock.inFlight(),
      useByMs: stock.useByMs() + toServerMs,
      used: stock.used(nowMs).map(({ atMs, count }) => ({ atMs: atMs + toServerMs, count })),
    };
  }

  function heldOnRow(state: BudgetState): number {
    return state.holds.reduce((sum, hold) => sum + (hold.owner === owner ? hold.count : 0), 0);
  }

  /** `decide` with our news told, and others' learned. */
  function withNews(decide: Decide): Decide {
    return (stored, nowMs, toServerMs) => {
      const pausedAnew = news.learn(stored, nowMs, toServerMs);
      const state = news.applyTo(stored, toServerMs);
      // What was granted before a pause is not used after it.
      if (news.learn(state, nowMs, toServerMs) || pausedAnew) stock.drop();
      const told = news.told();
      const decision = decide(state, nowMs, toServerMs) ?? (state === stored ? undefined : { state, commit: () => {} });
      if (decision === undefined) {
        told();
        return undefined;
      }
      return {
        state: decision.state,
        commit: () => {
          told();
          // What was being granted when a 429 came is not used either; the next write gives it back.
          if (!news.hasThrottles()) decision.commit();
        },
      };
    };
  }

  const settled = (state: BudgetState, nowMs: number, toServerMs: number) => ({
    state: settleOwn(state, owner, own(nowMs, toServerMs), rule, nowMs + toServerMs),
    commit: () => {},
  });

  return {
    news,
    latest: row.latest,
    async pauses() {
      if (!row.wasSeen()) await inTurn(() => row.exchange(withNews(() => undefined)));
      return row.latest().pauses ?? [];
    },
    own,
    heldOnRow,
    decide: (decide, again) =>
      inTurn(async () => {
        const wrote = await row.exchange(withNews(decide));
        if (!wrote && again()) await row.exchangeFresh(withNews(decide));
      }),
    throttled(event) {
      news.throttled(event, clock.nowMs());
      stock.drop();
      return inTurn(async () => {
        // One exchange tells of all that came meanwhile.
        if (news.hasThrottles()) await row.exchange(withNews(settled));
      });
    },
    async beginRun(id) {
      news.beginRun(id);
      const { pace, smoothRunId } = row.latest();
      if (pace === 'smooth' && smoothRunId !== id) await inTurn(() => row.exchange(withNews(() => undefined)));
    },
    flush(isWanted) {
      flushing ??= inTurn(async () => {
        flushing = undefined;
        if (isWanted()) return;
        await row.exchange(
          withNews((state, nowMs, toServerMs) => {
            if (isWanted()) return undefined;
            stock.drop();
            if (heldOnRow(state) === stock.inFlight()) return undefined;
            return settled(state, nowMs, toServerMs);
          }),
        );
      });
      return flushing;
    },
  };
}
