/** Ctrl-C and SIGTERM as an abort signal; the second one quits. Layer: cli. */

/** The part of `process` that is needed. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** A wish to stop, shared by everything a command does. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Listens no more. */
  dispose(): void;
}

/** @param onFirst says that stopping takes a moment. @param onSecond ends the process. */
export function createInterrupt(source: SignalSource, onFirst: () => void, onSecond: () => void): Interrupt {
  const stopping = new AbortController();
  const listener = (): void => {
    if (stopping.signal.aborted) {
      onSecond();
      return;
    }
    onFirst();
    stopping.abort(new Error('stopped'));
  };
  for (const signal of SIGNALS) source.on(signal, listener);
  return {
    signal: stopping.signal,
    dispose: () => {
      for (const signal of SIGNALS) source.off(signal, listener);
    },
  };
}
