import { describe, expect, it } from 'vitest';
import type { QuarantineReport } from '../../../src/app/report-quarantine.ts';
import type { Requeued } from '../../../src/app/requeue.ts';
import {
  type DismissedEntry,
  dismissedLines,
  quarantineLines,
  requeuedLines,
} from '../../../src/cli/render/quarantine-lines.ts';
import type { RunId } from '../../../src/domain/ids.ts';
import { NOW_MS, PLAIN } from '../samples.ts';

function entry(changes: Partial<QuarantineReport> = {}): QuarantineReport {
  return {
    id: 'rotation-requests-0123456789abcdef',
    queue: 'rotation-requests',
    reasons: ['the request failed at every delivery', 'GraphError: the role is missing'],
    message: '{"secret":"of the message"}',
    devices: [],
    at: new Date(NOW_MS - 3 * 3_600_000).toISOString(),
    command: 'npx keyturn requeue rotation-requests-0123456789abcdef',
    ...changes,
  };
}

const shown = (entries: readonly QuarantineReport[], columns = 100) => quarantineLines(entries, NOW_MS, PLAIN, columns);

describe('quarantined messages', () => {
  it('are no topic when there are none', () => {
    expect(shown([])).toEqual([]);
  });

  it('tell how many, how old, of which queue, whom it concerns, why, and what to do; not what they say', () => {
    const devices = ['a', 'b'];
    const text = shown([entry({ devices, runId: 'run-1' as RunId })]).join('\n');
    expect(text).toContain('Quarantine: 1 message that could not be acted on.');
    expect(text).toContain('rotation-requests, 3 h ago, 2 devices, run run-1');
    expect(text).toContain('  the request failed at every delivery\n  GraphError: the role is missing\n');
    expect(text).toContain('  npx keyturn requeue rotation-requests-0123456789abcdef');
    expect(text).toContain('`npx keyturn requeue --all`');
    expect(text).not.toContain('secret');
  });

  it('of many reasons show the first two, and of many messages the first ten', () => {
    const reasons = Array.from({ length: 7 }, (_, i) => `targets[${i}] is wrong`);
    const text = shown(Array.from({ length: 13 }, () => entry({ reasons }))).join('\n');
    expect(text).toContain('targets[1] is wrong\n  and 5 more reasons\n');
    expect(text).not.toContain('targets[2]');
    expect(text.match(/npx keyturn requeue rotation-requests/g)).toHaveLength(10);
    expect(text).toContain('and 3 more; --json lists all.');
  });

  it.each([
    ['the ledger knows no run r-1', 'Cannot be put back: the ledger knows no run r-1. To remove it:'],
    [
      'it would be refused again: GraphError: the role is missing; send a corrected request',
      'It would be refused again; send a corrected request. To remove it:',
    ],
  ])('that always stay are not offered to be put back: %s', (stays, words) => {
    const command = 'npx keyturn requeue --dismiss rotation-requests-0123456789abcdef';
    const text = shown([entry({ stays, command })], 120).join('\n');
    expect(text).toContain(`  ${words}\n  ${command}\n`);
    expect(text).not.toContain('--all');
  });

  it('break long reasons to the width', () => {
    const reasons = ['word '.repeat(60).trim()];
    expect(Math.max(...shown([entry({ reasons })], 60).map((line) => line.length))).toBeLessThanOrEqual(81);
    expect(shown([entry({ reasons })], 60).filter((line) => line.startsWith('  word')).length).toBeGreaterThan(4);
  });
});

describe('what came of putting back', () => {
  const results: readonly Requeued[] = [
    { id: 'a-1', queue: 'a', outcome: 'requeued', message: 'it goes back', devices: 1_200 },
    { id: 'a-2', queue: 'a', outcome: 'settled', message: 'the run has ended' },
    { id: 'a-3', queue: 'a', outcome: 'stays', message: 'nobody can act on it' },
  ];

  it('is told of each, and summed up', () => {
    expect(requeuedLines(results, 'really', PLAIN, 100)).toEqual([
      'put back  a-1',
      '  it goes back (1,200 devices)',
      'needs nothing more  a-2',
      '  the run has ended',
      'stays  a-3',
      '  nobody can act on it',
      '',
      '1 put back, 1 needs nothing more, 1 stays.',
      '`npx keyturn requeue --dismiss ID` removes what nobody needs any more.',
    ]);
  });

  it('is summed up in the plural where there are several', () => {
    const twice = [...results, ...results];
    expect(requeuedLines(twice, 'really', PLAIN, 100).at(-2)).toBe('2 put back, 2 need nothing more, 2 stay.');
  });

  it('is marked as not done in a dry run', () => {
    expect(requeuedLines(results, 'dryRun', PLAIN, 100)[0]).toContain('Nothing was changed (--dry-run)');
  });

  it('is short when there was nothing', () => {
    expect(requeuedLines([], 'really', PLAIN, 100)).toEqual(['Quarantine is empty.']);
  });
});

describe('what was dismissed', () => {
  const results: readonly DismissedEntry[] = [
    {
      id: 'a-1',
      queue: 'a',
      outcome: 'dismissed',
      message: 'nobody can act on it',
      entry: entry({ reasons: ['one', 'two', 'three'], devices: ['deviceName A'], message: 'x\u001b[2J' }),
    },
    { id: 'a-2', queue: 'a', outcome: 'kept', message: 'run r-1 has not ended: put it back instead', entry: entry() },
    { id: 'a-3', outcome: 'gone', message: 'it is not in quarantine' },
  ];

  it('is shown whole for the last time, without what could move the cursor', () => {
    const lines = dismissedLines(results, 'really', NOW_MS, PLAIN, 100);
    expect(lines.slice(0, 8)).toEqual([
      'dismissed  a-1',
      '  nobody can act on it',
      '  rotation-requests, 3 h ago, 1 device',
      '  one',
      '  two',
      '  three',
      '  deviceName A',
      '  x\ufffd[2J',
    ]);
    expect(lines).toContain('stays  a-2');
    expect(lines.slice(-4)).toEqual([
      'gone already  a-3',
      '  it is not in quarantine',
      '',
      '1 dismissed, 1 gone already, 1 stays.',
    ]);
  });

  it('is marked as not done in a dry run', () => {
    expect(dismissedLines(results, 'dryRun', NOW_MS, PLAIN, 100)[0]).toContain('Nothing was changed (--dry-run)');
  });
});
