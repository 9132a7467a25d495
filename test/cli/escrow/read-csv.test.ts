import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ReadRow } from '../../../src/app/escrow/escrow-rows.ts';
import { CsvFormatError, readCsv } from '../../../src/cli/escrow/read-csv.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';
import { digitsOf } from '../../app/escrow/escrow-world.ts';

const DEVICE = '11111111-0000-4000-8000-000000000001';
const HEADER = 'userId,deviceId,volumeType,recoveryPassword';
const clock = { nowMs: () => Date.UTC(2026, 10, 23) };
const rowOf = (n: number, user = 'ada@contoso.com') => `${user},${DEVICE},operatingSystemVolume,${digitsOf(n)}`;

async function read(chunks: readonly (string | Buffer)[], operation: 'add' | 'update' = 'add') {
  const ignored: (readonly string[])[] = [];
  const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  const csv = readCsv({
    input,
    operation,
    clock,
    signal: new AbortController().signal,
    onHeader: (header) => ignored.push(header.ignored),
  });
  const rows: ReadRow[] = [];
  let error: unknown;
  try {
    for await (const row of csv.rows) rows.push(row);
  } catch (thrown) {
    error = thrown;
  }
  for (const group of digitsOf(1).split('-')) {
    expect(inspect([rows, error, ignored], { depth: 10, showHidden: true })).not.toContain(group);
  }
  return { rows, error, ignored, input, bytes: csv.bytes() };
}

describe('a CSV', () => {
  it('is read row by row with line numbers, whatever its line breaks, byte order mark, quotes and comments', async () => {
    const text = [
      `\uFEFF#TYPE System.Object`,
      HEADER.toUpperCase(),
      rowOf(1),
      '',
      `"ada@contoso.com","${DEVICE}", fixedDataVolume ,"${digitsOf(1)}"`,
    ];
    for (const lineBreak of ['\n', '\r\n']) {
      const whole = text.join(lineBreak);
      const { rows, error, bytes } = await read([whole]);
      expect(error).toBeUndefined();
      expect(rows.map(({ line }) => line)).toEqual([3, 5]);
      expect(rows.map(({ row }) => row?.key.volumeType)).toEqual(['operatingSystemVolume', 'fixedDataVolume']);
      expect(bytes).toBe(Buffer.byteLength(whole));
    }
  });

  it.each([
    ['LF below a header with CRLF', '\r\n', '\n'],
    ['CRLF below a header with LF', '\n', '\r\n'],
    ['CR below a header with CRLF', '\r\n', '\r'],
    ['CR everywhere', '\r', '\r'],
  ])('is cut at each line end: %s', async (_what, first, other) => {
    const text = `${HEADER}${first}${rowOf(1)}${other}${other}${rowOf(2)}${first}ada${other}${rowOf(3)}${first}`;
    for (const chunks of [[text], [...text]]) {
      const { rows, error, bytes } = await read(chunks);
      expect(error).toBeUndefined();
      expect(rows.map(({ line, problems }) => [line, problems?.length])).toEqual([
        [2, undefined],
        [4, undefined],
        [5, 1],
        [6, undefined],
      ]);
      expect(bytes).toBe(text.length);
    }
  });

  it.each(['\n', '\r\n', '\r'])('counts the lines inside a quoted cell once, when they end with %j', async (end) => {
    const text = `"Note",${HEADER}${end}"a${end}b${end}${end}c",${rowOf(1)}${end}x,${rowOf(1)}${end}`;
    const { rows } = await read([text]);
    expect(rows.map(({ line, row }) => [line, row !== undefined])).toEqual([
      [5, true],
      [6, true],
    ]);
  });

  it('loses no row that begins with #: only above the header is that a comment', async () => {
    const above = ['#TYPE System.Object', '', '  # "made by', '#'];
    const below = [rowOf(1, '#ada@contoso.com'), rowOf(1), '#', `"#",${rowOf(1)}`];
    const { rows, error } = await read([[...above, HEADER, ...below].join('\r\n')]);
    expect(error).toBeUndefined();
    expect(rows).toMatchObject([
      { line: 6, problems: [{ column: 'userId' }] },
      { line: 7, row: { userId: 'ada@contoso.com' } },
      { line: 8, problems: [{ rule: expect.stringContaining('as many columns') }] },
      { line: 9, problems: [{ rule: expect.stringContaining('as many columns') }] },
    ]);
  });

  it('refuses a key that is created tomorrow', async () => {
    const rows = ['2026-11-22T08:00:00Z', '2026-11-24T08:00:00Z'].map((at) => `${rowOf(1)},${at}`);
    const result = await read([[`${HEADER},createdDateTime`, ...rows].join('\n')]);
    expect(result.rows).toMatchObject([{ row: { key: {} } }, { problems: [{ column: 'createdDateTime' }] }]);
  });

  it('may be UTF-16, as Windows PowerShell redirects', async () => {
    for (const mark of ['\uFEFF', '']) {
      const bytes = Buffer.from(`${mark}${HEADER}\r\n${rowOf(1)}\r\n`, 'utf16le');
      for (const chunks of [[bytes], Array.from(bytes, (byte) => Buffer.from([byte]))]) {
        const { rows, error, ...result } = await read(chunks);
        expect({ error, lines: rows.map(({ line, problems }) => ({ line, problems })) }).toEqual({
          error: undefined,
          lines: [{ line: 2, problems: undefined }],
        });
        expect(result.bytes).toBe(bytes.length);
      }
    }
  });

  it('may come in pieces of any size', async () => {
    const { rows } = await read([...`${HEADER}\n${rowOf(1)}\n${rowOf(1)}`]);
    expect(rows.map(({ line, problems }) => ({ line, problems }))).toEqual([
      { line: 2, problems: undefined },
      { line: 3, problems: undefined },
    ]);
  });

  it('tells of columns that are not used', async () => {
    expect((await read([`Computer,${HEADER}\nLT-1,${rowOf(1)}`])).ignored).toEqual([['Computer']]);
  });

  it('names the line, column and rule of what is wrong, and goes on', async () => {
    const bad = `a/b,${DEVICE},x,${digitsOf(1).slice(0, -1)}x`;
    const { rows } = await read([[HEADER, bad, `${rowOf(1)},more`, 'ada', rowOf(1)].join('\n')]);
    expect(rows).toMatchObject([
      {
        line: 2,
        problems: [
          { column: 'userId', rule: expect.stringContaining('object id') },
          { column: 'volumeType', rule: expect.stringContaining('operatingSystemVolume') },
          { column: 'recoveryPassword', rule: 'group 8 is not six digits' },
        ],
      },
      { line: 3, problems: [{ rule: 'must have as many columns as the header, 4; it has 5' }] },
      { line: 4, problems: [{ rule: 'must have as many columns as the header, 4; it has 1' }] },
      { line: 5, row: { userId: 'ada@contoso.com' } },
    ]);
  });

  it.each([
    ['nothing', '', 'Nothing came on standard input'],
    ['blank lines', '\n\n', 'Nothing came on standard input'],
    ['no header', rowOf(1), 'the header must name userId, deviceId, volumeType, recoveryPassword'],
    ['a column missing', 'userId,deviceId,recoveryPassword', 'the header must name volumeType'],
    ['a column twice', `${HEADER},userid`, 'the column userId is there twice'],
    ['semicolons', `${HEADER.replaceAll(',', ';')}\n`, 'must be separated by commas'],
  ])('with %s ends with a usage error', async (_what, text, message) => {
    const { error, rows } = await read([text]);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(message);
    expect(rows).toEqual([]);
  });

  it.each([
    ['a quote that is never closed', `"${rowOf(1)}\n${rowOf(1)}`],
    ['a quote that swallows the file', `"${rowOf(1)}\n${`${rowOf(1)}\n`.repeat(2_000)}`],
  ])('with %s gives the rows before it, and then an error that quotes nothing', async (_what, rest) => {
    const { rows, error } = await read([`${HEADER}\n${rowOf(1)}\n`, rest]);
    expect(rows).toHaveLength(1);
    expect(error).toBeInstanceOf(CsvFormatError);
    expect(String(error)).toMatch(/^CsvFormatError: Line \d+: /);
  });

  it('takes a stray quote for a character', async () => {
    const { rows, error } = await read([`${HEADER}\n${rowOf(1, 'a"da@contoso.com')}\n"ada"x,${DEVICE},y,z`]);
    expect(error).toBeUndefined();
    expect(rows).toMatchObject([{ line: 2, row: { userId: 'a"da@contoso.com' } }, { line: 3 }]);
  });

  it('ends when it is stopped, although more may come', async () => {
    const stop = new AbortController();
    const input = new Readable({ read: () => undefined });
    input.push(`${HEADER}\n${`${rowOf(1)}\n`.repeat(50)}`);
    const { rows } = readCsv({ input, operation: 'add', clock, signal: stop.signal, onHeader: () => undefined });
    const lines: number[] = [];
    for await (const { line } of rows) {
      lines.push(line);
      stop.abort(new Error('stopped'));
    }
    expect(lines).toEqual([2]);
    expect(input.destroyed).toBe(true);
  });

  it('lets go of standard input when nobody wants more rows', async () => {
    const input = new Readable({ read: () => undefined });
    input.push(`${HEADER}\n${`${rowOf(1)}\n`.repeat(50)}`);
    const signal = new AbortController().signal;
    for await (const _ of readCsv({ input, operation: 'add', clock, signal, onHeader: () => undefined }).rows) break;
    expect(input.destroyed).toBe(true);
  });
});
