/** One run of the whole app against one kind of server: its 429s, and its time against the physical floor. Layer: bench. */
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import type { RetryAfterForm } from '../../src/simulator/throttling/retry-after-form.ts';
import type { WindowType } from '../../src/simulator/throttling/throttle-window.ts';
import { type Asked, createSimulation } from './simulation.ts';

/** Source: graph-facts, managedDevices writes per app and tenant: 200 in 20 s (read 2026-11-22). */
const LIMIT = 200;
const WINDOW_MS = 20_000;
const CANARIES = 20;
/** From then on a pace that had to adapt has done so, ms after the first request. */
const ADAPTED_MS = 10 * WINDOW_MS;

/** How long an answer takes: up to 0.2 s, or always that long. */
export const LATENCIES: readonly PacingCase['latencyMs'][] = [200, [0, 200]];
const RETRY_AFTER: readonly RetryAfterForm[] = ['seconds', 'fraction', 'date', 'absent', 'nested'];

export interface PacingCase {
  /** Also picks the phase of fixed windows and the form of Retry-After. */
  readonly seed: number;
  readonly window: WindowType;
  readonly devices: number;
  /** Round trip to the tenant: always that long, or anything up to it. */
  readonly latencyMs: number | readonly [number, number];
  readonly canary: 'on' | 'off';
  /** Share of every limit that other apps use up, 0 to 1. */
  readonly foreignShare?: number;
}

export interface PacingFigures {
  /** Rotation requests answered 429. */
  readonly throttled: number;
  /** Rotation requests of the measured phase: without the canaries and the wait for them. */
  readonly requests: number;
  /** From the first request of that phase to its last answer, ms. */
  readonly tookMs: number;
  /** `tookMs` over `⌊(N − 1) / limit⌋ × window`. */
  readonly ofFloor: number;
  /** Accepted rotations over what the limit allows, once two windows have passed: the share of the rate that is used. */
  readonly rateShare: number;
  /** Share of requests answered 429 once adapted: after the first ten windows. */
  readonly throttledOnceAdapted: number;
}

/** Plans, waits for the canaries if there are any, rotates, settles, on a virtual clock. @throws {Error} when a device was lost. */
export async function runPacingCase(options: PacingCase): Promise<PacingFigures> {
  const { seed, window, devices, latencyMs, canary, foreignShare = 0 } = options;
  const random = createSeededRandom(seed * 7 + 3);
  const simulation = createSimulation({
    devices,
    fleet: 'healthy',
    seed,
    latencyMs,
    throttling: {
      window,
      fixedPhaseMs: random.next() * WINDOW_MS,
      foreignShare,
      retryAfter: RETRY_AFTER[seed % RETRY_AFTER.length] ?? 'seconds',
    },
    storageLatencyMs: () => 5 + 15 * random.next(),
    settings: { ROTATION_CANARY_DEVICES: canary === 'on' ? String(CANARIES) : '0' },
  });
  const run = await simulation.runOnce();
  simulation.tenant.referee.assertClean();
  const proven = run.finalCounts?.proven ?? 0;
  if (proven !== devices || simulation.tenant.truth.rotatedCount() !== devices)
    throw new Error(
      `of ${devices} devices ${simulation.tenant.truth.rotatedCount()} rotated and ${proven} were proven`,
    );
  return figuresOf(simulation.asked, canary === 'on' ? CANARIES : 0);
}

function figuresOf(asked: readonly Asked[], canaries: number): PacingFigures {
  const bySending = asked.toSorted((a, b) => a.sentAtMs - b.sentAtMs);
  const fleet = bySending.slice(canaries);
  const accepted = fleet.filter(({ status }) => status === 204);
  const firstAtMs = fleet[0]?.sentAtMs ?? 0;
  const lastAtMs = Math.max(...fleet.map(({ answeredAtMs }) => answeredAtMs));
  const tookMs = lastAtMs - firstAtMs;
  const floorMs = Math.floor((accepted.length - 1) / LIMIT) * WINDOW_MS;
  const late = accepted.filter(({ answeredAtMs }) => answeredAtMs >= firstAtMs + 2 * WINDOW_MS);
  const adapted = fleet.filter(({ sentAtMs }) => sentAtMs >= firstAtMs + ADAPTED_MS);
  return {
    throttled: asked.filter(({ status }) => status === 429).length,
    requests: fleet.length,
    tookMs,
    ofFloor: tookMs / floorMs,
    rateShare: late.length / (((lastAtMs - firstAtMs - 2 * WINDOW_MS) * LIMIT) / WINDOW_MS),
    throttledOnceAdapted:
      adapted.length === 0 ? 0 : adapted.filter(({ status }) => status === 429).length / adapted.length,
  };
}
