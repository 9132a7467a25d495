import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCells, writeCell } from '../../../src/domain/evidence/cell.ts';

/** What people smuggle in. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '=',
      '+',
      '-',
      '@',
      "'",
      '"',
      ',',
      ';',
      ' ',
      '\\',
      'u',
      '0',
      '9',
      '\t',
      '\r',
      '\n',
      'a',
      '＝',
    ),
  }),
);

/** Where spreadsheets begin a new cell: at the beginning, and behind what parts cells in some country or tool. */
const BEGINS_A_FORMULA = /(^|[;\t\r\n])[\s"]*[=+\-@＝＋－＠]/;

describe('a cell', () => {
  it.each([
    ['', ''],
    ['LT-FRA-00001', 'LT-FRA-00001'],
    ['Anna’s PC', 'Anna’s PC'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['=1+1', "'=1+1"],
    ['+49 30', "'+49 30"],
    ['-2147024891', "'-2147024891"],
    ['@SUM(A1)', "'@SUM(A1)"],
    [' =1', "' =1"],
    ['＝1+1', "'＝1+1"],
    ["'=1", "''=1"],
    ['\t=1', '\\u0009=1'],
    ['\r\n=1', '\\u000d\\u000a=1'],
    ['x;=HYPERLINK("http://x","y")', '"x\\u003b=HYPERLINK(""http://x"",""y"")"'],
    ['a; b', 'a; b'],
    ['CONTOSO\\anna', 'CONTOSO\\anna'],
    ['CONTOSO\\u0061nna', 'CONTOSO\\u005cu0061nna'],
    ['\u2028', '\\u2028'],
    ['\ufeff=1', '\\ufeff=1'],
    ['half \ud83d', 'half \ufffd'],
    ['other half \ude00', 'other half \ufffd'],
    ['"=1', `"'""=1"`],
    ['"＝1', `"'""＝1"`],
    ['\u00a0＋1', "'\u00a0＋1"],
    ['a;\t"＠x', '"a\\u003b\\u0009""＠x"'],
    [';=1', '\\u003b=1'],
    ['PC\n-1', 'PC\\u000a-1'],
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
  ])('%j is written as %j', (value, written) => {
    expect(writeCell(value)).toBe(written);
  });

  it('is read as it was before it was written, whatever it is, alone or among others', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (values) => {
        expect(readCells(values.map(writeCell).join(','))).toEqual(values.map((value) => value.toWellFormed()));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is one field of one line to any reader of RFC 4180, and no spreadsheet takes it for a formula', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 5 }), (values) => {
        const line = values.map(writeCell).join(',');
        expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        const [fields, ...more] = parse(line, { relax_column_count: true, skip_empty_lines: false }) as string[][];
        expect(more).toEqual([]);
        expect(fields ?? ['', '']).toHaveLength(values.length);
        for (const field of fields ?? []) expect(field).not.toMatch(BEGINS_A_FORMULA);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is read without complaint where quotes are wrong', () => {
    fc.assert(
      fc.property(text, (line) => {
        expect(readCells(line).length).toBeGreaterThan(0);
      }),
    );
  });
});
