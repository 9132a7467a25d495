/** How close the whole app comes to the quota, and how many 429s it meets, on a virtual clock over many seeds. Layer: bench. */
import type { WindowType } from '../src/simulator/throttling/throttle-window.ts';
import { type Bench, type BenchCase, mostOf, type Row } from './support/bench.ts';
import { LATENCIES, type PacingCase, type PacingFigures, runPacingCase } from './support/pacing-case.ts';

/** Requests in flight by default, and so the most that one burst can lose. Source: design contract of GRAPH_CONCURRENCY. */
const BURST = 32;
/** Runs for each window, fleet size, latency and canary setting. */
const RUNS: Readonly<Record<number, number>> = { 1000: 10, 2000: 6, 5000: 2 };

async function allOf(cases: readonly PacingCase[]): Promise<readonly PacingFigures[]> {
  const figures: PacingFigures[] = [];
  for (const one of cases) figures.push(await runPacingCase(one));
  return figures;
}

function seeds(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

const most = (figures: readonly PacingFigures[], of: (one: PacingFigures) => number): number =>
  Math.max(...figures.map(of));
const least = (figures: readonly PacingFigures[], of: (one: PacingFigures) => number): number =>
  Math.min(...figures.map(of));
const mean = (figures: readonly PacingFigures[], of: (one: PacingFigures) => number): number =>
  figures.reduce((sum, one) => sum + of(one), 0) / figures.length;

function alone(window: WindowType, devices: number, firstSeed: number): BenchCase {
  const cases = LATENCIES.flatMap((latencyMs, i) =>
    (['off', 'on'] as const).flatMap((canary, j) =>
      seeds(firstSeed + 100 * (2 * i + j), RUNS[devices] ?? 1).map(
        (seed): PacingCase => ({ seed, window, devices, latencyMs, canary }),
      ),
    ),
  );
  return {
    name: `${window}-${devices}`,
    async measure(): Promise<Row> {
      const figures = await allOf(cases);
      return {
        server: window,
        others: 'none',
        devices,
        runs: figures.length,
        '429s at most': most(figures, ({ throttled }) => throttled),
        'of the floor, mean': mean(figures, ({ ofFloor }) => ofFloor),
        'of the floor, worst': most(figures, ({ ofFloor }) => ofFloor),
        'rate, least': '',
        'adapted 429s, worst': '',
      };
    },
  };
}

/** Servers that throttle although we keep to the limit. */
function adapting(
  window: WindowType,
  devices: number,
  foreignShare: number,
  firstSeed: number,
  runs: number,
): BenchCase {
  const cases = seeds(firstSeed, runs).map(
    (seed): PacingCase => ({
      seed,
      window,
      devices,
      latencyMs: LATENCIES[seed % 2] ?? 200,
      canary: 'off',
      foreignShare,
    }),
  );
  return {
    name: `${window}-${devices}-foreign-${foreignShare}`,
    async measure(): Promise<Row> {
      const figures = await allOf(cases);
      return {
        server: window,
        others: foreignShare === 0 ? 'none' : `take ${foreignShare * 100} %`,
        devices,
        runs: figures.length,
        '429s at most': most(figures, ({ throttled }) => throttled),
        'of the floor, mean': mean(figures, ({ ofFloor }) => ofFloor),
        'of the floor, worst': most(figures, ({ ofFloor }) => ofFloor),
        'rate, least': least(figures, ({ rateShare }) => rateShare),
        'adapted 429s, worst': most(figures, ({ throttledOnceAdapted }) => throttledOnceAdapted),
      };
    },
  };
}

const WINDOWS = ['sliding', 'fixed', 'bucket'] as const;
const ALONE = WINDOWS.flatMap((window, i) =>
  [1_000, 2_000, 5_000].map((devices, j) => alone(window, devices, 1_000 * (1 + 3 * i + j))),
);
const SMOOTHING = [adapting('smoothing', 2_000, 0, 20_000, 20)];
const FOREIGN = WINDOWS.map((window, i) => adapting(window, 5_000, 0.5, 30_000 + 100 * i, 5));

/** As the only writer, against a server that smooths, and with other apps taking half of the limit. Every device is proven in every run. */
export const pacing: Bench = {
  name: 'pacing',
  about: 'plan, rotate and settle on a virtual clock; canary off and on; latency 0.2 s, or anything up to it',
  cases: [...ALONE, ...SMOOTHING, ...FOREIGN],
  goals(rows) {
    const alone = rows.slice(0, ALONE.length);
    const smoothing = rows.slice(ALONE.length, ALONE.length + SMOOTHING.length);
    const foreign = rows.slice(ALONE.length + SMOOTHING.length);
    return [
      { what: 'only writer, 429s', measured: mostOf(alone, '429s at most'), atMost: 0 },
      {
        what: 'only writer, time against the physical floor',
        measured: mostOf(alone, 'of the floor, worst'),
        atMost: 1.03,
      },
      { what: 'smoothing server, 429s: one burst', measured: mostOf(smoothing, '429s at most'), atMost: BURST },
      {
        what: 'smoothing server, share of the rate',
        measured: Math.min(...smoothing.map((row) => Number(row['rate, least']))),
        atLeast: 0.97,
      },
      {
        what: 'others take half, share of 429s once adapted',
        measured: mostOf(foreign, 'adapted 429s, worst'),
        atMost: 0.01,
      },
    ];
  },
};
