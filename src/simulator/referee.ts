/** Watches the rules a well-behaved client keeps, and counts. A test that leaves a violation fails. Layer: simulator. */

import type { Budget } from '../domain/request-class.ts';
import { createPauseWatch } from './throttling/pause-watch.ts';
import type { ThrottleClass } from './throttling/throttle.ts';
import { createTimestampQueue, type TimestampQueue } from './throttling/timestamp-queue.ts';

/**
 * - `doubleRotation`: accepted for a device while an earlier accepted request may still take effect.
 * - `requestDuringPause`: sent after a Retry-After was received and before it ended.
 * - `keyMaterialRequested`: `$select=key`. `wrongVersion`: v1.0 and beta mixed up. `unsupportedQueryOption`: an option or filter that Graph does not have there.
 * - `unexpectedBody`: a body where none belongs. `missingUserAgent`: recovery keys without one. `missingClientRequestId`: no GUID of its own.
 * - `badBatch`: more than 20 parts, ids not unique, URLs not relative. `tokenSentElsewhere`: the bearer token left the Graph host.
 * - `badSkipToken`: a nextLink not followed as it was given.
 * - `duplicateStateCreation`: one encryption state created twice: the same body within an hour (or what the tenant was made
 *   with), more often than there are devices of that name.
 * - `recoveryPasswordInUrl`: where every proxy logs it.
 */
export type ViolationKind =
  | 'doubleRotation'
  | 'requestDuringPause'
  | 'keyMaterialRequested'
  | 'wrongVersion'
  | 'unsupportedQueryOption'
  | 'unexpectedBody'
  | 'missingUserAgent'
  | 'missingClientRequestId'
  | 'badBatch'
  | 'tokenSentElsewhere'
  | 'badSkipToken'
  | 'duplicateStateCreation'
  | 'recoveryPasswordInUrl';

export interface Violation {
  readonly kind: ViolationKind;
  readonly detail: string;
  readonly atMs: number;
}

/** What arrived in one request class; our requests only, each `$batch` part counted. */
export interface ClassCount {
  readonly requests: number;
  /** Answered 429, by the window or by a fault. */
  readonly throttled: number;
  /** The most in any one window, wherever it begins. */
  readonly maxInWindow: number;
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
}

export interface Referee {
  /** The first 100; `violationCounts` has them all. */
  readonly violations: readonly Violation[];
  readonly violationCounts: Readonly<Partial<Record<ViolationKind, number>>>;
  readonly classes: Readonly<Record<ThrottleClass, ClassCount>>;
  /** HTTP requests as the client made them: a `$batch` is one. */
  readonly httpRequests: number;
  /** Rotation requests accepted (204, or an effect whose answer was lost). */
  readonly rotationsAccepted: number;
  /** @throws {Error} listing the violations, when there are any. */
  assertClean(): void;
}

/** What the tenant tells its referee. */
export interface RefereeDesk {
  readonly referee: Referee;
  violation(kind: ViolationKind, detail: string, atMs: number): void;
  httpRequest(): void;
  rotationAccepted(): void;
  /** A request or batch part arrived. */
  arrived(classes: readonly ThrottleClass[], atMs: number, sentAtMs: number, what: string): void;
  throttled(throttleClass: ThrottleClass): void;
  /** An answer asks for a pause of the class. */
  pause(throttleClass: ThrottleClass, knownAtMs: number, untilMs: number): void;
}

const KEPT = 100;

/** `limits`: already divided by the tenant's speed. */
export function createReferee(limits: Readonly<Record<ThrottleClass, Budget>>, pauseGraceMs: number): RefereeDesk {
  const violations: Violation[] = [];
  const violationCounts: Partial<Record<ViolationKind, number>> = {};
  const pauses = createPauseWatch(pauseGraceMs);
  const tallies = Object.fromEntries(
    (Object.keys(limits) as ThrottleClass[]).map((name) => [name, createTally(limits[name].windowMs)]),
  ) as unknown as Readonly<Record<ThrottleClass, Tally>>;
  let httpRequests = 0;
  let rotationsAccepted = 0;

  function violation(kind: ViolationKind, detail: string, atMs: number): void {
    violationCounts[kind] = (violationCounts[kind] ?? 0) + 1;
    if (violations.length < KEPT) violations.push({ kind, detail, atMs });
  }

  const referee: Referee = {
    violations,
    violationCounts,
    classes: tallies,
    get httpRequests() {
      return httpRequests;
    },
    get rotationsAccepted() {
      return rotationsAccepted;
    },
    assertClean() {
      if (violations.length === 0) return;
      const lines = violations.map(({ kind, detail, atMs }) => `${new Date(atMs).toISOString()} ${kind}: ${detail}`);
      throw new Error(`the referee saw violations: ${JSON.stringify(violationCounts)}\n${lines.join('\n')}`);
    },
  };

  return {
    referee,
    violation,
    httpRequest: () => {
      httpRequests += 1;
    },
    rotationAccepted: () => {
      rotationsAccepted += 1;
    },
    arrived(classes, atMs, sentAtMs, what) {
      for (const name of classes) tallies[name].add(atMs);
      const leftMs = pauses.brokenBy(classes, sentAtMs);
      if (leftMs !== undefined) violation('requestDuringPause', `${what}, ${leftMs.toFixed(0)} ms too early`, atMs);
    },
    throttled: (name) => tallies[name].reject(),
    pause: (name, knownAtMs, untilMs) => pauses.pause(name, knownAtMs, untilMs),
  };
}

interface Tally extends ClassCount {
  add(atMs: number): void;
  reject(): void;
}

function createTally(windowMs: number): Tally {
  const recent: TimestampQueue = createTimestampQueue();
  let requests = 0;
  let throttled = 0;
  let maxInWindow = 0;
  let firstAtMs: number | undefined;
  let lastAtMs: number | undefined;
  return {
    get requests() {
      return requests;
    },
    get throttled() {
      return throttled;
    },
    get maxInWindow() {
      return maxInWindow;
    },
    get firstAtMs() {
      return firstAtMs;
    },
    get lastAtMs() {
      return lastAtMs;
    },
    add(atMs) {
      requests += 1;
      firstAtMs ??= atMs;
      lastAtMs = atMs;
      recent.dropUntil(atMs - windowMs);
      recent.push(atMs);
      maxInWindow = Math.max(maxInWindow, recent.size());
    },
    reject: () => {
      throttled += 1;
    },
  };
}
