/** Turns whatever was thrown into lines for people and an exit code. Pure. Layer: cli. */
import { EvidenceChangedError } from '../app/report/read-report.ts';
import { errorFields } from '../domain/error-fields.ts';
import { GraphError, type GraphErrorKind } from '../domain/graph-error.ts';
import { SettingsError } from '../domain/settings-error.ts';
import { StorageError } from '../domain/storage-error.ts';
import { LocalHostError } from '../local/local-host-error.ts';
import { CsvFormatError } from './escrow/read-csv.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { UsageError } from './usage-error.ts';

export interface Explanation {
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}

/** What to do where the message alone does not say. */
const GRAPH_HINT: Readonly<Partial<Record<GraphErrorKind, string>>> = {
  unavailable: 'The run keeps its place: run the command again to carry it on.',
  throttled: 'The run keeps its place: run the command again later to carry it on.',
};

/** Problems of the machine's or project's set-up, which no second try will change. */
const SET_UP = new Set<LocalHostError['kind']>(['node', 'packageJson', 'hostJson', 'schedule', 'setting']);

/**
 * One clear message; of a foreign error its name and its message as `printable` leaves it.
 * `detail`: `full` adds the stack, for `LOG_LEVEL=debug`.
 */
export function explainError(
  error: unknown,
  detail: 'message' | 'full',
  printable: (text: string) => string,
): Explanation {
  const stack =
    detail === 'full' && error instanceof Error && error.stack !== undefined ? [printable(error.stack)] : [];
  const explain = (exitCode: ExitCode, ...lines: readonly (string | undefined)[]): Explanation => ({
    lines: [...lines.filter((line) => line !== undefined), ...stack],
    exitCode,
  });

  if (error instanceof UsageError) return explain(EXIT.usage, error.message);
  if (error instanceof SettingsError) {
    return explain(
      EXIT.usage,
      error.message,
      'Settings are environment variables; the README lists them with their defaults.',
    );
  }
  if (error instanceof GraphError) {
    const ids = [error.requestId, error.clientRequestId].filter((id) => id !== undefined);
    const trace = ids.length === 0 ? undefined : `For Microsoft support: request ${ids.join(', client request ')}`;
    return explain(EXIT.failed, error.message, GRAPH_HINT[error.kind], trace);
  }
  if (error instanceof EvidenceChangedError) return explain(EXIT.failed, `${error.message}.`);
  if (error instanceof StorageError || error instanceof CsvFormatError) return explain(EXIT.failed, error.message);
  if (error instanceof LocalHostError) return explain(SET_UP.has(error.kind) ? EXIT.usage : EXIT.failed, error.message);
  const { error: name, code } = errorFields(error);
  const message = printable(error instanceof Error ? error.message : String(error));
  return explain(
    EXIT.failed,
    `${String(name)}${code === undefined ? '' : ` (${String(code)})`}: ${message}`,
    stack.length > 0 ? undefined : 'Set LOG_LEVEL=debug to see where it came from.',
  );
}
