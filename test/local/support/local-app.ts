/** Registers functions for a test through the real `@azure/functions`, and keeps what was logged. */
import type { app } from '@azure/functions';
import type { Random } from '../../../src/domain/ports.ts';
import { recordRegistrations } from '../../../src/local/core-module.ts';
import type { FunctionApp, LogSink } from '../../../src/local/rpc.ts';

export interface LogLine {
  readonly functionName: string;
  readonly level: string;
  readonly line: string;
}

/** A sink that keeps every line. */
export function createLog(): { readonly lines: LogLine[]; readonly onLog: LogSink } {
  const lines: LogLine[] = [];
  return { lines, onLog: (functionName, level, line) => void lines.push({ functionName, level, line }) };
}

/** What `register` registers with the library's `app`. */
export async function appOf(
  register: (registrar: typeof app) => void,
  onLog: LogSink = () => {},
): Promise<FunctionApp> {
  return recordRegistrations(async () => {
    const library = await import('@azure/functions');
    register(library.app);
  }, onLog);
}

/** Repeatable randomness: GUIDs count up. */
export function createCountingRandom(): Random {
  let count = 0;
  return {
    next: () => 0.5,
    guid: () => {
      count += 1;
      return `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
    },
  };
}
