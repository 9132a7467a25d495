/** Recovery keys from a CSV on standard input, row by row; what is not read yet is not in memory. Layer: cli. */
import type { Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { type EscrowHeader, parseEscrowHeader } from '../../app/escrow/escrow-header.ts';
import { type EscrowColumn, parseEscrowRow } from '../../app/escrow/escrow-row.ts';
import type { ReadRow } from '../../app/escrow/escrow-rows.ts';
import type { EscrowOperation } from '../../domain/escrow.ts';
import type { Clock } from '../../domain/ports.ts';
import { UsageError } from '../usage-error.ts';
import { createCsvText } from './csv-text.ts';

export interface CsvOptions {
  readonly input: Readable;
  readonly operation: EscrowOperation;
  /** No key is younger. */
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Ends the rows. */
  readonly signal: AbortSignal;
  /** Told once, before the first row. */
  readonly onHeader: (header: EscrowHeader) => void;
}

export interface CsvRows {
  readonly rows: AsyncIterable<ReadRow>;
  /** Of the input, read and cut into rows so far. */
  bytes(): number;
}

/** From here on the input is not CSV. Rows before it are. The parser's own message would quote the file, so it is not kept. */
export class CsvFormatError extends Error {
  override readonly name = 'CsvFormatError';
  readonly line: number;

  constructor(line: number, what: string) {
    super(
      `Line ${line}: ${what}. Everything before it was dealt with; correct the file and run the same command again.`,
    );
    this.line = line;
  }
}

/** Chosen: a row of ours has less than 1 KiB; exports with every property of a device have a few. It bounds what an unclosed quote swallows. */
const LONGEST_ROW = 65_536;

const PARSING = {
  // Rows that were parsed before an error are still read; a destroyed stream would drop them.
  autoDestroy: false,
  info: true,
  ltrim: true,
  max_record_size: LONGEST_ROW,
  // Of any kind of line end, this is what is left.
  record_delimiter: '\n',
  relax_column_count: true,
  relax_quotes: true,
  skip_empty_lines: true,
};

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number; readonly bytes: number };
}

/** The rows below the header. The iteration rejects with `UsageError` for a header that will not do, and `CsvFormatError`. */
export function readCsv(options: CsvOptions): CsvRows {
  const { input, operation, clock, signal, onHeader } = options;
  const text = createCsvText();
  let bytes = 0;

  async function* rows(): AsyncGenerator<ReadRow, void, void> {
    const parser = parse(PARSING);
    const stop = () => {
      input.destroy();
      text.stream.destroy();
      parser.destroy();
    };
    const fail = (error: Error) => parser.destroy(error);
    signal.addEventListener('abort', stop, { once: true });
    input.once('error', fail);
    if (signal.aborted) stop();
    else input.pipe(text.stream).pipe(parser);
    let header: EscrowHeader | undefined;
    try {
      for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
        bytes = text.inputBytes(info.bytes);
        if (header === undefined) {
          header = headerOf(operation, record);
          onHeader(header);
        } else yield rowOf({ operation, header, nowMs: clock.nowMs() }, record, info.lines);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw formatError(error, parser.info.lines);
    } finally {
      signal.removeEventListener('abort', stop);
      input.off('error', fail);
      stop();
    }
    if (header === undefined) throw new UsageError('Nothing came on standard input: give it the CSV, as in < keys.csv');
  }

  return { rows: rows(), bytes: () => bytes };
}

function headerOf(operation: EscrowOperation, names: readonly string[]): EscrowHeader {
  const { header, problems } = parseEscrowHeader(operation, names);
  if (header !== undefined) return header;
  const hint = names.length === 1 ? ' It has only one column: they must be separated by commas.' : '';
  throw new UsageError(`The first line of the CSV will not do as its header: ${problems.join('; ')}.${hint}`);
}

function rowOf(
  {
    operation,
    header,
    nowMs,
  }: { readonly operation: EscrowOperation; readonly header: EscrowHeader; readonly nowMs: number },
  record: readonly string[],
  line: number,
): ReadRow {
  if (record.length !== header.width) {
    const rule = `must have as many columns as the header, ${header.width}; it has ${record.length}`;
    return { line, problems: [{ rule }] };
  }
  const cell = (column: EscrowColumn): string | undefined => {
    const at = header.columns[column];
    return at === undefined ? undefined : record[at];
  };
  const { row, problems } = parseEscrowRow(operation, cell, nowMs);
  return row === undefined ? { line, problems } : { line, row };
}

function formatError(error: unknown, line: number): unknown {
  const code = error instanceof Error && 'code' in error ? (error as CsvError).code : undefined;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return new CsvFormatError(line, 'a quote before it is never closed');
  if (code === 'CSV_MAX_RECORD_SIZE') {
    return new CsvFormatError(
      line,
      `a row is longer than ${LONGEST_ROW} characters; most likely a quote is never closed`,
    );
  }
  // An error of the parser carries the row it stumbled over.
  if (typeof code === 'string' && /^(CSV_|INVALID_)/.test(code)) return new CsvFormatError(line, 'this is not CSV');
  return error;
}
