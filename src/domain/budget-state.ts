/** The shared state of one request class's budget: one row, read and written by every instance. Plain JSON data. Layer: domain. */

/** Slots an owner reserved or has in flight: `count` of them, free again at `releaseAtMs` at the latest, whatever becomes of the owner. */
export interface Hold {
  readonly owner: string;
  readonly count: number;
  readonly releaseAtMs: number;
}

/** Slots an owner used and had answered, packed to keep the row small. */
export interface UsedSlots {
  readonly owner: string;
  readonly fromMs: number;
  readonly stepMs: number;
  /** Pairs, ascending: `s, n` means that `n` slots are free again at `fromMs + s * stepMs`. */
  readonly slots: readonly number[];
}

/** On-demand work waiting for slots; bulk work takes none meanwhile. */
export interface Want {
  readonly owner: string;
  readonly count: number;
  /** Ignored after this: its owner died, or was served. */
  readonly untilMs: number;
}

/** A share of the limit that was cut, and how it comes back: see `factorAt`. */
export interface LoweredShare {
  /** Right after the cut, 0.05 to 1. */
  readonly factor: number;
  /** When it begins to recover: the end of the pause that came with the cut. */
  readonly factorAtMs: number;
  /** The share that recovery reaches quickly and then only creeps past: about where the last 429 came. */
  readonly ceiling: number;
}

/** A time in which nothing of the class was started, since Graph had answered 429. Those of one flight are one pause. */
export interface ThrottlePause {
  /** When the first 429 came. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** How many answers were 429; a `$batch` with some among its parts is one. */
  readonly throttled: number;
  /** What was left of the limit from then on; absent when all of it. */
  readonly lowered?: LoweredShare;
}

/** All instants in the storage server's clock. Every owner rewrites its own entries in whole, and drops anyone's that have run out. */
export interface BudgetState extends LoweredShare {
  readonly holds: readonly Hold[];
  readonly used: readonly UsedSlots[];
  readonly wants: readonly Want[];
  /** Nothing of the class starts before this. 0: not paused. */
  readonly pausedUntilMs: number;
  /** When the last 429 came that was not of the same flight as one before. */
  readonly throttledAtMs: number;
  /** `eager`: slot log alone. `smooth`: starts spread evenly too. */
  readonly pace: 'eager' | 'smooth';
  /** The run during which the pace became smooth; a later run goes back to eager. */
  readonly smoothRunId?: string;
  /** GCRA: theoretical start of the next request. */
  readonly nextStartAtMs: number;
  /** The latest pauses, ascending, none within another. Absent: none yet. */
  readonly pauses?: readonly ThrottlePause[];
}

/** A budget nobody has used yet; what an absent row means. */
export const FRESH_BUDGET: BudgetState = {
  holds: [],
  used: [],
  wants: [],
  pausedUntilMs: 0,
  throttledAtMs: 0,
  factor: 1,
  factorAtMs: 0,
  ceiling: 1,
  pace: 'eager',
  nextStartAtMs: 0,
};
