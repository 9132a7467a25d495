/** Counts requests per class and says which are too many, other apps' traffic included. Layer: simulator. */
import type { Random } from '../../domain/ports.ts';
import type { Budget, RequestClass } from '../../domain/request-class.ts';
import { createThrottleWindow, type ThrottleWindow, type WindowType } from './throttle-window.ts';

/** `audit` is the class of directoryAudits, which Keyturn has no budget for. */
export type ThrottleClass = RequestClass | 'audit';

/**
 * What the service allows one app in one tenant. Source: microsoft-graph-docs-contrib `includes/throttling-intune-devices.md`,
 * `includes/throttling-intune-device-configuration.md`, `includes/throttling-aad-reports.md` (read 2026-11-22). `key`: undocumented;
 * chosen like `write`.
 */
export const DOCUMENTED_LIMITS: Readonly<Record<ThrottleClass, Budget>> = {
  write: { limit: 200, windowMs: 20_000 },
  any: { limit: 2_000, windowMs: 20_000 },
  key: { limit: 200, windowMs: 20_000 },
  stateWrite: { limit: 100, windowMs: 20_000 },
  stateAny: { limit: 1_000, windowMs: 20_000 },
  audit: { limit: 5, windowMs: 10_000 },
};

/** The same limits in windows that are shorter by `speed`. */
export function compressedLimits(
  limits: Readonly<Record<ThrottleClass, Budget>>,
  speed: number,
): Readonly<Record<ThrottleClass, Budget>> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, { limit, windowMs }]) => [name, { limit, windowMs: windowMs / speed }]),
  ) as Record<ThrottleClass, Budget>;
}

/** Share of every limit that other apps use up, 0 to 1; a function of the tenant's time when it changes. */
export type ForeignShare = number | ((nowMs: number) => number);

export interface ThrottleOptions {
  readonly window: WindowType;
  /** Already divided by the tenant's speed. */
  readonly limits: Readonly<Record<ThrottleClass, Budget>>;
  readonly fixedPhaseMs: number;
  readonly foreignShare: ForeignShare;
  readonly random: Random;
}

export interface Throttle {
  /** Counts one request in each class; the first that is full rejects it. */
  hit(
    classes: readonly ThrottleClass[],
    nowMs: number,
  ): { readonly rejectedBy: ThrottleClass; readonly waitMs: number } | undefined;
}

/** With every window empty. */
export function createThrottle(options: ThrottleOptions): Throttle {
  const classes = Object.keys(options.limits) as ThrottleClass[];
  const counters = Object.fromEntries(
    classes.map((name) => [name, createCounter(options, options.limits[name])]),
  ) as unknown as Readonly<Record<ThrottleClass, ThrottleWindow>>;

  return {
    hit(names, nowMs) {
      let rejection: { rejectedBy: ThrottleClass; waitMs: number } | undefined;
      // Every class counts the request, also after one of them rejected it.
      for (const name of names) {
        const { allowed, waitMs } = counters[name].hit(nowMs);
        if (!allowed && (rejection === undefined || waitMs > rejection.waitMs))
          rejection = { rejectedBy: name, waitMs };
      }
      return rejection;
    },
  };
}

/** A window that other apps' requests, arriving at random, fill as well. */
function createCounter(options: ThrottleOptions, budget: Budget): ThrottleWindow {
  const window = createThrottleWindow(options.window, budget, options.fixedPhaseMs);
  const { foreignShare, random } = options;
  if (foreignShare === 0) return window;
  const perMs = (atMs: number): number =>
    ((typeof foreignShare === 'number' ? foreignShare : foreignShare(atMs)) * budget.limit) / budget.windowMs;
  let nextAtMs = Number.NaN;

  function arrivalAfter(atMs: number): number {
    const rate = perMs(atMs);
    // Nothing now: look again a tenth of a window later.
    if (rate <= 0) return atMs + budget.windowMs / 10;
    return atMs - Math.log(1 - random.next()) / rate;
  }

  return {
    hit(nowMs) {
      // What happened more than two windows ago no longer matters to any window type.
      const relevantFromMs = nowMs - 2 * budget.windowMs;
      if (!(nextAtMs >= relevantFromMs)) nextAtMs = arrivalAfter(relevantFromMs);
      while (nextAtMs <= nowMs) {
        if (perMs(nextAtMs) > 0) window.hit(nextAtMs);
        nextAtMs = arrivalAfter(nextAtMs);
      }
      return window.hit(nowMs);
    },
  };
}
