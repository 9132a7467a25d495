/** Keeps log lines for a test to read. */
import type { LogLevel } from '../../src/domain/settings.ts';

export interface MemorySink {
  readonly write: (level: LogLevel, line: string) => void;
  readonly lines: readonly { readonly level: LogLevel; readonly line: string }[];
  /** The lines, parsed. */
  entries(): readonly Readonly<Record<string, unknown>>[];
  /** Everything written, as one text. */
  text(): string;
}

export function createMemorySink(): MemorySink {
  const lines: { readonly level: LogLevel; readonly line: string }[] = [];
  return {
    lines,
    write: (level, line) => lines.push({ level, line }),
    entries: () => lines.map(({ line }) => JSON.parse(line) as Readonly<Record<string, unknown>>),
    text: () => lines.map(({ line }) => line).join('\n'),
  };
}
