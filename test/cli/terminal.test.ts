import { describe, expect, it } from 'vitest';
import { createTerminal } from '../../src/cli/terminal.ts';

const stream = (isTTY: boolean) => ({ write: () => true, isTTY, columns: 100 });

describe('a terminal', () => {
  it.each([
    ['a window', true, {}, true, true],
    ['a window with NO_COLOR', true, { NO_COLOR: '1' }, true, false],
    ['a window with an empty NO_COLOR', true, { NO_COLOR: '' }, true, true],
    ['a dumb window', true, { TERM: 'dumb' }, false, false],
    ['a pipe', false, {}, false, false],
  ])(
    'on %s draws and colours only where that is seen and wanted',
    (_what, isTTY, environment, isInteractive, hasColor) => {
      const { err } = createTerminal({ out: stream(false), err: stream(isTTY) }, environment);
      expect({ isInteractive: err.isInteractive, hasColor: err.hasColor }).toEqual({ isInteractive, hasColor });
    },
  );

  it('without a width has 80 columns', () => {
    const { out } = createTerminal({ out: { write: () => true }, err: stream(true) }, {});
    expect(out.columns()).toBe(80);
  });
});
