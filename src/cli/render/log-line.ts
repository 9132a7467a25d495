/** A function's log line for people; JSON of ours becomes a message with its fields. Pure. Layer: cli. */
import type { Style } from './style.ts';
import { padEnd, visible } from './text.ts';

/** On every line, or said by its head. */
const LEFT_OUT: ReadonlySet<string> = new Set(['level', 'time', 'message', 'functionName', 'invocationId', 'tenantId']);
const NAME_COLUMNS = 24;

export function logLine(
  entry: { readonly atMs: number; readonly functionName: string; readonly level: string; readonly line: string },
  style: Style,
): string {
  const time = new Date(entry.atMs).toISOString().slice(11, 23);
  const paint = entry.level === 'error' ? style.bad : entry.level === 'warn' ? style.warn : style.dim;
  const head = `${style.dim(time)} ${paint(padEnd(entry.level, 5))} ${padEnd(entry.functionName, NAME_COLUMNS)}`;
  return `${head} ${textOf(entry.line)}`;
}

/** A line of ours quotes names and errors, and stays one line; what others print may be several. */
function textOf(line: string): string {
  const json = parsed(line);
  if (json === undefined || typeof json.message !== 'string') return line.split('\n').map(visible).join('\n');
  const fields = Object.entries(json)
    .filter(([name]) => !LEFT_OUT.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  return visible([json.message, ...fields].join(' '));
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    // Not one of ours after all: shown as it is.
    return undefined;
  }
}
