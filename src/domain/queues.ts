/** Internal messages. Layer: domain (port). */
import type { ContinuationMessage, SliceMessage } from './messages.ts';

/** Sends internal messages. `delayMs` 0 to 7 days; messages never expire. @throws {StorageError} */
export interface Queues {
  sendContinuation(message: ContinuationMessage, delayMs: number): Promise<void>;
  sendSlice(message: SliceMessage, delayMs: number): Promise<void>;
  /** Puts text on `rotation-requests` as it is: a new request, or one that comes back from quarantine. */
  sendRequest(text: string, delayMs: number): Promise<void>;
}

/** Azure Storage hides a message for at most 7 days. Source: Put Message, `visibilitytimeout` (read 2026-11-22). */
export const MAX_MESSAGE_DELAY_MS = 7 * 24 * 3_600_000;
