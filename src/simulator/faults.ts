/** Things that go wrong on purpose: the next matching requests by script, or a seeded share of all by rate. Layer: simulator. */
import type { Random } from '../domain/ports.ts';
import type { RetryAfterForm } from './throttling/retry-after-form.ts';

/**
 * - `status`: that answer, before any effect. `statusAfterEffect`: the effect happens, the answer says otherwise.
 * - `resetBefore`, `resetAfter`: the connection dies before or after the effect. `slow`: the effect happens, the answer takes `latencyMs` more.
 * - `throttle`: a 429 that pauses the class. `forbiddenFlicker`: a lone 403 `UnknownError`. `expiredToken`: a 401 for a valid token.
 * - `malformed`: an answer that is not what it should be. `nextLink`: a link that loops or leads away. `page`: a page that repeats or loses items.
 *
 * Connection faults, `slow` and `malformed` never strike a single part of a `$batch`, only the whole; `nextLink` and `page` only lists.
 */
export type Fault =
  | {
      readonly kind: 'status' | 'statusAfterEffect';
      readonly status: number;
      readonly code?: string;
      readonly retryAfter?: RetryAfterForm;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'resetBefore' | 'resetAfter' | 'forbiddenFlicker' | 'expiredToken' }
  | { readonly kind: 'slow'; readonly latencyMs: number }
  | { readonly kind: 'throttle'; readonly retryAfter: RetryAfterForm; readonly retryAfterMs?: number }
  | { readonly kind: 'malformed'; readonly variant: 'wrongTypes' | 'missingValue' | 'html' | 'truncated' }
  | { readonly kind: 'nextLink'; readonly variant: 'loop' | 'otherHost' | 'otherVersion' }
  | { readonly kind: 'page'; readonly variant: 'again' | 'half' | 'duplicates' | 'lost' | 'empty' };

type NameOf<F extends Fault> = F extends {
  readonly kind: infer Kind extends string;
  readonly variant: infer V extends string;
}
  ? `${Kind} ${V}`
  : F['kind'];
/** A fault's kind and, where it has some, its variant: `malformed html`. */
export type FaultName = NameOf<Fault>;

/** A record, so that a fault without an entry does not compile. */
const NAMES: Readonly<Record<FaultName, true>> = {
  status: true,
  statusAfterEffect: true,
  resetBefore: true,
  resetAfter: true,
  slow: true,
  throttle: true,
  forbiddenFlicker: true,
  expiredToken: true,
  'malformed wrongTypes': true,
  'malformed missingValue': true,
  'malformed html': true,
  'malformed truncated': true,
  'nextLink loop': true,
  'nextLink otherHost': true,
  'nextLink otherVersion': true,
  'page again': true,
  'page half': true,
  'page duplicates': true,
  'page lost': true,
  'page empty': true,
};

/** Every fault there is. */
export const FAULT_NAMES = Object.keys(NAMES) as readonly FaultName[];

/** What a fault may strike: one HTTP request, or one part of a `$batch`. */
export interface FaultTarget {
  readonly method: string;
  readonly version: string;
  /** Without the version: `/deviceManagement/managedDevices/…`. */
  readonly path: string;
  /** A part of a `$batch`. */
  readonly part: boolean;
  /** Answers with a collection. */
  readonly list: boolean;
}

/** Strikes the next `times` matching requests, after letting `skip` of them pass. */
export interface ScriptedFault {
  readonly fault: Fault;
  readonly method?: string;
  readonly version?: 'v1.0' | 'beta';
  /** Matched against the path without the version. */
  readonly path?: RegExp;
  readonly when?: (target: FaultTarget) => boolean;
  /** Default 1. */
  readonly times?: number;
  /** Default 0. */
  readonly skip?: number;
}

/** Named faults and the share of requests each strikes, 0 to 1. */
export type FaultRates = Readonly<Partial<Record<RatedFault, number>>>;

const RATED = {
  unavailable: { kind: 'status', status: 503 },
  unavailableWithRetryAfter: { kind: 'status', status: 503, retryAfter: 'seconds', retryAfterMs: 2_000 },
  serverError: { kind: 'status', status: 500 },
  badGateway: { kind: 'status', status: 502 },
  gatewayTimeout: { kind: 'status', status: 504 },
  gatewayTimeoutAfterEffect: { kind: 'statusAfterEffect', status: 504 },
  resetBefore: { kind: 'resetBefore' },
  resetAfter: { kind: 'resetAfter' },
  slow: { kind: 'slow', latencyMs: 120_000 },
  throttle: { kind: 'throttle', retryAfter: 'mixed', retryAfterMs: 2_000 },
  forbiddenFlicker: { kind: 'forbiddenFlicker' },
  expiredToken: { kind: 'expiredToken' },
  malformed: { kind: 'malformed', variant: 'truncated' },
  duplicates: { kind: 'page', variant: 'duplicates' },
  lost: { kind: 'page', variant: 'lost' },
  half: { kind: 'page', variant: 'half' },
  again: { kind: 'page', variant: 'again' },
  empty: { kind: 'page', variant: 'empty' },
} as const satisfies Record<string, Fault>;
export type RatedFault = keyof typeof RATED;

/** Every fault that can be given a rate. */
export const RATED_FAULTS = Object.keys(RATED) as readonly RatedFault[];

export interface Faults {
  script(fault: ScriptedFault): void;
  /** The fault that strikes this request, used up by asking. */
  next(target: FaultTarget): Fault | undefined;
  /** Scripted faults that did not strike as often as they should have; in words. */
  unused(): readonly string[];
}

/** How much later than usual an answer with that fault can be read; `Infinity`: never. */
export function delayOf(fault: Fault | undefined): number {
  switch (fault?.kind) {
    case 'slow':
      return fault.latencyMs;
    case 'statusAfterEffect':
    case 'resetAfter':
    case 'malformed':
      return Number.POSITIVE_INFINITY;
    default:
      return 0;
  }
}

function canStrike(fault: Fault, target: FaultTarget): boolean {
  switch (fault.kind) {
    case 'resetBefore':
    case 'resetAfter':
    case 'slow':
    case 'malformed':
      return !target.part;
    case 'nextLink':
    case 'page':
      return target.list;
    // A $batch as a whole is never throttled; its parts are.
    case 'throttle':
      return !target.path.endsWith('/$batch');
    default:
      return true;
  }
}

/** @throws {RangeError} for a rate outside 0 to 1. */
export function createFaults(rates: FaultRates, random: Random): Faults {
  const rated = Object.entries(rates) as [RatedFault, number][];
  for (const [name, rate] of rated) {
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`rate of ${name} must be 0 to 1, got ${rate}`);
  }
  const scripted: { readonly script: ScriptedFault; skip: number; left: number }[] = [];

  function matches({ fault, method, version, path, when }: ScriptedFault, target: FaultTarget): boolean {
    return (
      canStrike(fault, target) &&
      (method === undefined || method === target.method) &&
      (version === undefined || version === target.version) &&
      (path === undefined || path.test(target.path)) &&
      (when === undefined || when(target))
    );
  }

  return {
    script: (script) => {
      scripted.push({ script, skip: script.skip ?? 0, left: script.times ?? 1 });
    },
    next(target) {
      for (const entry of scripted) {
        if (entry.left === 0 || !matches(entry.script, target)) continue;
        if (entry.skip > 0) {
          entry.skip -= 1;
          continue;
        }
        entry.left -= 1;
        return entry.script.fault;
      }
      if (rated.length === 0) return undefined;
      // One draw per request, so that a fault that cannot strike here does not change which requests others strike.
      let draw = random.next();
      for (const [name, rate] of rated) {
        draw -= rate;
        if (draw < 0) return canStrike(RATED[name], target) ? RATED[name] : undefined;
      }
      return undefined;
    },
    unused: () =>
      scripted
        .filter(({ left }) => left > 0)
        .map(({ script, left }) => {
          const where = `${script.method ?? 'any method'} ${script.path?.source ?? 'any path'}`;
          return `${left} × ${JSON.stringify(script.fault)} on ${where}`;
        }),
  };
}
