import { describe, expect, it } from 'vitest';
import { createStyle } from '../../../src/cli/render/style.ts';
import { clip, nameCell, visible, width, wrap } from '../../../src/cli/render/text.ts';

describe('texts', () => {
  it('are cut to the width, colours not counted and none left open', () => {
    const red = createStyle(true).bad('0123456789');
    expect(width(red)).toBe(10);
    expect(clip(red, 10)).toBe(red);
    expect(clip(red, 6)).toBe('01234…');
  });

  it('are not cut in the middle of a character', () => {
    expect(clip('ab🔑cd', 4)).toBe('ab…');
    expect(clip('ab🔑cd', 5)).toBe('ab🔑…');
    expect(clip('🔑', 1)).toBe('');
  });

  it('that are names stay whole up to 40 characters', () => {
    expect(nameCell('x'.repeat(40))).toBe('x'.repeat(40));
    expect(nameCell('x'.repeat(41))).toBe(`${'x'.repeat(39)}…`);
    expect(nameCell('a\u202eb')).toBe('a\ufffdb');
  });

  it('break at blanks', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('unbreakable word', 5)).toEqual(['unbreakable', 'word']);
  });

  it('of others cannot move the cursor, hide, or turn around', () => {
    expect(visible('a\u001b[2Jb\nc\u202ed')).toBe('a\ufffd[2Jb\ufffdc\ufffdd');
    expect(visible('Zürich 🔑')).toBe('Zürich 🔑');
  });
});
