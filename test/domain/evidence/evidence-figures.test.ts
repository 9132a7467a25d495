import { describe, expect, it } from 'vitest';
import type { EvidenceCells } from '../../../src/domain/evidence/evidence-columns.ts';
import { compareFigures, countFigures } from '../../../src/domain/evidence/evidence-figures.ts';

function figuresOf(...lines: readonly EvidenceCells[]) {
  const count = countFigures();
  for (const line of lines) count.add(line);
  return count.figures();
}

describe('figures', () => {
  it('count device lines by what they say', () => {
    const figures = figuresOf(
      { state: 'proven', decision: 'due', acceptedBy: 'x', confirmedAt: 'x', canary: 'yes' },
      { state: 'proven', decision: 'due', unconfirmed: 'yes', uncertain: 'yes', lateState: 'proven' },
      { state: 'refused', httpStatus: '404' },
      { state: 'refused' },
      { state: 'failed', errorCode: '-5', failure: 'action' },
      { state: 'failed', failure: 'deviceGone' },
      { state: 'skipped', decision: 'skipped', reason: 'excluded' },
    );
    expect(figures).toEqual({
      devices: 7,
      states: { failed: 2, proven: 2, refused: 2, skipped: 1 },
      skipped: { excluded: 1 },
      canaries: 1,
      accepted: 1,
      confirmed: 1,
      unconfirmed: 1,
      uncertain: 1,
      refused: { 404: 1, unknown: 1 },
      failed: { '-5': 1, deviceGone: 1 },
      late: { proven: 1 },
    });
  });

  it('take names from a file for what they are: names', () => {
    const { states } = figuresOf({ state: '__proto__' }, { state: 'toString' });
    expect(Object.entries(states)).toEqual([
      ['__proto__', 1],
      ['toString', 1],
    ]);
  });

  const FIGURES = figuresOf({ state: 'proven' }, { state: 'proven' }, { state: 'failed' });

  it('agree with themselves, also after a way through JSON', () => {
    expect(compareFigures(JSON.parse(JSON.stringify(FIGURES)), FIGURES)).toEqual([]);
  });

  it.each<[string, unknown, object[]]>([
    ['one is higher', { ...FIGURES, devices: 4 }, [{ name: 'devices', stated: 4, counted: 3 }]],
    ['a part is', { ...FIGURES, states: { proven: 3, failed: 1 } }, [{ name: 'states.proven', stated: 3, counted: 2 }]],
    ['a part is missing', { ...FIGURES, states: { proven: 2 } }, [{ name: 'states.failed', counted: 1 }]],
    ['there is one more', { ...FIGURES, rotated: 9 }, [{ name: 'rotated', stated: 9, counted: 0 }]],
    ['one is no number', { ...FIGURES, devices: '3' }, [{ name: 'devices', stated: Number.NaN, counted: 3 }]],
  ])('differ when %s', (_what, stated, differences) => {
    expect(compareFigures(stated, FIGURES)).toEqual(differences);
  });

  it.each([undefined, null, 5, 'x', []])('differ from %j in everything there is', (stated) => {
    expect(compareFigures(stated, FIGURES).map(({ name }) => name)).toContain('devices');
  });
});
