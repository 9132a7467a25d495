/** `keyturn report`: what a run came to, as a page for people and as its evidence. Layer: cli. */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { evidenceName } from '../../app/evidence/evidence-head.ts';
import { renderReport } from '../../app/report/html/render-report.ts';
import { EvidenceChangedError, readReport } from '../../app/report/read-report.ts';
import type { RunId } from '../../domain/ids.ts';
import type { ReportFiles } from '../../domain/ports.ts';
import type { ReportModel } from '../../domain/report/report-model.ts';
import { verdictOf } from '../../domain/report/verdict.ts';
import type { Run } from '../../domain/run.ts';
import { VERSION } from '../../version.ts';
import { type CliContext, type CommonOptions, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { runId } from '../parse-options.ts';
import { reportLines } from '../render/report-lines.ts';
import { UsageError } from '../usage-error.ts';
import { openForReading } from './open-services.ts';

export interface ReportOptions extends CommonOptions {
  readonly html?: string;
  readonly csv?: string;
}

/** Declares the command. */
export function addReportCommand(program: Command, act: (run: RunId, options: ReportOptions) => Promise<void>): void {
  program
    .command('report')
    .description("what a run came to, what needs somebody, and the run's evidence")
    .argument('<run>', 'id of a run', runId)
    .option('--html <file>', 'write the report there: one page that needs no network')
    .option('--csv <file>', 'write the latest evidence file there')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nThe app leaves both in the blob container reports when a run ends.')
    .action(act);
}

/** @throws {UsageError} for an unknown run, one without evidence, or a file that cannot be written. @throws {StorageError} */
export async function reportCommand(context: CliContext, wanted: RunId, options: ReportOptions): Promise<ExitCode> {
  if (options.html !== undefined && options.html === options.csv) {
    throw new UsageError('--html and --csv name the same file.');
  }
  const { storage, settings, clock } = await openForReading(context);
  const run = (await storage.ledger.readRun(wanted))?.value;
  if (run === undefined) throw new UsageError(`No run is called ${wanted}. \`npx keyturn status\` lists the latest.`);
  const content = options.csv === undefined ? undefined : await evidenceContent(storage.reportFiles, run);
  const deps = { ...storage, settings, clock, version: VERSION };
  const model = await readOrComplain(readReport(deps, run, context.stopping));
  if (options.html !== undefined) await write(context, options.html, renderReport(model));
  if (options.csv !== undefined && content !== undefined) await write(context, options.csv, content);
  const files = {
    ...(options.html === undefined ? {} : { html: options.html }),
    ...(options.csv === undefined ? {} : { csv: options.csv }),
  };
  printResult(context, options, { verdict: verdictOf(model), ...model, files }, (style, columns) =>
    reportLines(model, files, style, columns),
  );
  return EXIT.done;
}

async function evidenceContent(reportFiles: ReportFiles, run: Run): Promise<AsyncIterable<Uint8Array>> {
  if (run.evidence === undefined) {
    throw new UsageError(`Run ${run.runId} is ${run.state}: it has no evidence before it has ended.`);
  }
  const name = evidenceName(run.runId, run.evidence.version);
  const content = await reportFiles.read(name);
  if (content === undefined) throw new UsageError(`${name} is not in the container reports.`);
  return content;
}

async function readOrComplain(reading: Promise<ReportModel>): Promise<ReportModel> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof EvidenceChangedError) throw new UsageError(`${error.message}.`);
    throw error;
  }
}

/** Replaces the file. */
async function write(
  context: CliContext,
  file: string,
  content: Iterable<string> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const signal = context.stopping;
  try {
    await pipeline(Readable.from(content), createWriteStream(path.resolve(context.directory, file)), { signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof Error && 'syscall' in error && 'code' in error) {
      throw new UsageError(`${file} cannot be written (${String(error.code)}).`);
    }
    throw error;
  }
}
