import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leastSendingMs, looksOf, type OutlookFacts, runOutlook } from '../../src/domain/run-outlook.ts';
import { sampleRun } from '../contracts/samples.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 20);
const HOUR_MS = 3_600_000;
const SETTINGS = {
  budgets: {
    write: { limit: 200, windowMs: 20_000 },
    any: { limit: 2_000, windowMs: 20_000 },
  } as OutlookFacts['settings']['budgets'],
  confirmScheduleMs: [HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS],
  canaryWaitMs: 24 * HOUR_MS,
};

function facts(run: Partial<OutlookFacts['run']>, changes: Partial<OutlookFacts> = {}): OutlookFacts {
  return {
    run: sampleRun({
      mode: 'live',
      state: 'rotating',
      devices: 1_000,
      due: 700,
      canaries: 20,
      canaryPassed: true,
      ...run,
    }),
    counts: { planned: 401, requested: 200, proven: 99, notDue: 300 },
    looks: {},
    isHeld: true,
    mode: 'live',
    settings: SETTINGS,
    nowMs: NOW_MS,
    ...changes,
  };
}

describe('a run', () => {
  it('that is sending ends its requests by the quota, and itself after all looks', () => {
    expect(runOutlook(facts({}))).toEqual({
      waitingFor: { kind: 'quota', untilMs: NOW_MS + 40_000 },
      settled: 99,
      toAsk: 401,
      needsLive: false,
      sendingEndsAtMs: NOW_MS + 40_000,
      endsByMs: NOW_MS + 40_000 + 7 * HOUR_MS,
    });
  });

  it('that may send less by the budget of all requests ends by that one', () => {
    const budgets = { ...SETTINGS.budgets, any: { limit: 50, windowMs: 20_000 } };
    expect(runOutlook(facts({}, { settings: { ...SETTINGS, budgets } })).sendingEndsAtMs).toBe(NOW_MS + 160_000);
  });

  it('that waits for its canaries sends the rest when their wait is over, at the latest', () => {
    const canarySentAtMs = NOW_MS - HOUR_MS;
    const waiting = facts(
      { canaryPassed: false, canarySentAtMs },
      { counts: { planned: 680, requested: 20, notDue: 300 }, looks: { nextAtMs: NOW_MS, lastAtMs: NOW_MS + HOUR_MS } },
    );
    const decidedAtMs = canarySentAtMs + SETTINGS.canaryWaitMs;
    expect(runOutlook(waiting)).toMatchObject({
      waitingFor: { kind: 'canary', untilMs: decidedAtMs },
      sendingEndsAtMs: decidedAtMs + 60_000,
      endsByMs: decidedAtMs + 60_000 + 7 * HOUR_MS,
    });
  });

  it('that has yet to send its canaries counts their sending and their wait', () => {
    const fresh = facts({ canaryPassed: false, canaries: 300 }, { counts: { planned: 700, notDue: 300 } });
    expect(runOutlook(fresh).sendingEndsAtMs).toBe(NOW_MS + 20_000 + SETTINGS.canaryWaitMs + 20_000);
  });

  it('that settles ends with its last look', () => {
    const looks = { nextAtMs: NOW_MS + HOUR_MS, lastAtMs: NOW_MS + 5 * HOUR_MS };
    const settling = facts(
      { state: 'settling' },
      { counts: { requested: 10, proven: 690, notDue: 300 }, looks, isHeld: false },
    );
    expect(runOutlook(settling)).toEqual({
      waitingFor: { kind: 'look', untilMs: looks.nextAtMs },
      settled: 690,
      toAsk: 0,
      needsLive: false,
      endsByMs: looks.lastAtMs,
    });
  });

  it.each([
    ['is over', { state: 'completed' }, {}, { kind: 'nothing' }],
    ['is planned', { state: 'planning' }, {}, { kind: 'plan' }],
    ['is planned by nobody', { state: 'planning' }, { isHeld: false }, { kind: 'owner' }],
    [
      'is not wanted yet',
      { state: 'planning', notBeforeMs: NOW_MS + 1 },
      { isHeld: false },
      { kind: 'notBefore', untilMs: NOW_MS + 1 },
    ],
    ['may not send', {}, { mode: 'dryRun', isHeld: false }, { kind: 'mode' }],
    ['may not send again', { state: 'settling' }, { mode: 'off', isHeld: false }, { kind: 'mode' }],
    ['is held by nobody', {}, { isHeld: false }, { kind: 'owner' }],
    [
      'waits for its canaries, whoever asks,',
      { canaryPassed: false, canarySentAtMs: NOW_MS },
      { mode: 'dryRun', isHeld: false },
      { kind: 'canary', untilMs: NOW_MS + SETTINGS.canaryWaitMs },
    ],
  ] as const)('that %s says what it waits for', (_what, run, changes, waitingFor) => {
    expect(runOutlook(facts(run, changes)).waitingFor).toEqual(waitingFor);
  });

  it.each([
    ['live', false, false],
    ['dryRun', false, true],
    ['off', false, true],
    ['dryRun', true, false],
  ] as const)(
    'asked about in mode %s while a process holds it (%s) needs somebody live: %s',
    (mode, isHeld, needsLive) => {
      expect(runOutlook(facts({}, { mode, isHeld })).needsLive).toBe(needsLive);
      const nothingLeft = facts({ state: 'settling' }, { mode, isHeld, counts: { requested: 10 } });
      expect(runOutlook(nothingLeft).needsLive).toBe(false);
    },
  );

  it('that may not send, is planned or is over has no end that anybody can tell', () => {
    for (const one of [
      facts({}, { mode: 'off', isHeld: false }),
      facts({ canaryPassed: false, canarySentAtMs: NOW_MS }, { mode: 'dryRun', isHeld: false }),
      facts({ state: 'planning' }),
      facts({ state: 'aborted' }),
    ])
      expect(runOutlook(one).endsByMs).toBeUndefined();
  });

  it('that is aborted asks nobody more', () => {
    const aborted = facts({ state: 'settling', abortReason: 'canaryFailed' }, { looks: { nextAtMs: 1, lastAtMs: 2 } });
    expect(runOutlook(aborted)).toMatchObject({ toAsk: 0, endsByMs: 2, settled: 99 });
  });
});

describe('looks', () => {
  it('to come follow each other by the schedule; one that is late is due now', () => {
    const { confirmScheduleMs } = SETTINGS;
    expect(looksOf({ look: 0, dueAtMs: NOW_MS + 5 }, confirmScheduleMs, NOW_MS)).toEqual({
      nextAtMs: NOW_MS + 5,
      lastAtMs: NOW_MS + 5 + 6 * HOUR_MS,
    });
    expect(looksOf({ look: 2, dueAtMs: NOW_MS - 5 }, confirmScheduleMs, NOW_MS)).toEqual({
      nextAtMs: NOW_MS,
      lastAtMs: NOW_MS,
    });
  });
});

it('the more there is to ask, the later a run ends; the larger the quota, the sooner', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(100_000), fc.integer({ min: 1, max: 1_000 }), (some, more, limit) => {
      const small = { limit, windowMs: 20_000 };
      const large = { limit: limit + 1, windowMs: 20_000 };
      expect(leastSendingMs(some + more, small)).toBeGreaterThanOrEqual(leastSendingMs(some, small));
      expect(leastSendingMs(some, large)).toBeLessThanOrEqual(leastSendingMs(some, small));
    }),
  );
});
