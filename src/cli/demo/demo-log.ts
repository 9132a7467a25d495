/** Where the functions' lines go while the demo draws: a file of their own, or standard error. Layer: cli. */
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import type { Clock } from '../../domain/ports.ts';
import type { LogSink } from '../../local/rpc.ts';
import { logLine } from '../render/log-line.ts';
import type { Style } from '../render/style.ts';

export interface DemoLog {
  readonly sink: LogSink;
  /** Absent when the lines go to standard error. */
  readonly file?: string;
  /** Everything is written. */
  close(): Promise<void>;
}

/** One line each, with time, level and function, in a fresh folder of the system's temporary files. */
export async function createFileLog(clock: Pick<Clock, 'nowMs'>): Promise<DemoLog> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'keyturn-demo-')), 'functions.log');
  const stream = createWriteStream(file);
  const written = finished(stream);
  return {
    file,
    sink: (functionName, level, line) =>
      void stream.write(`${new Date(clock.nowMs()).toISOString()} ${level} ${functionName} ${line}\n`),
    async close() {
      stream.end();
      await written;
    },
  };
}

/** Straight to `write`, for `--verbose`. */
export function createDirectLog(clock: Pick<Clock, 'nowMs'>, style: Style, write: (line: string) => void): DemoLog {
  return {
    sink: (functionName, level, line) => write(logLine({ atMs: clock.nowMs(), functionName, level, line }, style)),
    close: () => Promise.resolve(),
  };
}
