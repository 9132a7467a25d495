/** The one line that says what an invocation did. Layer: system. */
import type { InvocationSummary } from '../domain/invocation-summary.ts';
import type { LogFields } from '../domain/log-fields.ts';
import type { Logger } from '../domain/ports.ts';

/** Its message; queries find the line by it. */
export const SUMMARY_MESSAGE = 'invocation summary';

/** Logs the summary once: `info`, or `error` when the invocation faulted. Field names are those of `InvocationSummary`. */
export function summaryLine(logger: Logger, summary: InvocationSummary): void {
  const { counts, ...rest } = summary;
  const fields: LogFields = { ...rest, counts: { ...counts } };
  logger[summary.outcome === 'faulted' ? 'error' : 'info'](SUMMARY_MESSAGE, fields);
}
