import { describe, expect, it } from 'vitest';
import type { PastRotation } from '../../../src/app/device-history.ts';
import type { OutlookReport } from '../../../src/app/report-outlook.ts';
import {
  historyLines,
  outlookLines,
  type RunStatus,
  statusTable,
  waitingWords,
} from '../../../src/cli/render/status-lines.ts';
import type { ManagedDeviceId, RunId } from '../../../src/domain/ids.ts';
import { NOW_MS, PLAIN, report } from '../samples.ts';

const IN_FIVE = '2026-11-22T20:20:00.000Z';

const SETTLING = { state: 'settling', mode: 'live', trigger: 'schedule' } as const;

function status(outlook: Partial<OutlookReport> = {}) {
  return {
    ...report(),
    outlook: {
      waitingFor: { kind: 'look', until: IN_FIVE },
      settled: 310,
      toAsk: 0,
      needsLive: false,
      endsBy: '2026-12-02T08:00:00.000Z',
      ...outlook,
    } as OutlookReport,
  };
}

describe('the table of runs', () => {
  it('has one line a run: what is settled, when it ends and what it waits for', () => {
    const [, line] = statusTable({ runs: [status()], leftOut: 0 }, NOW_MS, PLAIN, 200);
    expect(line).toBe(
      '20261122-200000-1a2b3c4d  settling  live    1,000  700     300  310/700  2026-12-02 08:00  its next look, 2026-11-22 20:20 UTC, in 5 min',
    );
  });

  it('says what to do when there is none', () => {
    expect(statusTable({ runs: [], leftOut: 0 }, NOW_MS, PLAIN, 80)[0]).toContain('keyturn plan');
  });
});

describe('what stands below the table of runs', () => {
  const finished = { ...status(), state: 'completed' } as const;
  const below = (runs: readonly RunStatus[], leftOut: number) =>
    statusTable({ runs, leftOut }, NOW_MS, PLAIN, 200).slice(runs.length + 2);

  it('counts them when they are all there', () => {
    expect(below([status(), finished], 0)).toEqual(['2 runs; `npx keyturn status RUN` shows one in detail.']);
  });

  it.each([
    [[status(), finished, finished], 1_200, '1 unfinished run, and the latest 2 of 1,202 finished runs.'],
    [[finished], 1, 'No unfinished run; the latest 1 of 2 finished runs.'],
  ])('says how many are shown, and how to see the others', (runs, leftOut, words) => {
    const all = runs.length + leftOut - runs.filter(({ state }) => state === 'settling').length;
    expect(below(runs, leftOut)).toEqual([
      words,
      `\`npx keyturn status --last ${all}\` lists all; \`npx keyturn status RUN\` shows one in detail.`,
    ]);
  });
});

describe('a run', () => {
  it('says how far it is, what it waits for, and when it ends', () => {
    expect(outlookLines(status({ toAsk: 40 }), SETTLING, 'live', NOW_MS, PLAIN)).toEqual([
      'Progress: 310 of 700 (44 %) settled, 40 to be asked',
      'Waiting for its next look, 2026-11-22 20:20 UTC, in 5 min',
      'Carried on by the function app, `npx keyturn host` or `npx keyturn run --wait`, whichever is running',
      'Expected end: 2026-12-02 08:00 UTC, by the quota and the looks to come; sooner when devices settle sooner, later when Graph throttles',
    ]);
  });

  const app = 'a function app or `npx keyturn host` with ROTATION_MODE live';
  it.each([
    ['of the fleet', {}, `\`npx keyturn run --live\`, or ${app}`],
    ['of a request', { targets: [], trigger: 'onDemand' }, app],
    ['of `run --device`', { targets: [], trigger: 'commandLine' }, `the command that began it, or ${app}`],
  ] as const)('%s that must be live says who carries it on, and that this shell does not', (_what, run, who) => {
    const waiting = status({ waitingFor: { kind: 'canary', until: IN_FIVE }, toAsk: 40, needsLive: true });
    const { endsBy: _ends, ...outlook } = waiting.outlook;
    const rotating = { ...SETTLING, state: 'rotating', ...run } as const;
    expect(outlookLines({ ...waiting, outlook }, rotating, 'dryRun', NOW_MS, PLAIN).slice(1)).toEqual([
      'Waiting for proof of the canaries, until 2026-11-22 20:20 UTC, in 5 min',
      `Carried on by ${who}, whichever is running; ROTATION_MODE of this shell is dryRun`,
    ]);
  });

  it('that somebody works on says nothing of who might', () => {
    const held = status({ waitingFor: { kind: 'quota', until: IN_FIVE } });
    expect(outlookLines(held, SETTLING, 'live', NOW_MS, PLAIN).join('\n')).not.toContain('Carried on');
  });

  it('that is over has nothing to come', () => {
    expect(outlookLines(status({ waitingFor: { kind: 'nothing' } }), SETTLING, 'live', NOW_MS, PLAIN)).toEqual([]);
  });

  it.each([
    ['plan', undefined, 'its plan: reading devices and keys'],
    ['mode', undefined, 'somebody who may send: `run --live`, or an app in ROTATION_MODE live'],
    ['owner', undefined, 'whoever carries it on next'],
    ['notBefore', IN_FIVE, 'its time, 2026-11-22 20:20 UTC, in 5 min'],
    ['quota', IN_FIVE, 'the quota: the last request leaves 2026-11-22 20:20 UTC, in 5 min'],
    ['canary', IN_FIVE, 'proof of the canaries, until 2026-11-22 20:20 UTC, in 5 min'],
    ['look', '2026-11-22T20:15:00.000Z', 'its next look, 2026-11-22 20:15 UTC, now'],
  ] as const)('that waits for %s says so', (kind, until, words) => {
    const waitingFor = { kind, ...(until === undefined ? {} : { until }) };
    expect(waitingWords({ waitingFor, settled: 0, toAsk: 0, needsLive: false }, NOW_MS)).toBe(words);
  });
});

describe('the history of a device', () => {
  const past: PastRotation = {
    runId: '20261122-200000-1a2b3c4d' as RunId,
    trigger: 'onDemand',
    mode: 'live',
    runState: 'completed',
    createdAt: '2026-11-22T20:00:00.000Z',
    rotation: {
      order: 3,
      managedDeviceId: '22222222-0000-4000-8000-000000000001' as ManagedDeviceId,
      deviceName: 'LT-1',
      state: 'overdue',
      attempt: 0,
      late: { state: 'proven', atMs: NOW_MS },
    },
  };

  it('has a line for each run, with what became of it later', () => {
    const lines = historyLines({ rotations: [past], runsSearched: 1 }, PLAIN, 200);
    expect(lines[2]).toMatch(
      /1a2b3c4d +2026-11-22 20:00 +live +overdue +none +- +on demand, later proven, 2026-11-22 20:15/,
    );
    expect(lines.at(-1)).toBe('Searched in 1 run.');
  });

  it('tells an error code as documentation writes it, and none that says all is well', () => {
    const withCode = (errorCode: number) => ({ ...past, rotation: { ...past.rotation, errorCode } });
    const text = (one: PastRotation) => historyLines({ rotations: [one], runsSearched: 1 }, PLAIN, 300).join('\n');
    expect(text(withCode(-2_016_281_112))).toContain('on demand, error 0x87D1FDE8, later');
    expect(text(withCode(0))).not.toContain('error');
  });

  it('that no run met says how many were searched', () => {
    expect(historyLines({ rotations: [], runsSearched: 1_200 }, PLAIN, 200)).toEqual([
      '',
      'No rotation of it in 1,200 runs.',
    ]);
  });
});
