/** `keyturn report`: what a run came to, as a page for people and as its evidence. Layer: cli. */
import type { Command } from 'commander';
import { renderReport } from '../../app/report/html/render-report.ts';
import { evidenceContent, readReport } from '../../app/report/read-report.ts';
import type { RunDetails } from '../../domain/evidence/run-details.ts';
import type { RunId } from '../../domain/ids.ts';
import type { ReportModel } from '../../domain/report/report-model.ts';
import { verdictOf } from '../../domain/report/verdict.ts';
import { VERSION } from '../../version.ts';
import { type CliContext, type CommonOptions, printResult } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { openOutputFiles } from '../output-file.ts';
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

/**
 * Evidence that is missing or not what was written is a fault, not a mistake of the caller.
 * @throws {UsageError} for an unknown run, one without evidence, or a file that cannot be written. @throws {EvidenceChangedError}
 * {@link StorageError}
 */
export async function reportCommand(context: CliContext, wanted: RunId, options: ReportOptions): Promise<ExitCode> {
  const { html, csv } = await openOutputFiles(context, { html: options.html, csv: options.csv });
  const { storage, settings, clock } = await openForReading(context);
  const run = (await storage.ledger.readRun(wanted))?.value;
  if (run === undefined) throw new UsageError(`No run is called ${wanted}. \`npx keyturn status\` lists the latest.`);
  if (csv !== undefined && run.evidence === undefined) {
    throw new UsageError(`Run ${run.runId} is ${run.state}: it has no evidence before it has ended.`);
  }
  const model = await readReport({ ...storage, settings, clock, version: VERSION }, run, context.stopping);
  await html?.write(renderReport(model));
  if (run.evidence !== undefined) await csv?.write(await evidenceContent(storage.reportFiles, run.runId, run.evidence));
  const files = {
    ...(html === undefined ? {} : { html: html.name }),
    ...(csv === undefined ? {} : { csv: csv.name }),
  };
  const document = { verdict: verdictOf(model), ...model, run: knownOf(model), files };
  printResult(context, options, document, (style, columns) => reportLines(model, files, style, columns));
  return EXIT.done;
}

/** Of a run without evidence: not what only its end will tell. */
function knownOf({ run, evidence }: ReportModel): Partial<RunDetails> {
  if (evidence !== undefined) return run;
  const { outcome: _outcome, evidence: _number, writtenAt: _writtenAt, ...known } = run;
  return known;
}
