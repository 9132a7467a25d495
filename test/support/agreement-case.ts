/** A random fleet and what it lives through: its settings, the tenant's moods, other people. All of it follows from one seed. */
import type { Random } from '../../src/domain/ports.ts';
import { type Behaviour, behaviourOf, MIXED_BLOCK } from '../../src/simulator/devices/device-kind.ts';
import type { DeviceSpec } from '../../src/simulator/devices/device-profile.ts';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { DAY_MS, HOUR_MS, type WorldOptions } from './world.ts';

export interface AgreementCase {
  readonly seed: number;
  readonly options: WorldOptions;
  /** Of `raiseStorm`. */
  readonly strength: number;
  /** The first run is a dry one. */
  readonly startsDry: boolean;
  /** Share of storage operations that fail. */
  readonly storageFailures: number;
  /** For two hours looks make no sense. */
  readonly isGarbled: boolean;
}

const DEVICES = 900;

/** Names that devices should not have, and may. */
const AWKWARD_NAMES = [
  '=HYPERLINK("https://evil.example")',
  'a,b',
  'say "hi"',
  'two\r\nlines',
  'PC;=1+1',
  '<b>bold</b>',
  '-2146893818',
  '\u202egnp.exe',
  "'quoted",
] as const;
const BROKEN: readonly Behaviour[] = ['fails', 'notSupported', 'canceled', 'refuses', 'saysDone', 'neverChecksIn'];
/** The default; and two so short that many devices obey after the last look. */
const SCHEDULES = ['PT30M,PT2H,PT8H,P1D,P3D,P6D', 'PT30M,PT2H,PT3H', 'PT1H,PT4H,P1D'] as const;

/** The same number is the same case. What a case of its own is needed for comes by turns, the rest by chance. */
export function agreementCase(number: number): AgreementCase {
  const seed = 6_000 + number;
  const random = createSeededRandom(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  const turn = (of: number) => number % of === 0;
  const write = one([200, 60]);
  const isBroken = turn(4);
  return {
    seed,
    strength: one([0.5, 1, 1.5]),
    startsDry: turn(5),
    storageFailures: number % 4 === 3 ? 0.0003 : 0,
    isGarbled: number % 3 === 1,
    options: {
      seed,
      devices: drawFleet(random, isBroken ? 0.5 : 0.02),
      pageSize: one([100, 250, 1_000]),
      latencyMs: [20, 120],
      clockSkewMs: Math.round((random.next() - 0.5) * 20_000),
      tokenLifetimeMs: one([1, 24]) * HOUR_MS,
      secondRequest: one(['queued', 'merged']),
      encryptionStateIds: one(['managedDeviceId', 'entraDeviceId']),
      historyLimit: 0,
      plantSecrets: true,
      throttling: {
        window: one(['sliding', 'fixed', 'bucket']),
        fixedPhaseMs: 7_000,
        foreignShare: one([0, 0.3, (nowMs: number) => (Math.floor(nowMs / HOUR_MS) % 2 === 0 ? 0.6 : 0)]),
        retryAfter: 'mixed',
        limits: { write: { limit: write, windowMs: 20_000 } },
      },
      settings: {
        GRAPH_WRITE_BUDGET: `${write}/PT20S`,
        CONFIRM_SCHEDULE: SCHEDULES[number % SCHEDULES.length] ?? '',
        ROTATION_TIME_BUDGET: one(['PT1M', 'PT8M']),
        ROTATION_MAX_DEVICES: one(['400', '10000']),
        ROTATION_CANARY_DEVICES: number % 2 === 0 ? '20' : '0',
        ROTATION_CANARY_MIN_PROVEN: isBroken ? '0.8' : '0.3',
        ROTATION_ABORT_FAILURE_RATE: number % 4 < 2 ? '0.2' : '1',
        ROTATION_EXCLUDE: one(['', 'LT-FRA-*']),
        RECORD_TO_GRAPH: String(turn(6)),
      },
    },
  };
}

/** Every kind in its usual share; of those that work, some are broken, slow, hardly due, nearly full, or oddly named. */
function drawFleet(random: Random, brokenShare: number): readonly DeviceSpec[] {
  const specs: DeviceSpec[] = [];
  while (specs.length < DEVICES) {
    const kind = MIXED_BLOCK[Math.floor(random.next() * MIXED_BLOCK.length)] ?? 'online';
    if (kind === 'duplicateRecord') specs.push(...secondRecord(random));
    else if (kind === 'escrowFailing' && random.next() < 0.3) specs.push({ kind, behaviour: 'fails' });
    else specs.push({ kind, ...oddity(random, behaviourOf(kind) === 'rotates' && kind !== 'keyYoung', brokenShare) });
  }
  return specs;
}

/** A device, and a stale record of the same. */
function secondRecord(random: Random): readonly DeviceSpec[] {
  const same = { entraDeviceId: random.guid(), osKeys: 1, keyAgeDays: 100 + random.next() * 300 };
  const staleMs = (3 + random.next() * 8) * DAY_MS;
  return [
    { kind: 'online', ...same },
    { kind: 'duplicateRecord', ...same, lastSyncAgoMs: staleMs },
  ];
}

function oddity(random: Random, works: boolean, brokenShare: number): Partial<DeviceSpec> {
  const draw = random.next();
  const name = random.next() < 0.01 ? AWKWARD_NAMES[Math.floor(random.next() * AWKWARD_NAMES.length)] : undefined;
  const named = name === undefined ? {} : { name };
  if (!works) return named;
  if (random.next() < brokenShare) return { ...named, ...brokenWith(random) };
  if (draw < 0.12) return { ...named, keyAgeDays: 20 + random.next() * 70 };
  if (draw < 0.16) return { ...named, checkInDelayMs: (1 + random.next() * 20) * DAY_MS };
  if (draw < 0.19) return { ...named, escrowDelayMs: (1 + random.next() * 48) * HOUR_MS };
  if (draw < 0.2) return { ...named, escrowDelayMs: (12 + random.next() * 8) * DAY_MS };
  if (draw < 0.22) return { ...named, osKeys: 176 + Math.floor(random.next() * 22) };
  return named;
}

function brokenWith(random: Random): Partial<DeviceSpec> {
  const behaviour = BROKEN[Math.floor(random.next() * BROKEN.length)] ?? 'fails';
  return { behaviour, ...(random.next() < 0.2 ? { checkInDelayMs: (4 + random.next() * 16) * DAY_MS } : {}) };
}
