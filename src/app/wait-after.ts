/** How long work is put off when Graph cannot be asked now. Pure. Layer: app. */
import type { GraphError } from '../domain/graph-error.ts';
import { MAX_MESSAGE_DELAY_MS } from '../domain/queues.ts';
import type { Deps } from './deps.ts';

/** What Graph asks for is a floor; an outage without a word is waited out for `outageRetryMs`. */
export function waitAfterMs({ timing }: Pick<Deps, 'timing'>, error: GraphError): number {
  if (error.kind === 'throttled') return error.retryAfterMs ?? timing.outageRetryMs;
  return Math.max(timing.outageRetryMs, error.retryAfterMs ?? 0);
}

/** A message hides for seven days at most. Whoever it brings back earlier finds the quota's pause still standing, and puts the work off again. */
export function messageDelayMs(waitMs: number): number {
  return Math.min(MAX_MESSAGE_DELAY_MS, Math.max(0, waitMs));
}
