/** The two output streams and what they can show. Layer: cli. */
import type { Environment } from '../config.ts';

/** One output stream. */
export interface Output {
  write(text: string): void;
  /** A person watches: lines may be drawn over. */
  readonly isInteractive: boolean;
  readonly hasColor: boolean;
  /** Width in characters; asked anew each time, since windows are resized. */
  columns(): number;
}

/** `out` carries results, `err` progress and problems, so that results can be piped. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
}

/** The part of a process's stream that is needed. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const DEFAULT_COLUMNS = 80;

/**
 * Streams as the environment wants them used. `NO_COLOR`, set to anything, turns colour off; `TERM=dumb` turns drawing off too.
 * Source: no-color.org (read 2026-11-22).
 */
export function createTerminal(
  streams: { readonly out: OutputStream; readonly err: OutputStream },
  environment: Environment,
): Terminal {
  const isDumb = environment.TERM === 'dumb';
  const isPlain = (environment.NO_COLOR ?? '') !== '';
  const output = (stream: OutputStream): Output => {
    const isInteractive = stream.isTTY === true && !isDumb;
    return {
      write: (text) => void stream.write(text),
      isInteractive,
      hasColor: isInteractive && !isPlain,
      columns: () => stream.columns ?? DEFAULT_COLUMNS,
    };
  };
  return { out: output(streams.out), err: output(streams.err) };
}
