import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BudgetState, FRESH_BUDGET } from '../../src/domain/budget-state.ts';
import { type Ask, reserve, type Start } from '../../src/domain/pacing-reserve.ts';
import { type PacingRule, pacingRule } from '../../src/domain/pacing-rule.ts';
import { type OwnSlots, settleOwn } from '../../src/domain/pacing-slots.ts';
import { factorAt, paceForRun, throttle } from '../../src/domain/pacing-throttle.ts';

/** One slot as it really is, in true time. */
type Slot =
  | { readonly kind: 'ready'; readonly atMs: number; readonly useByMs: number }
  | { readonly kind: 'inFlight'; readonly sentAtMs: number }
  | { readonly kind: 'answered'; readonly atMs: number };

interface Owner {
  name: string;
  skewMs: number;
  slots: Slot[];
}

/** Instances that share a row, played step by step; each has its own idea of the time and loses everything in a crash. */
function createModel(rule: PacingRule, skews: readonly number[]) {
  let nowMs = 1_000_000;
  let state: BudgetState = FRESH_BUDGET;
  let generation = 0;
  const owners: Owner[] = skews.map((skewMs, i) => ({ name: `o${i}`, skewMs, slots: [] }));
  /** What dead instances had sent: at the server at any time until the request timeout. */
  const ghosts: number[] = [];
  /** Nothing granted after a pause was written may start before this, true time. */
  let pausedUntilMs = 0;

  const own = (owner: Owner): OwnSlots => {
    const lapsed = (slot: Slot) => slot.kind === 'ready' && slot.useByMs < nowMs;
    owner.slots = owner.slots.filter((slot) => !lapsed(slot));
    const held = owner.slots.filter((slot) => slot.kind !== 'answered');
    const useBys = held.map((slot) => (slot.kind === 'ready' ? slot.useByMs : 0));
    return {
      held: held.length,
      useByMs: Math.max(0, ...useBys) + owner.skewMs,
      used: owner.slots
        .filter((slot) => slot.kind === 'answered')
        .map((slot) => ({ atMs: slot.atMs + rule.heldMs + owner.skewMs, count: 1 }))
        .filter((release) => release.atMs > nowMs + owner.skewMs)
        .sort((a, b) => a.atMs - b.atMs),
    };
  };

  return {
    taken(): number {
      const since = nowMs - rule.windowMs;
      const live = owners
        .flatMap((owner) => owner.slots)
        .filter((slot) => {
          if (slot.kind === 'ready') return slot.atMs <= nowMs && slot.useByMs >= nowMs;
          return slot.kind === 'inFlight' || slot.atMs > since;
        });
      return live.length + ghosts.filter((untilMs) => untilMs > since).length;
    },
    state: () => state,
    pass(ms: number) {
      nowMs += ms;
    },
    reserve(index: number, need: number, priority: Ask['priority'], aheadMs: number): readonly Start[] {
      const owner = owners[index % owners.length] as Owner;
      const ask = {
        owner: owner.name,
        own: own(owner),
        need,
        spare: 2,
        demand: 1,
        atLeast: 1,
        priority,
        aheadMs,
        leastUseMs: 0,
      };
      const result = reserve(state, ask, rule, nowMs + owner.skewMs);
      state = JSON.parse(JSON.stringify(result.state)) as BudgetState;
      for (const { atMs, count } of result.starts) {
        for (let i = 0; i < count; i++) {
          const slot = { atMs: atMs - owner.skewMs, useByMs: result.useByMs - owner.skewMs };
          owner.slots.push({ kind: 'ready', ...slot });
          expect(slot.atMs).toBeGreaterThanOrEqual(pausedUntilMs);
        }
      }
      return result.starts;
    },
    start(index: number, count: number) {
      const owner = owners[index % owners.length] as Owner;
      let left = count;
      owner.slots = owner.slots.map((slot) => {
        if (left === 0 || slot.kind !== 'ready' || slot.atMs > nowMs || slot.useByMs < nowMs) return slot;
        left -= 1;
        return { kind: 'inFlight', sentAtMs: nowMs };
      });
    },
    answer(index: number, count: number) {
      const owner = owners[index % owners.length] as Owner;
      let left = count;
      owner.slots = owner.slots.map((slot) => {
        const overdue = slot.kind === 'inFlight' && slot.sentAtMs + rule.requestTimeoutMs <= nowMs;
        if (slot.kind !== 'inFlight' || (left === 0 && !overdue)) return slot;
        left = Math.max(0, left - 1);
        return { kind: 'answered', atMs: Math.min(nowMs, slot.sentAtMs + rule.requestTimeoutMs) };
      });
    },
    flush(index: number) {
      const owner = owners[index % owners.length] as Owner;
      owner.slots = owner.slots.filter((slot) => slot.kind !== 'ready');
      state = settleOwn(state, owner.name, own(owner), rule, nowMs + owner.skewMs);
    },
    crash(index: number) {
      const owner = owners[index % owners.length] as Owner;
      for (const slot of owner.slots) {
        if (slot.kind === 'inFlight') ghosts.push(slot.sentAtMs + rule.requestTimeoutMs);
        if (slot.kind === 'answered') ghosts.push(slot.atMs);
      }
      generation += 1;
      owner.name = `o${index % owners.length}-${generation}`;
      owner.slots = [];
    },
    throttle(index: number, retryAfterMs: number | undefined) {
      const owner = owners[index % owners.length] as Owner;
      const event = { retryAfterMs, sentAtMs: undefined, runId: undefined };
      state = throttle(state, event, rule, nowMs + owner.skewMs);
      pausedUntilMs = Math.max(pausedUntilMs, nowMs + (retryAfterMs ?? rule.windowMs));
    },
  };
}

const owner = fc.nat(2);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      owner,
      n: fc.nat(12),
      ms: fc.nat(3_000),
      urgent: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('start' as const), owner, n: fc.nat(12) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('answer' as const), owner, n: fc.nat(12) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(4_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const), owner }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), owner }) },
);

describe('pacing', () => {
  it('never has more slots startable, in flight, or answered within a window than the limit, whatever instances do', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(step, { maxLength: 80 }),
        fc.tuple(
          fc.integer({ min: -500, max: 500 }),
          fc.integer({ min: -500, max: 500 }),
          fc.integer({ min: -500, max: 500 }),
        ),
        fc.constantFrom('eager' as const, 'smooth' as const),
        (limit, steps, skews, pace) => {
          const rule = pacingRule({ limit, windowMs: 20_000 }, 5_000);
          const model = createModel(rule, skews);
          if (pace === 'smooth') {
            model.throttle(0, 0);
            model.pass(2_000);
          }
          for (const each of steps) {
            if (each.do === 'pass') {
              // In small steps: the law holds at every instant.
              for (let left = each.ms; left > 0; left -= 500) {
                model.pass(Math.min(500, left));
                for (const index of [0, 1, 2]) model.answer(index, 0);
                expect(model.taken()).toBeLessThanOrEqual(limit);
              }
            } else if (each.do === 'reserve')
              model.reserve(each.owner, each.n, each.urgent ? 'onDemand' : 'bulk', each.ms);
            else if (each.do === 'start') model.start(each.owner, each.n);
            else if (each.do === 'answer') model.answer(each.owner, each.n);
            else if (each.do === 'flush') model.flush(each.owner);
            else model.crash(each.owner);
            expect(model.taken()).toBeLessThanOrEqual(limit);
          }
        },
      ),
      { numRuns: 1_500 },
    );
  });

  it('grants no start before a pause ends, whoever was throttled and whoever asks', () => {
    const pause = fc.record({
      do: fc.constant('throttle' as const),
      owner,
      ms: fc.option(fc.nat(60_000), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(step, pause), { maxLength: 60 }),
        fc.tuple(fc.integer({ min: -500, max: 500 }), fc.integer({ min: -500, max: 500 })),
        (steps, skews) => {
          const model = createModel(pacingRule({ limit: 20, windowMs: 20_000 }, 5_000), skews);
          for (const each of steps) {
            if (each.do === 'pass') model.pass(each.ms);
            else if (each.do === 'throttle') model.throttle(each.owner, each.ms);
            else if (each.do === 'reserve') model.reserve(each.owner, each.n, 'bulk', each.ms);
            else if (each.do === 'start') model.start(each.owner, each.n);
            else if (each.do === 'answer') model.answer(each.owner, each.n);
          }
        },
      ),
    );
  });

  it('keeps the share in use within 0.05 and 1, never lowers it as time passes, and brings it back to 1', () => {
    const rule = pacingRule({ limit: 200, windowMs: 20_000 }, 30_000);
    fc.assert(
      fc.property(fc.array(fc.nat(2_000_000), { minLength: 1, maxLength: 40 }), (gaps) => {
        let state: BudgetState = FRESH_BUDGET;
        let nowMs = 1_000_000;
        for (const gap of gaps) {
          const before = factorAt(state, rule, nowMs);
          expect(factorAt(state, rule, nowMs + gap)).toBeGreaterThanOrEqual(before - 1e-9);
          nowMs += gap;
          state = throttle(state, { retryAfterMs: undefined, sentAtMs: undefined, runId: undefined }, rule, nowMs);
          expect(factorAt(state, rule, nowMs)).toBeGreaterThanOrEqual(0.05);
          expect(factorAt(state, rule, nowMs)).toBeLessThanOrEqual(1);
        }
        expect(factorAt(state, rule, nowMs + 3_600_000)).toBe(1);
      }),
    );
  });

  it('goes back to eager for another run only', () => {
    const rule = pacingRule({ limit: 200, windowMs: 20_000 }, 30_000);
    fc.assert(
      fc.property(
        fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
        fc.constantFrom('a', 'b'),
        (smoothIn, next) => {
          const event = { retryAfterMs: undefined, sentAtMs: undefined, runId: smoothIn };
          const state = throttle(FRESH_BUDGET, event, rule, 1_000_000);
          expect(state.pace).toBe('smooth');
          expect(paceForRun(state, next).pace).toBe(smoothIn === next ? 'smooth' : 'eager');
        },
      ),
    );
  });
});
