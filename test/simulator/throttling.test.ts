import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { formRetryAfter, type RetryAfterForm } from '../../src/simulator/throttling/retry-after-form.ts';
import { createThrottle, DOCUMENTED_LIMITS } from '../../src/simulator/throttling/throttle.ts';
import { createThrottleWindow, type WindowType } from '../../src/simulator/throttling/throttle-window.ts';
import { createTimestampQueue } from '../../src/simulator/throttling/timestamp-queue.ts';
import { START_MS } from './harness.ts';

const BUDGET = { limit: 200, windowMs: 20_000 };

/** How many of `calls` calls, `stepMs` apart, get through. */
function allowed(type: WindowType, calls: number, stepMs: number, phaseMs = 0): number {
  const window = createThrottleWindow(type, BUDGET, phaseMs);
  let count = 0;
  for (let i = 0; i < calls; i += 1) if (window.hit(i * stepMs).allowed) count += 1;
  return count;
}

describe('throttling windows', () => {
  it.each<[WindowType, number]>([
    ['sliding', 200],
    ['fixed', 200],
    ['bucket', 200],
    ['smoothing', 20],
  ])('%s lets an opening burst of %d through', (type, burst) => {
    expect(allowed(type, 300, 0)).toBe(burst);
  });

  it.each<WindowType>(['sliding', 'fixed', 'bucket', 'smoothing'])(
    '%s never stops a pace of exactly the limit',
    (type) => {
      expect(allowed(type, 2_000, 100)).toBe(2_000);
    },
  );

  it.each<[WindowType, number, number]>([
    // Rejected calls keep counting: whoever knocks on stays out.
    ['sliding', 200, 210],
    ['bucket', 200, 1_400],
    ['smoothing', 20, 1_200],
    // A new window starts from nothing.
    ['fixed', 1_900, 2_000],
  ])('%s counts rejected calls: of 4,000 calls at twice the pace, %d to %d get through', (type, least, most) => {
    const count = allowed(type, 4_000, 50);
    expect(count).toBeGreaterThanOrEqual(least);
    expect(count).toBeLessThanOrEqual(most);
  });

  it.each<WindowType>(['sliding', 'fixed', 'bucket', 'smoothing'])(
    '%s says how long to wait: sooner is refused, then is allowed',
    (type) => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 250, maxLength: 400 }), (steps) => {
          const replay = (): { window: ReturnType<typeof createThrottleWindow>; nowMs: number; waitMs: number } => {
            const window = createThrottleWindow(type, { limit: 50, windowMs: 5_000 }, 1_234);
            let nowMs = 0;
            let waitMs = 0;
            for (const step of steps) {
              nowMs += step;
              waitMs = window.hit(nowMs).waitMs;
            }
            return { window, nowMs, waitMs };
          };
          const { window, nowMs, waitMs } = replay();
          fc.pre(waitMs > 2);
          expect(window.hit(nowMs + waitMs).allowed).toBe(true);
          const again = replay();
          expect(again.window.hit(again.nowMs + waitMs - 2).allowed).toBe(false);
        }),
      );
    },
  );

  it('fixed windows begin at their phase', () => {
    const window = createThrottleWindow('fixed', { limit: 1, windowMs: 1_000 }, 300);
    expect(window.hit(1_299).allowed).toBe(true);
    expect(window.hit(1_300).allowed).toBe(true);
    expect(window.hit(2_299)).toEqual({ allowed: false, waitMs: 1 });
    expect(window.hit(2_300).allowed).toBe(true);
  });
});

describe('the timestamp queue', () => {
  it('holds what a sorted array would hold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 300 }))), (moves) => {
        const queue = createTimestampQueue();
        let model: number[] = [];
        let nowMs = 0;
        for (const [step, age] of moves) {
          nowMs += step;
          for (let i = 0; i < 5; i += 1) queue.push(nowMs);
          model.push(...new Array<number>(5).fill(nowMs));
          queue.dropUntil(nowMs - age);
          model = model.filter((atMs) => atMs > nowMs - age);
          expect(queue.size()).toBe(model.length);
          if (model.length > 0) expect(queue.at(model.length - 1)).toBe(model.at(-1));
          if (model.length > 0) expect(queue.at(0)).toBe(model[0]);
        }
      }),
    );
    expect(() => createTimestampQueue().at(0)).toThrow(RangeError);
  });
});

describe('the throttle', () => {
  const throttleWith = (foreignShare: number | ((nowMs: number) => number)) =>
    createThrottle({
      window: 'sliding',
      limits: DOCUMENTED_LIMITS,
      fixedPhaseMs: 0,
      foreignShare,
      random: createSeededRandom(5),
    });

  it('counts a request in every class and names the one that was full', () => {
    const throttle = throttleWith(0);
    for (let i = 0; i < 200; i += 1) expect(throttle.hit(['write', 'any'], 0)).toBeUndefined();
    expect(throttle.hit(['write', 'any'], 0)).toEqual({ rejectedBy: 'write', waitMs: 20_000 });
    for (let i = 0; i < 1_799; i += 1) expect(throttle.hit(['any'], 1)).toBeUndefined();
    expect(throttle.hit(['any'], 1)?.rejectedBy).toBe('any');
    expect(throttle.hit(['key'], 1)).toBeUndefined();
  });

  it('leaves about half of the limit when other apps take the other half', () => {
    const throttle = throttleWith(0.5);
    let through = 0;
    while (throttle.hit(['write'], 1_000_000) === undefined) through += 1;
    expect(through).toBeGreaterThan(70);
    expect(through).toBeLessThan(130);
  });

  it('lets other apps come and go', () => {
    const throttle = throttleWith((nowMs) => (nowMs < 100_000 ? 0.9 : 0));
    let early = 0;
    while (throttle.hit(['write'], 90_000) === undefined) early += 1;
    let late = 0;
    while (throttle.hit(['write'], 200_000) === undefined) late += 1;
    expect(early).toBeLessThan(60);
    expect(late).toBe(200);
  });
});

describe('Retry-After', () => {
  it.each<[RetryAfterForm, object]>([
    ['seconds', { header: '3', untilMs: START_MS + 3_000 }],
    ['fraction', { header: '2.129', untilMs: START_MS + 2_129 }],
    ['date', { header: 'Sun, 22 Nov 2026 10:00:03 GMT', untilMs: Date.parse('2026-11-22T10:00:03Z') }],
    ['absent', {}],
    ['nested', { nestedSeconds: 2.129, untilMs: START_MS + 2_129 }],
    [{ raw: '120' }, { header: '120', untilMs: START_MS + 120_000 }],
    [{ raw: '-5' }, { header: '-5' }],
    [{ raw: 'soon' }, { header: 'soon' }],
  ])('of form %o says it its way and never less than needed', (form, expected) => {
    expect(formRetryAfter(form, 2_128.2, START_MS, 0)).toEqual(expected);
  });

  it('of mixed form takes each of them', () => {
    const kinds = [0, 0.2, 0.4, 0.6, 0.8].map((u) => JSON.stringify(formRetryAfter('mixed', 5_000, START_MS, u)));
    expect(new Set(kinds).size).toBe(5);
  });
});
