import { describe, expect, it } from 'vitest';
import { deviceLines, hex } from '../../../src/cli/render/device-lines.ts';
import { planLines } from '../../../src/cli/render/plan-lines.ts';
import { countLines, runLines, runTable, skippedLines } from '../../../src/cli/render/run-lines.ts';
import { SKIP_WORDS, STATE_MEANING, STATES_IN_ORDER } from '../../../src/cli/render/words.ts';
import type { EntraDeviceId, ManagedDeviceId, RecoveryKeyId, RunId } from '../../../src/domain/ids.ts';
import { ROTATION_STATES, type Rotation, SKIP_REASONS } from '../../../src/domain/rotation.ts';
import { NOW_MS, PLAIN, report } from '../samples.ts';

const ROTATION: Rotation = {
  order: 0,
  entraDeviceId: '11111111-0000-4000-8000-000000000001' as EntraDeviceId,
  managedDeviceId: '22222222-0000-4000-8000-000000000001' as ManagedDeviceId,
  deviceName: 'LT-FRA-00001',
  state: 'planned',
  canary: true,
  attempt: 0,
  keyBeforeId: '33333333-0000-4000-8000-000000000001' as RecoveryKeyId,
  keyBeforeAtMs: NOW_MS - 100 * 86_400_000,
};

describe('a run in detail', () => {
  it('says how it stands and why, its counts, their sum, and its reasons', () => {
    const text = runLines(report({ state: 'aborted', abortReason: 'circuitBreaker' }), PLAIN, 120).join('\n');
    expect(text).toContain('Run 20261122-200000-1a2b3c4d  aborted: too many refusals or failures');
    expect(text).toMatch(/proven +300 +a newer recovery key is in escrow/);
    expect(text).toMatch(/in all +1,000/);
    expect(text).toMatch(/keyTooYoung +70 +key, or last request/);
  });

  it('names every state that occurs, and none that does not', () => {
    const counts = Object.fromEntries(ROTATION_STATES.map((state, i) => [state, i + 1]));
    const lines = countLines({ counts, devices: 78 }, PLAIN, 200);
    for (const [i, state] of ROTATION_STATES.entries()) {
      expect(lines.filter((line) => line.startsWith(`${state} `))).toEqual([
        expect.stringMatching(
          new RegExp(`^${state} +${i + 1}  ${STATE_MEANING[state].slice(0, 20).replace(/[()]/g, '.')}`),
        ),
      ]);
    }
    expect(new Set(STATES_IN_ORDER)).toEqual(new Set(ROTATION_STATES));
    expect(countLines({ counts: { proven: 1 }, devices: 1 }, PLAIN, 80).join()).not.toContain('failed');
  });

  it('explains every skip reason, most frequent first', () => {
    const skipped = Object.fromEntries(SKIP_REASONS.map((reason, i) => [reason, i + 1]));
    const [, , ...lines] = skippedLines({ skipped }, PLAIN, 300);
    expect(lines.map((line) => line.split(' ')[0])).toEqual([...SKIP_REASONS].reverse());
    for (const line of lines) expect(line).toContain(SKIP_WORDS[line.split(' ')[0] as keyof typeof SKIP_WORDS].remedy);
  });
});

describe('the table of runs', () => {
  it('has one line a run, with what is settled and the next look', () => {
    const [, line] = runTable([report({ nextLookAt: '2026-11-22T20:20:00.000Z' })], PLAIN, 120);
    expect(line).toBe('20261122-200000-1a2b3c4d  settling  live    1,000  700     300  310/700  2026-11-22 20:20');
  });

  it('says what to do when there is none', () => {
    expect(runTable([], PLAIN, 80)[0]).toContain('keyturn plan');
  });
});

describe('a plan', () => {
  it('says who is due, in what order, how long it takes, and who is not and why', () => {
    const plan = {
      report: report({ mode: 'dryRun', state: 'completed', counts: { planned: 700, notDue: 200, skipped: 100 } }),
      first: [
        ROTATION,
        {
          ...ROTATION,
          order: 1,
          deviceName: 'LT-FRA-00002',
          keyBeforeAtMs: undefined as never,
          canary: undefined as never,
        },
      ],
      leastMs: 60_000,
      nowMs: NOW_MS,
    };
    const text = planLines(plan, PLAIN, 120).join('\n');
    expect(text).toContain('nothing was sent');
    expect(text).toMatch(/700 due +would be asked: 20 canaries first, then oldest key first; at least 1 min/);
    expect(text).toMatch(/200 not due/);
    expect(text).toMatch(/100 skipped/);
    expect(text).toMatch(/1 +LT-FRA-00001 +2026-08-14 20:15 +100 d +22222222-\S+ +canary/);
    expect(text).toMatch(/2 +LT-FRA-00002 +none in escrow/);
    expect(text).toMatch(/notWindows +30/);
  });
});

describe('a device', () => {
  it('tells what became of it, with the error code as documentation writes it', () => {
    const rotation = { ...ROTATION, state: 'failed', actionState: 'failed', errorCode: -2_016_281_112 } as const;
    const text = deviceLines({ rotation: { runId: 'r-1' as RunId, rotation } }, PLAIN).join('\n');
    expect(text).toContain('Device LT-FRA-00001');
    expect(text).toContain('never asked by any run');
    expect(text).toMatch(/state +failed \(the device or Intune said no/);
    expect(text).toMatch(/error code +0x87D1FDE8/);
  });

  it.each([
    [-2_016_281_112, '0x87D1FDE8'],
    [5, '0x00000005'],
  ])('shows error code %d as %s', (code, expected) => {
    expect(hex(code)).toBe(expected);
  });
});
