/** Sends one HTTP request and gives up on it in time, by the clock it is given. Layer: graph. */
import type { PipelineRequest, PipelineResponse, SendRequest } from '@azure/core-rest-pipeline';
import type { Clock } from '../domain/ports.ts';

/** How one send ended. `aborted` only when there was a signal. */
export type Sent =
  | { readonly kind: 'response'; readonly response: PipelineResponse }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'timedOut' }
  | { readonly kind: 'aborted' };

export interface SendBounds {
  readonly timeoutMs: number;
  /** Absent: nothing but the timeout ends the request, since its effect could not be told afterwards. */
  readonly signal?: AbortSignal;
}

/**
 * Never rejects. On timeout and abort the request itself is aborted too, and what becomes of it is not waited for.
 * The timeout is a sleep on `clock`, so it works in simulated time; `PipelineRequest.timeout` would not.
 */
export function sendTimed(
  send: SendRequest,
  request: PipelineRequest,
  clock: Clock,
  bounds: SendBounds,
): Promise<Sent> {
  const { timeoutMs, signal } = bounds;
  const wire = new AbortController();
  const timer = new AbortController();
  request.abortSignal = wire.signal;
  return new Promise((resolve) => {
    const end = (sent: Sent): void => {
      signal?.removeEventListener('abort', onAbort);
      timer.abort('ended');
      resolve(sent);
    };
    const onAbort = (): void => {
      end({ kind: 'aborted' });
      wire.abort();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    clock.sleep(timeoutMs, timer.signal).then(
      () => {
        end({ kind: 'timedOut' });
        wire.abort();
      },
      // The timer was cancelled because the request ended.
      () => undefined,
    );
    send(request).then(
      (response) => end({ kind: 'response', response }),
      (error: unknown) => end({ kind: 'failed', error }),
    );
  });
}
