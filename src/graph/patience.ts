/** How long a call goes on asking about faults. Layer: graph. */
import type { CallOptions, Clock } from '../domain/ports.ts';

/** Called at each fault, says until when it may be asked about again: `retryForMs` from the first one, never past the deadline. Our clock. */
export function createPatience(
  clock: Pick<Clock, 'nowMs'>,
  { deadlineAtMs, retryForMs = Number.POSITIVE_INFINITY }: Pick<CallOptions, 'deadlineAtMs' | 'retryForMs'>,
): () => number {
  let firstFaultAtMs: number | undefined;
  return () => {
    firstFaultAtMs ??= clock.nowMs();
    return Math.min(deadlineAtMs, firstFaultAtMs + retryForMs);
  };
}
