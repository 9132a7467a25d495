import { describe, expect, it } from 'vitest';
import { drawRun, runProgress } from '../../../src/cli/render/run-progress.ts';
import { createStyle } from '../../../src/cli/render/style.ts';
import { width } from '../../../src/cli/render/text.ts';
import { NOW_MS, PLAIN, report, standing } from '../samples.ts';

const draw = (changes: Parameters<typeof standing>[0]) => drawRun(standing(changes), PLAIN, 66);

describe('the drawn progress of a run', () => {
  it('counts what planning reads', () => {
    const [planning, canary] = draw({ stage: 'planning', asked: 0, read: { devices: 1_200, keys: 1 } });
    expect(planning).toBe('› Planning  ░░░░░░░░░░░░░░░░░░░░ 1,200 devices and 1 key read');
    expect(canary).toBe('  Canary    ░░░░░░░░░░░░░░░░░░░░');
  });

  it('shows how many canaries are proven and what it waits for', () => {
    const lines = draw({
      stage: 'canary',
      asked: 20,
      report: report({
        state: 'rotating',
        counts: { proven: 9, requested: 11, planned: 680, notDue: 200, skipped: 100 },
      }),
      waiting: { because: 'waiting for the canaries', untilMs: NOW_MS + 90_000 },
    });
    expect(lines[0]).toBe('✓ Planning  ████████████████████ 1,000 devices, 700 due');
    expect(lines[1]).toBe('› Canary    █████████░░░░░░░░░░░ 9 of 20 canaries proven');
    expect(lines.at(-1)).toBe('  waiting for the canaries, until 20:16:30 UTC, in 1 min 30 s');
  });

  it('shows the rate and the share of the quota while rotating', () => {
    const lines = draw({ stage: 'rotating', asked: 350, perSecond: 9.9, quotaShare: 0.99 });
    expect(lines[2]).toBe('› Rotating  ██████████░░░░░░░░░░ 350 of 700 sent, 9.9/s, 99 % of the quota');
  });

  it('stacks the states of the devices asked, with the next look', () => {
    const lines = draw({ report: report({ nextLookAt: '2026-11-22T20:20:00.000Z' }) });
    expect(lines[3]).toBe('› Settling  ██████████░░░░░░░░░░ 300 of 700 proven');
    expect(lines[4]).toBe('  300 proven, 10 failed, 390 requested');
    expect(lines[5]).toBe('  next look at 20:20:00 UTC, in 5 min');
  });

  it('marks the stage at which a run was aborted', () => {
    const lines = draw({
      stage: 'settling',
      asked: 20,
      report: report({ abortReason: 'canaryFailed', counts: { failed: 12, proven: 8, planned: 680 } }),
    });
    expect(lines[1]).toBe('✗ Canary    ████████████████████ too few of 20 canaries proven');
    expect(lines[2]).toBe('✗ Rotating  █░░░░░░░░░░░░░░░░░░░ 20 of 700 dealt with');
  });

  it('of a dry run is its planning alone', () => {
    expect(draw({ stage: 'finished', report: report({ mode: 'dryRun', state: 'completed' }) })).toEqual([
      '✓ Planning  ████████████████████ 1,000 devices, 700 due',
    ]);
  });

  it('is as wide without colour as with it', () => {
    const plain = drawRun(standing(), PLAIN, 100);
    const colored = drawRun(standing(), createStyle(true), 100);
    expect(colored.map(width)).toEqual(plain.map(width));
    expect(colored.join('')).toContain('\u001b[');
    expect(plain.join('')).not.toContain('\u001b[');
  });
});

describe('the plain line of a run', () => {
  it('tells when it goes on by the clock, so that the same standing is the same line', () => {
    const waiting = { because: 'waiting for the next look', untilMs: NOW_MS + 60_000 };
    const now = runProgress(standing({ waiting })).plain;
    const later = runProgress(standing({ waiting, nowMs: NOW_MS + 30_000 })).plain;
    expect(now).toBe('Settling: 300 proven, 10 failed, 390 requested; waiting for the next look, until 20:16:00 UTC');
    const tomorrow = { ...waiting, untilMs: NOW_MS + 86_400_000 };
    expect(runProgress(standing({ waiting: tomorrow })).plain).toContain('until 2026-11-23 20:15 UTC');
    expect(later).toBe(now);
  });

  it('of a finished dry run tells how many are due', () => {
    const dry = standing({ stage: 'finished', report: report({ mode: 'dryRun', state: 'completed' }) });
    expect(runProgress(dry).plain).toBe('Finished: 700 of 1,000 devices due');
  });
});
