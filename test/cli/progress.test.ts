import { describe, expect, it } from 'vitest';
import { createProgress, progressForm } from '../../src/cli/progress.ts';
import { createProgressLogger } from '../../src/cli/progress-logger.ts';
import type { Output } from '../../src/cli/terminal.ts';

function recorder(columns = 40): Output & { readonly text: () => string } {
  let text = '';
  return {
    write: (more) => {
      text += more;
    },
    isInteractive: true,
    hasColor: false,
    columns: () => columns,
    text: () => text,
  };
}

const ESCAPE = '\u001b';

/** What a terminal shows after all the escapes were obeyed. */
function screen(text: string): readonly string[] {
  const lines: string[] = [''];
  for (const [i, chunk] of text.split(ESCAPE).entries()) {
    const [, up, rest = chunk] = i === 0 ? [] : (/^\[(?:(\d+)A|0J)(.*)$/s.exec(chunk) ?? []);
    if (up !== undefined) lines.splice(lines.length - 1 - Number(up), lines.length, '');
    for (const [j, line] of rest.split('\n').entries()) {
      if (j > 0) lines.push('');
      lines[lines.length - 1] += line;
    }
  }
  return lines.slice(0, -1);
}

const view = (stage: string, ...lines: readonly string[]) => ({ stage, draw: () => lines, plain: lines.join(' ') });

describe('drawn progress', () => {
  it('replaces what it drew, however many lines that were, and keeps notes above it', () => {
    const output = recorder();
    const progress = createProgress(output, { nowMs: () => 0 }, 'drawn');
    progress.show(view('a', 'one', 'two', 'three'));
    progress.show(view('a', 'ONE'));
    progress.note('a note');
    progress.show(view('a', '1', '2'));
    expect(screen(output.text())).toEqual(['a note', '1', '2']);
  });

  it('leaves its last drawing standing', () => {
    const output = recorder();
    const progress = createProgress(output, { nowMs: () => 0 }, 'drawn');
    progress.show(view('a', 'old'));
    progress.end();
    progress.note('below');
    expect(screen(output.text())).toEqual(['old', 'below']);
  });

  it('cuts lines that would wrap, because going back would miss the second half', () => {
    const output = recorder(24);
    createProgress(output, { nowMs: () => 0 }, 'drawn').show(view('a', 'x'.repeat(30)));
    expect(screen(output.text())).toEqual([`${'x'.repeat(22)}…`]);
  });
});

describe('plain progress', () => {
  it('says each new stage at once, changes within a stage every five seconds, and nothing twice', () => {
    const output = recorder();
    let nowMs = 0;
    const progress = createProgress(output, { nowMs: () => nowMs }, 'plain');
    const at = (ms: number, stage: string, line: string) => {
      nowMs = ms;
      progress.show(view(stage, line));
    };
    at(0, 'planning', 'planning');
    at(100, 'rotating', '1 sent');
    at(200, 'rotating', '2 sent');
    at(5_100, 'rotating', '50 sent');
    at(99_000, 'rotating', '50 sent');
    expect(output.text()).toBe('planning\n1 sent\n50 sent\n');
  });

  it('is the form for pipes, and for --json also on a terminal', () => {
    const output = recorder();
    expect(progressForm(output, {})).toBe('drawn');
    expect(progressForm(output, { json: true })).toBe('plain');
    expect(progressForm({ ...output, isInteractive: false }, {})).toBe('plain');
  });
});

describe('log lines among the progress', () => {
  it('keep to the level, explain themselves, and pass through the net for secrets', () => {
    const notes: string[] = [];
    const printable = (text: string) => text.replace('secret', '[redacted]');
    const logger = createProgressLogger({ note: (line) => notes.push(line) }, 'warn', printable);
    logger.info('not shown');
    logger.child({ errorKind: 'unavailable' }).warn('put off: secret', { retryAfterMs: 5, status: 503 });
    logger.error('aborted', { abortReason: 'circuitBreaker', counts: { failed: 3 } });
    expect(notes).toEqual([
      'warn: put off: [redacted] (errorKind unavailable, status 503)',
      'error: aborted (abortReason circuitBreaker)',
    ]);
  });
});
