import { describe, expect, it } from 'vitest';
import { LATENCIES, type PacingCase, runPacingCase } from '../../bench/support/pacing-case.ts';

/** Requests in flight by default: what one burst can lose. */
const BURST = 32;

const name = ({ window, devices, latencyMs, canary, seed }: PacingCase): string =>
  `${window} windows, ${devices} devices, latency ${typeof latencyMs === 'number' ? latencyMs : `up to ${latencyMs[1]}`} ms, canary ${canary}, seed ${seed}`;

/** Every window with every latency and canary setting, each with a seed of its own. */
const ALONE = (['sliding', 'fixed', 'bucket'] as const).flatMap((window, i) =>
  LATENCIES.flatMap((latencyMs, j) =>
    (['off', 'on'] as const).map(
      (canary, k): PacingCase => ({ seed: 1 + 4 * i + 2 * j + k, window, devices: 1_000, latencyMs, canary }),
    ),
  ),
);

// Each run also fails when a device is lost, a count is wrong or the referee saw a rule broken.
describe('as the only writer', () => {
  it.each(ALONE.map((one) => [name(one), one] as const))(
    'the whole app meets no 429 and takes at most 1.03 times the physical floor: %s',
    async (_, one) => {
      const { throttled, ofFloor } = await runPacingCase(one);
      expect(throttled).toBe(0);
      expect(ofFloor).toBeLessThanOrEqual(1.03);
      // Faster would mean more than the limit in some window.
      expect(ofFloor).toBeGreaterThanOrEqual(1);
    },
  );

  it('stays close to the floor in a longer run', async () => {
    const { throttled, ofFloor } = await runPacingCase({
      seed: 21,
      window: 'sliding',
      devices: 3_000,
      latencyMs: [0, 200],
      canary: 'on',
    });
    expect(throttled).toBe(0);
    expect(ofFloor).toBeLessThanOrEqual(1.03);
  });
});

describe('against a server that smooths', () => {
  it.each([31, 32, 33])('loses at most one burst, then uses at least 0.97 of the rate: seed %i', async (seed) => {
    const { throttled, rateShare } = await runPacingCase({
      seed,
      window: 'smoothing',
      devices: 2_000,
      latencyMs: LATENCIES[seed % 2] ?? 200,
      canary: 'off',
    });
    expect(throttled).toBeGreaterThan(0);
    expect(throttled).toBeLessThanOrEqual(BURST);
    expect(rateShare).toBeGreaterThanOrEqual(0.97);
  });
});

describe('while other apps take half of the limit', () => {
  it.each([
    ['sliding', 41],
    ['fixed', 42],
    ['bucket', 43],
  ] as const)(
    '%s windows: no device is lost and fewer than one request in a hundred is throttled once adapted, seed %i',
    async (window, seed) => {
      const { throttled, throttledOnceAdapted } = await runPacingCase({
        seed,
        window,
        devices: 3_000,
        latencyMs: [0, 200],
        canary: 'off',
        foreignShare: 0.5,
      });
      expect(throttled).toBeGreaterThan(0);
      expect(throttledOnceAdapted).toBeLessThan(0.01);
    },
  );
});
