/** JSON log lines from allow-listed fields, each handed to the sink of its level. Layer: system. */
import { type DestinationStream, pino } from 'pino';
import { LOG_FIELDS, type LogFields } from '../domain/log-fields.ts';
import type { Logger } from '../domain/ports.ts';
import { scrub } from '../domain/scrub.ts';
import type { LogLevel } from '../domain/settings.ts';

export interface LoggerOptions {
  /** Lines below it are not made. */
  readonly level: LogLevel;
  /** Takes one line of JSON, without a line break. */
  readonly write: (level: LogLevel, line: string) => void;
  /** On every line. */
  readonly bindings?: LogFields;
}

/** Chosen: enough for every message of ours, too little for a page of a tenant's devices. */
const LONGEST_TEXT = 4_000;

const NAMES: readonly string[] = LOG_FIELDS;
const COUNT_NAME = /^[A-Za-z][A-Za-z0-9]{0,48}$/;

function cleanText(text: string): string {
  const clean = scrub(text);
  return clean.length > LONGEST_TEXT ? `${clean.slice(0, LONGEST_TEXT)}…` : clean;
}

function cleanCounts(value: object): Readonly<Record<string, number>> | undefined {
  const entries = Object.entries(value);
  const isFlat = entries.every(([name, count]) => COUNT_NAME.test(name) && Number.isFinite(count));
  return isFlat && !Array.isArray(value) ? Object.fromEntries(entries) : undefined;
}

/** The value as a line may carry it, or `undefined`. */
function cleanValue(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value;
  return typeof value === 'object' && value !== null && !(value instanceof Error) ? cleanCounts(value) : undefined;
}

/** What the list allows of `fields`. Whatever it does not is counted in `dropped`, so that a gap in the log can be noticed. */
function cleanFields(fields: LogFields): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  let dropped = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const allowed = NAMES.includes(name) ? cleanValue(value) : undefined;
    if (allowed === undefined) dropped += 1;
    else clean[name] = allowed;
  }
  return dropped === 0 ? clean : { ...clean, dropped };
}

const LEVELS: Readonly<Record<number, LogLevel>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };

/** pino tells a stream that carries this symbol the level of the line it is about to write. */
const METADATA = Symbol.for('pino.metadata');

function destinationOf(write: LoggerOptions['write']): DestinationStream {
  const stream = {
    [METADATA]: true,
    lastLevel: 30,
    write(line: string): void {
      write(LEVELS[stream.lastLevel] ?? 'error', line.trimEnd());
    },
  };
  return stream;
}

/**
 * A logger whose lines hold `level`, `time` (ISO 8601), `message`, and of bindings and fields only what `LOG_FIELDS` lists: strings,
 * finite numbers, flags and flat counts. Texts are scrubbed besides. A field replaces a binding of the same name.
 */
export function createLogger(options: LoggerOptions): Logger {
  const out = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destinationOf(options.write),
  );

  function bound(bindings: Readonly<Record<string, unknown>>): Logger {
    const at =
      (level: LogLevel) =>
      (message: string, fields: LogFields = {}): void => {
        if (out.isLevelEnabled(level)) out[level]({ ...bindings, ...cleanFields(fields) }, cleanText(String(message)));
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (more) => bound({ ...bindings, ...cleanFields(more) }),
    };
  }

  return bound(cleanFields(options.bindings ?? {}));
}

/** Writes lines to the process's standard error, one each: standard output is for results. */
export function stderrSink(): LoggerOptions['write'] {
  return (_level, line) => {
    process.stderr.write(`${line}\n`);
  };
}
