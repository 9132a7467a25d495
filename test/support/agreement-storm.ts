/** Every fault of the simulated tenant at random, in a storm that can be calmed, and a note of what struck. */
import type { Random } from '../../src/domain/ports.ts';
import type { Fault, FaultName, ScriptedFault } from '../../src/simulator/faults.ts';
import { createSeededRandom, unitHash } from '../../src/simulator/seeded-random.ts';
import type { SimulatedTenant } from '../../src/simulator/simulated-tenant.ts';
import type { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { ROTATION, WHOLE_BATCH } from '../app/faults/places.ts';
import { DAY_MS, HOUR_MS, START_MS } from './world.ts';

/** `rough`: nothing that falsifies a listing without a trace, or ends it. */
export type Weather = 'storm' | 'rough' | 'calm';

export interface Storm {
  weather: Weather;
  /** What struck, and when. */
  readonly struck: ReadonlyMap<FaultName, readonly number[]>;
}

interface Gust {
  readonly fault: Fault;
  /** Share of the requests it can strike, 0 to 1. */
  readonly share: number;
  readonly place?: Pick<ScriptedFault, 'method' | 'path' | 'when'>;
  readonly isRough?: true;
}

const UNAVAILABLE = [500, 502, 503, 504] as const;
const RETRY_AFTERS = ['seconds', 'fraction', 'date', 'absent', 'nested'] as const;
/** What no client can take for a time to wait, or only just. */
const RAW_RETRY_AFTERS = ['0', '-5', '1.5', 'soon', '', 'Thu, 01 Jan 1970 00:00:00 GMT'] as const;

const GUSTS: readonly Gust[] = [
  ...UNAVAILABLE.map((status): Gust => ({ fault: { kind: 'status', status }, share: 0.002, isRough: true })),
  {
    fault: { kind: 'status', status: 503, retryAfter: 'seconds', retryAfterMs: 2_000 },
    share: 0.002,
    isRough: true,
  },
  ...[500, 504].map((status): Gust => ({ fault: { kind: 'statusAfterEffect', status }, share: 0.003, isRough: true })),
  { fault: { kind: 'resetBefore' }, share: 0.004, isRough: true },
  { fault: { kind: 'resetAfter' }, share: 0.004, isRough: true },
  { fault: { kind: 'slow', latencyMs: 120_000 }, share: 0.002 },
  ...RETRY_AFTERS.map(
    (retryAfter): Gust => ({
      fault: { kind: 'throttle', retryAfter, retryAfterMs: 3_000 },
      share: 0.0005,
      isRough: true,
    }),
  ),
  ...RAW_RETRY_AFTERS.map(
    (raw): Gust => ({ fault: { kind: 'throttle', retryAfter: { raw } }, share: 0.0003, isRough: true }),
  ),
  { fault: { kind: 'forbiddenFlicker' }, share: 0.003, isRough: true },
  { fault: { kind: 'expiredToken' }, share: 0.001, isRough: true },
  ...(['wrongTypes', 'missingValue'] as const).map(
    (variant): Gust => ({ fault: { kind: 'malformed', variant }, share: 0.001 }),
  ),
  ...(['html', 'truncated'] as const).map(
    (variant): Gust => ({ fault: { kind: 'malformed', variant }, share: 0.002, isRough: true }),
  ),
  ...(['loop', 'otherHost', 'otherVersion'] as const).map(
    (variant): Gust => ({ fault: { kind: 'nextLink', variant }, share: 0.0015 }),
  ),
  ...(['again', 'half', 'duplicates', 'empty'] as const).map(
    (variant): Gust => ({ fault: { kind: 'page', variant }, share: 0.01, isRough: true }),
  ),
  // Of devices only: a key that was lost makes its device look older than it is, or dangerous, and nobody can tell.
  {
    fault: { kind: 'page', variant: 'lost' },
    share: 0.05,
    place: { method: 'GET', path: /^\/deviceManagement\/managedDevices$/ },
  },
];

/** Answers to a rotation request that stay for so long, for so many in a thousand devices: a clear no, or none that tells anything. */
const STUBBORN_IN_A_THOUSAND = 3;
const STUBBORN = [
  ...[400, 403, 404, 409].map((status) => ({ status, forMs: DAY_MS })),
  { status: 503, forMs: 10 * DAY_MS },
] as const;

/** Begins as a storm. `strength` 1: about 4 % of all requests. */
export function raiseStorm(sim: SimulatedTenant, clock: VirtualClock, seed: number, strength: number): Storm {
  const random: Random = createSeededRandom(seed);
  const struck = new Map<FaultName, number[]>();
  const storm = { weather: 'storm' as Weather, struck };
  const strike = (fault: Fault): true => {
    const times = struck.get(nameOf(fault)) ?? [];
    struck.set(nameOf(fault), times);
    times.push(clock.nowMs());
    return true;
  };

  for (const [i, { status, forMs }] of STUBBORN.entries()) {
    const fault: Fault = { kind: 'status', status };
    const isStruck = (path: string) =>
      unitHash(seed + i, hashOf(path), Math.floor((clock.nowMs() - START_MS) / forMs)) < STUBBORN_IN_A_THOUSAND / 1_000;
    sim.script({
      ...ROTATION,
      fault,
      times: Number.POSITIVE_INFINITY,
      when: ({ path }) => storm.weather === 'storm' && isStruck(path) && strike(fault),
    });
  }
  for (const { fault, share, place, isRough } of GUSTS) {
    sim.script({
      ...place,
      fault,
      times: Number.POSITIVE_INFINITY,
      when: () =>
        (storm.weather === 'storm' || (storm.weather === 'rough' && isRough === true)) &&
        random.next() < share * strength &&
        strike(fault),
    });
  }
  return storm;
}

/** Looks make no sense for so long: those that fall due meanwhile are given up. */
export function garbleLooks(sim: SimulatedTenant, clock: VirtualClock, fromMs: number): void {
  sim.script({
    ...WHOLE_BATCH,
    fault: { kind: 'malformed', variant: 'html' },
    times: Number.POSITIVE_INFINITY,
    when: () => clock.nowMs() >= fromMs && clock.nowMs() < fromMs + 2 * HOUR_MS,
  });
}

function nameOf(fault: Fault): FaultName {
  return ('variant' in fault ? `${fault.kind} ${fault.variant}` : fault.kind) as FaultName;
}

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
