import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStyle } from '../../../src/cli/render/style.ts';
import { table } from '../../../src/cli/render/table.ts';

const PLAIN = createStyle(false);

describe('a table', () => {
  it('aligns its columns under their titles', () => {
    const titles = [{ title: 'State' }, { title: 'Devices', align: 'right' }] as const;
    const rows = [
      ['proven', '1,226'],
      ['overdue', '7'],
    ];
    expect(table(titles, rows, PLAIN, 80)).toEqual(['State    Devices', 'proven     1,226', 'overdue        7']);
  });

  it('breaks the text of growing columns instead of the line', () => {
    const titles = [{ title: 'A' }, { title: 'Meaning', grows: true }, { title: 'Remedy', grows: true }] as const;
    const rows = [['x', 'older than the oldest that can rotate', 'update it']];
    expect(table(titles, rows, PLAIN, 38)).toEqual([
      'A  Meaning                   Remedy',
      'x  older than the oldest     update it',
      '   that can rotate',
    ]);
  });

  it('is measured without its colours', () => {
    const color = createStyle(true);
    const [, first = '', second = ''] = table(
      [{ title: 'A' }, { title: 'B' }],
      [
        [color.good('ok'), 'x'],
        ['okay', 'y'],
      ],
      color,
      80,
    );
    expect(first).toContain('\u001b[');
    expect(first.endsWith('    x')).toBe(true);
    expect(second).toBe('okay  y');
  });

  it('fits into the width when its words do', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/);
    const text = fc.array(word, { minLength: 1, maxLength: 20 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, text, text), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 60, max: 140 }),
        (rows, columns) => {
          const titles = [{ title: 'A' }, { title: 'B', grows: true }, { title: 'C', grows: true }] as const;
          const lines = table(titles, rows, PLAIN, columns);
          expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
          // Nothing is lost by breaking.
          for (const [name, meaning] of rows) {
            const words = lines.join(' ').split(/\s+/);
            expect(words).toContain(name);
            for (const one of meaning.split(' ')) expect(words).toContain(one);
          }
        },
      ),
    );
  });
});
