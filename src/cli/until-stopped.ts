/** Waits for the wish to stop. Layer: cli. */

/** Resolves once the signal is aborted. Something else must keep the process alive meanwhile. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
