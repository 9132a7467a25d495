/** Reads a run's standing again and again and reports it. Layer: cli. */
import { type RunReport, reportRun } from '../../app/report-run.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Ledger } from '../../domain/ledger.ts';
import type { Clock } from '../../domain/ports.ts';
import type { Budget } from '../../domain/request-class.ts';
import type { Run } from '../../domain/run.ts';
import type { Waiting } from './drive-run.ts';
import { type Stage, stageOf } from './stage.ts';

/** Where a run stands, with what only its watcher knows. */
export interface RunStanding {
  readonly report: RunReport;
  readonly stage: Stage;
  /** Due devices dealt with, in order. */
  readonly asked: number;
  /** Of which canaries come first. */
  readonly canaries: number;
  /** Requests a second, over the last seconds; absent when nothing was sent. */
  readonly perSecond?: number;
  /** Of the write budget, at that rate; 0 to 1. */
  readonly quotaShare?: number;
  /** While planning in this process. */
  readonly read?: { readonly devices: number; readonly keys: number };
  readonly waiting?: Waiting;
  readonly nowMs: number;
}

/** The rate is taken over this by default. Chosen: a block of a hundred takes ten seconds at the documented limit. */
const RATE_OVER_MS = 20_000;

/** Turns readings of a run into standings, remembering enough for a rate. */
export function createStandings(
  writeBudget: Budget,
  rateOverMs: number = RATE_OVER_MS,
): (run: Run, report: RunReport, nowMs: number) => RunStanding {
  let samples: readonly { readonly atMs: number; readonly asked: number }[] = [];
  return (run, report, nowMs) => {
    samples = [...samples.filter((sample) => sample.atMs > nowMs - rateOverMs), { atMs: nowMs, asked: run.nextOrder }];
    const first = samples[0];
    const spanMs = first === undefined ? 0 : nowMs - first.atMs;
    const sent = first === undefined ? 0 : run.nextOrder - first.asked;
    const perSecond = spanMs > 0 && sent > 0 ? (sent * 1_000) / spanMs : undefined;
    return {
      report,
      stage: stageOf(run),
      asked: run.nextOrder,
      canaries: run.canaries,
      ...(perSecond === undefined
        ? {}
        : { perSecond, quotaShare: Math.min(1, (perSecond * writeBudget.windowMs) / 1_000 / writeBudget.limit) }),
      nowMs,
    };
  };
}

export interface WatchOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly runId: RunId;
  readonly writeBudget: Budget;
  /** Between two readings. */
  readonly everyMs: number;
  /** Default 20 s. */
  readonly rateOverMs?: number;
  readonly onStanding: (standing: RunStanding) => void;
  /** A reading failed; the next may succeed, and the work itself reports its own faults. */
  readonly onFault: (error: unknown) => void;
}

export interface RunWatch {
  /** Something changed: reads now instead of at its time. */
  refresh(): void;
  /** Reads once more, so that the last standing is the final one. */
  stop(): Promise<void>;
}

/** Watches until stopped. */
export function watchRun(options: WatchOptions): RunWatch {
  const { ledger, clock, runId } = options;
  const over = new AbortController();
  let nap = new AbortController();
  const standing = createStandings(options.writeBudget, options.rateOverMs);

  async function read(): Promise<void> {
    try {
      const found = await ledger.readRun(runId);
      if (found === undefined) return;
      options.onStanding(standing(found.value, await reportRun(ledger, found.value), clock.nowMs()));
    } catch (error) {
      options.onFault(error);
    }
  }

  async function loop(): Promise<void> {
    while (!over.signal.aborted) {
      nap = new AbortController();
      const woken = AbortSignal.any([over.signal, nap.signal]);
      await read();
      try {
        await clock.sleep(options.everyMs, woken);
      } catch (error) {
        if (!woken.aborted) throw error;
      }
    }
  }

  const done = loop();
  return {
    refresh: () => nap.abort(),
    async stop() {
      over.abort(new Error('watched enough'));
      await done;
      await read();
    },
  };
}
