/** Many recovery keys into escrow, from a CSV on standard input: a dry run, or a run that can be carried on. Layer: cli. */
import path from 'node:path';
import { checkRows } from '../../app/escrow/check-rows.ts';
import { failedIn } from '../../app/escrow/escrow-counts.ts';
import { type EscrowRowsEnd, type EscrowWatcher, escrowRows } from '../../app/escrow/escrow-rows.ts';
import type { EscrowOperation } from '../../domain/escrow.ts';
import { openServices } from '../commands/open-services.ts';
import { type CliContext, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { createProgress, type Progress, progressForm } from '../progress.ts';
import { createProgressLogger } from '../progress-logger.ts';
import { UsageError } from '../usage-error.ts';
import { csvEndLines } from './csv-end-lines.ts';
import type { EscrowOptions } from './escrow-options.ts';
import { openJournal, readJournal } from './journal-file.ts';
import { type CsvRows, readCsv } from './read-csv.ts';
import { createRowReport, type RowReport } from './row-report.ts';
import { type StandardInput, sizeOf } from './standard-input.ts';

/** @throws {UsageError} for a header or journal that will not do. @throws {CsvFormatError} {@link SettingsError} {@link StorageError} {@link GraphError} */
export async function escrowCsv(
  context: CliContext,
  operation: EscrowOperation,
  options: EscrowOptions,
): Promise<ExitCode> {
  const input = context.input();
  if (input.isTTY === true) throw new UsageError('Standard input is a terminal; give it the CSV, as in < keys.csv');
  const { err } = context.terminal;
  const isDryRun = options.dryRun === true;
  const progress = createProgress(err, context.machine.clock, progressForm(err, options));
  const csv = openCsv(context, operation, input, progress);
  const report = createRowReport({
    progress,
    clock: context.machine.clock,
    isDryRun,
    share: shareOf(input, csv),
  });
  const journal = path.resolve(context.directory, options.journal ?? `escrow-${operation}.journal`);
  let end: EscrowRowsEnd;
  try {
    end = isDryRun
      ? await checkRows(
          csv.rows,
          options.journal === undefined ? undefined : await readJournal(journal, { operation }),
          report.watcher,
          context.stopping,
        )
      : await send(context, operation, { csv, progress, journal, watcher: report.watcher });
  } finally {
    report.end();
    input.destroy();
  }
  const document = documentOf(operation, isDryRun ? { dryRun: true } : { journal }, end, report);
  printResult(context, options, document, () => csvEndLines(operation, end, isDryRun ? undefined : journal));
  return end.early === undefined && failedIn(end.counts) === 0 ? EXIT.done : EXIT.failed;
}

function openCsv(context: CliContext, operation: EscrowOperation, input: StandardInput, progress: Progress): CsvRows {
  return readCsv({
    input,
    operation,
    clock: context.machine.clock,
    signal: context.stopping,
    onHeader: ({ ignored }) => {
      if (ignored.length > 0) progress.note(`These columns are not used: ${ignored.join(', ')}.`);
    },
  });
}

function shareOf(input: StandardInput, csv: CsvRows): () => number | undefined {
  const size = sizeOf(input);
  return () => (size === undefined || size === 0 ? undefined : Math.min(1, csv.bytes() / size));
}

async function send(
  context: CliContext,
  operation: EscrowOperation,
  given: {
    readonly csv: CsvRows;
    readonly progress: Progress;
    readonly journal: string;
    readonly watcher: EscrowWatcher;
  },
): Promise<EscrowRowsEnd> {
  const services = await openServices(context);
  const { settings, clock, pacer } = services;
  const level = settings.logLevel === 'info' ? 'warn' : settings.logLevel;
  const logger = createProgressLogger(given.progress, level, context.machine.printable);
  const { tenantId, concurrency } = settings;
  const journal = await openJournal(given.journal, { tenantId, operation }, clock.nowMs());
  const { tenant, ledger, timing } = services.invocation(logger).deps;
  try {
    return await escrowRows(
      { escrow: services.escrow(logger), tenant, ledger, timing, journal, clock, concurrency },
      operation,
      given.csv.rows,
      given.watcher,
      // As long as it takes: whoever started it can stop it.
      { priority: 'bulk', deadlineAtMs: Number.POSITIVE_INFINITY, signal: context.stopping },
    );
  } finally {
    await journal.close();
    await pacer.flush();
  }
}

function documentOf(
  operation: EscrowOperation,
  how: { readonly dryRun: true } | { readonly journal: string },
  { counts, early }: EscrowRowsEnd,
  report: RowReport,
): unknown {
  return {
    operation,
    ...how,
    complete: early === undefined,
    counts,
    ...(early === undefined ? {} : { early }),
    ...report.problems(),
  };
}
