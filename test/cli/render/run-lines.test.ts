import { describe, expect, it } from 'vitest';
import { planLines } from '../../../src/cli/render/plan-lines.ts';
import { countLines, runLines, skippedLines } from '../../../src/cli/render/run-lines.ts';
import { STATE_MEANING, STATES_IN_ORDER } from '../../../src/cli/render/words.ts';
import { ROTATION_STATES, SKIP_REASONS } from '../../../src/domain/rotation.ts';
import { SKIP_WORDS } from '../../../src/domain/skip-words.ts';
import { NOW_MS, PLAIN, ROTATION, report } from '../samples.ts';

describe('a run in detail', () => {
  it.each([
    [{ evidenceDue: true as const }, 'It has no evidence: other blobs in the container reports have the names for it'],
    [
      { evidenceDue: true as const, evidence: { version: 1, lines: 3, digest: 'ab' } },
      'Evidence 1 is not the last: a further one is due',
    ],
  ])('says which evidence is owing: %j', (changes, words) => {
    expect(runLines(report({ state: 'completed', ...changes }), PLAIN, 100).join('\n')).toContain(words);
    const { evidenceDue: _due, ...paid } = changes;
    expect(runLines(report({ state: 'completed', ...paid }), PLAIN, 100).join('\n')).not.toContain(words);
  });

  it('says how it stands and why, its counts, their sum, and its reasons', () => {
    const text = runLines(report({ state: 'aborted', abortReason: 'circuitBreaker' }), PLAIN, 120).join('\n');
    expect(text).toContain('Run 20261122-200000-1a2b3c4d  aborted: too many refusals or failures');
    expect(text).toMatch(/proven +300 +a newer recovery key is in escrow/);
    expect(text).toMatch(/in all +1,000/);
    expect(text).toMatch(/keyTooYoung +70 +with a key, or last request/);
  });

  it('names every state that occurs, and none that does not', () => {
    const counts = Object.fromEntries(ROTATION_STATES.map((state, i) => [state, i + 1]));
    const lines = countLines({ counts, devices: 78, mode: 'live' }, PLAIN, 200);
    for (const [i, state] of ROTATION_STATES.entries()) {
      expect(lines.filter((line) => line.startsWith(`${state} `))).toEqual([
        expect.stringMatching(
          new RegExp(`^${state} +${i + 1}  ${STATE_MEANING[state].slice(0, 20).replace(/[()]/g, '.')}`),
        ),
      ]);
    }
    expect(new Set(STATES_IN_ORDER)).toEqual(new Set(ROTATION_STATES));
    expect(countLines({ counts: { proven: 1 }, devices: 1, mode: 'live' }, PLAIN, 80).join()).not.toContain('failed');
  });

  it('says that a dry run would ask who is due, and nothing of canaries where there were none', () => {
    const dry = report({ mode: 'dryRun', counts: { planned: 700, notDue: 300 } });
    expect(runLines(dry, PLAIN, 120).join('\n')).toMatch(/planned +700 +due; a live run would ask it/);
    const sent = (canaries: number) => runLines(report({ rotatingMs: 100, canaries }), PLAIN, 120).join('\n');
    expect(sent(20)).toContain('sending took 0.1 s, canary wait included\n');
    expect(sent(0)).toContain('sending took 0.1 s\n');
  });

  it('explains every skip reason, most frequent first', () => {
    const skipped = Object.fromEntries(SKIP_REASONS.map((reason, i) => [reason, i + 1]));
    const [, , ...lines] = skippedLines({ skipped }, PLAIN, 300);
    expect(lines.map((line) => line.split(' ')[0])).toEqual([...SKIP_REASONS].reverse());
    for (const line of lines) expect(line).toContain(SKIP_WORDS[line.split(' ')[0] as keyof typeof SKIP_WORDS].remedy);
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
    expect(text).toMatch(/700 +due +would be asked: 20 canaries first, then oldest key first; at least 1 min/);
    expect(text).toMatch(/200 +not due/);
    expect(text).toMatch(/1,000 devices\n +970 can be asked, of which\n/);
    expect(text).toMatch(/70 +held back +by their keys/);
    expect(text).toMatch(/30 cannot be asked, for the reasons below/);
    expect(text).toMatch(/1 +LT-FRA-00001 +2026-08-14 20:15 +100 d +22222222-\S+ +canary/);
    expect(text).toMatch(/2 +LT-FRA-00002 +none in escrow/);
    expect(text).toMatch(/notWindows +30/);
  });
});
