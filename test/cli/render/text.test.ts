import { describe, expect, it } from 'vitest';
import { createStyle } from '../../../src/cli/render/style.ts';
import { clip, visible, width, wrap } from '../../../src/cli/render/text.ts';

describe('texts', () => {
  it('are cut to the width, colours not counted and none left open', () => {
    const red = createStyle(true).bad('0123456789');
    expect(width(red)).toBe(10);
    expect(clip(red, 10)).toBe(red);
    expect(clip(red, 6)).toBe('01234…');
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
