/** Model servers that throttle by the documented, and by undocumented, kinds of windows. For pacing tests on a virtual clock. */

/** Numbers in [0, 1), the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `smoothing`: a leaky bucket of 20, whatever the limit. */
export const WINDOW_KINDS = ['sliding', 'fixed', 'bucket', 'smoothing'] as const;
export type WindowKind = (typeof WINDOW_KINDS)[number];

/** Foreign apps' requests: evenly spaced, at random, or in one rush per window. */
export type ForeignTraffic = 'none' | 'even' | 'random' | 'rush';

export interface QuotaServerOptions {
  readonly kind: WindowKind;
  readonly limit: number;
  readonly windowMs: number;
  /** When it starts; fixed windows begin at `startMs` plus a random phase. */
  readonly startMs: number;
  readonly random: () => number;
  /** Foreign requests per window, half of the limit by default. */
  readonly foreign?: ForeignTraffic;
}

/** Rejected requests count like any other. */
export interface QuotaServer {
  /** A request of ours arrives; instants never go back. False: 429. */
  admit(atMs: number): boolean;
  /** The most requests of all apps, accepted or not, in any window of that length so far. */
  mostInWindow(): number;
}

export function createQuotaServer(options: QuotaServerOptions): QuotaServer {
  const { limit, windowMs, startMs, random, foreign = 'none' } = options;
  const admits = admission(options);
  const foreignGapMs = windowMs / (limit / 2);
  const arrivals: number[] = [];
  let first = 0;
  let most = 0;
  let rushLeft = limit / 2;
  let foreignAtMs = foreign === 'none' ? Number.POSITIVE_INFINITY : startMs + random() * foreignGapMs;

  function nextForeign(): void {
    if (foreign === 'even') foreignAtMs += foreignGapMs;
    else if (foreign === 'random') foreignAtMs += -Math.log(1 - random()) * foreignGapMs;
    else {
      rushLeft -= 1;
      // A tenth of a window for all of them, then nothing until the next.
      foreignAtMs += rushLeft > 0 ? foreignGapMs / 10 : windowMs - (limit / 2 - 1) * (foreignGapMs / 10);
      if (rushLeft <= 0) rushLeft = limit / 2;
    }
  }

  function count(atMs: number): void {
    arrivals.push(atMs);
    while ((arrivals[first] ?? atMs) <= atMs - windowMs) first += 1;
    most = Math.max(most, arrivals.length - first);
  }

  return {
    admit(atMs) {
      while (foreignAtMs <= atMs) {
        admits(foreignAtMs);
        nextForeign();
      }
      count(atMs);
      return admits(atMs);
    },
    mostInWindow: () => most,
  };
}

function admission({ kind, limit, windowMs, startMs, random }: QuotaServerOptions): (atMs: number) => boolean {
  switch (kind) {
    case 'sliding': {
      const log: number[] = [];
      let first = 0;
      return (atMs) => {
        while ((log[first] ?? atMs) <= atMs - windowMs) first += 1;
        log.push(atMs);
        return log.length - first <= limit;
      };
    }
    case 'fixed': {
      const phaseMs = startMs - random() * windowMs;
      let current = -1;
      let used = 0;
      return (atMs) => {
        const index = Math.floor((atMs - phaseMs) / windowMs);
        if (index !== current) used = 0;
        current = index;
        used += 1;
        return used <= limit;
      };
    }
    default: {
      const capacity = kind === 'smoothing' ? Math.min(20, limit) : limit;
      let tokens = capacity;
      let seenMs = startMs;
      return (atMs) => {
        tokens = Math.min(capacity, tokens + ((atMs - seenMs) * limit) / windowMs);
        seenMs = atMs;
        const admitted = tokens >= 1;
        tokens = Math.max(0, tokens - 1);
        return admitted;
      };
    }
  }
}
