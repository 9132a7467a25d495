import { describe, expect, it } from 'vitest';
import { checkLastRun } from '../../src/app/doctor/check-runs.ts';
import { scheduleFacts } from '../../src/config-schedule.ts';
import { parseRunId, parseTenantId } from '../../src/domain/ids.ts';
import type { Run } from '../../src/domain/run.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAILY = '0 0 2 * * *';

function run(agoMs: number, change: Partial<Run> = {}): Run {
  return {
    tenantId: parseTenantId('11111111-2222-4333-8444-555555555555'),
    runId: parseRunId(`run-${agoMs}`),
    trigger: 'schedule',
    mode: 'live',
    state: 'completed',
    createdAtMs: NOW - agoMs,
    seed: 1,
    checkpoint: 0,
    rowsWritten: 0,
    devices: 0,
    due: 0,
    notDue: 0,
    skipped: {},
    canaries: 0,
    nextOrder: 0,
    canaryPassed: true,
    evidence: { version: 1, lines: 3, digest: 'ab', lateNotices: 0 },
    ...change,
  };
}

const ledgerOf = (runs: readonly Run[]) => ({
  async *listRuns() {
    yield* runs;
  },
});

const check = (runs: readonly Run[], schedule = DAILY, mode: 'live' | 'off' = 'live') =>
  checkLastRun(ledgerOf(runs), { mode }, scheduleFacts(schedule, NOW), NOW);

describe('the last run', () => {
  it('is none yet: that is all right, and says when the first comes', async () => {
    expect(await check([])).toEqual({
      name: 'lastRun',
      status: 'ok',
      message: 'no run yet; the schedule comes round at 2026-11-23 02:00 UTC',
    });
  });

  it('tells its state, age and mode', async () => {
    const found = await check([run(10 * HOUR, { mode: 'dryRun' })]);
    expect(found).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/a dry run, completed, begun 10 h ago/),
    });
  });

  it.each([
    ['within two periods', 2 * DAY - 1, DAILY, 'ok'],
    ['beyond two periods', 2 * DAY + 1, DAILY, 'warn'],
    ['over a weekend of a schedule for working days', 5 * DAY, '0 0 2 * * 1-5', 'ok'],
    ['hours late of an hourly schedule', 3 * HOUR, '0 0 * * * *', 'warn'],
    ['weeks after, of a monthly schedule', 50 * DAY, '0 0 2 1 * *', 'ok'],
  ])('by the schedule was %s', async (_, agoMs, schedule, status) => {
    const found = await check([run(agoMs)], schedule);
    expect(found.status).toBe(status);
    if (status === 'warn') expect(found.action).toContain('function app is running');
  });

  it('is warned about when any had to end without evidence', async () => {
    const { evidence: _evidence, ...bare } = run(3 * DAY);
    expect(await check([run(10 * HOUR), bare])).toMatchObject({
      status: 'warn',
      message: expect.stringContaining(`run ${bare.runId} has no evidence`),
      action: expect.stringContaining('the next tick has it written'),
    });
  });

  it('may be old while the kill switch is on', async () => {
    expect((await check([run(30 * DAY)], DAILY, 'off')).status).toBe('ok');
  });

  it('of a person does not hide that the schedule is not kept', async () => {
    const found = await check([run(HOUR, { trigger: 'commandLine' }), run(9 * DAY)]);
    expect(found).toMatchObject({ status: 'warn', message: expect.stringContaining('begun 9 d ago') });
  });

  it('was only ever asked for by people: that is all right', async () => {
    expect(await check([run(HOUR, { trigger: 'onDemand' })])).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('none by the schedule'),
    });
  });

  it.each(['schedule', 'commandLine'] as const)('was aborted (%s): warns, and says where to look', async (trigger) => {
    const found = await check([run(HOUR, { trigger, state: 'aborted', abortReason: 'canaryFailed' })]);
    expect(found).toMatchObject({ status: 'warn', message: expect.stringContaining('canaryFailed') });
    expect(found.action).toContain(`npx keyturn status run-${HOUR}`);
  });

  it('by the schedule was aborted before a good one of a person: warns', async () => {
    const found = await check([run(HOUR, { trigger: 'commandLine' }), run(2 * HOUR, { state: 'aborted' })]);
    expect(found).toMatchObject({ status: 'warn', action: expect.stringContaining(`run-${2 * HOUR}`) });
  });
});

describe('a schedule', () => {
  it.each([
    [DAILY, DAY],
    ['0 */5 * * * *', 300_000],
    ['0 0 2 * * 1-5', 3 * DAY],
    ['0 0 2 * * 0', 7 * DAY],
    ['0 0 2 1 * *', 31 * DAY],
  ])('%s comes round every %i ms at the longest', (schedule, longestGapMs) => {
    expect(scheduleFacts(schedule, NOW).longestGapMs).toBe(longestGapMs);
  });
});
