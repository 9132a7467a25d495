/** Sends internal messages on Azure Queue Storage. Layer: storage adapter. */
import type { QueueClient } from '@azure/storage-queue';
import { MAX_MESSAGE_DELAY_MS, type Queues } from '../domain/queues.ts';
import { guarded, type StorageOperation } from './fault.ts';

/** A message never expires. Source: Put Message, `messagettl` -1 (read 2026-11-22). */
const NEVER = -1;

/** One queue to send to. */
export interface QueueTarget {
  readonly client: Pick<QueueClient, 'sendMessage'>;
  readonly operation: StorageOperation;
}

/** `delayMs` in whole seconds, rounded up: a message is never early. @throws {RangeError} outside 0 to 7 days. */
export function visibilityTimeoutSeconds(delayMs: number): number {
  if (!(delayMs >= 0 && delayMs <= MAX_MESSAGE_DELAY_MS)) {
    throw new RangeError(`a message can be delayed by 0 to ${MAX_MESSAGE_DELAY_MS} ms (7 days), got ${delayMs}`);
  }
  return Math.ceil(delayMs / 1_000);
}

/** Puts `text` as it is; the host reads plain text (`messageEncoding: none`). @throws {StorageError} @throws {RangeError} */
export async function sendMessage(queue: QueueTarget, text: string, delayMs: number): Promise<void> {
  const visibilityTimeout = visibilityTimeoutSeconds(delayMs);
  await guarded(queue.operation, () => queue.client.sendMessage(text, { messageTimeToLive: NEVER, visibilityTimeout }));
}

/** Bodies of our own are plain JSON. */
export function createAzureQueues(queues: {
  readonly requests: QueueTarget;
  readonly runs: QueueTarget;
  readonly encryptionStates: QueueTarget;
}): Queues {
  return {
    sendContinuation: (message, delayMs) => sendMessage(queues.runs, JSON.stringify(message), delayMs),
    sendSlice: (message, delayMs) => sendMessage(queues.encryptionStates, JSON.stringify(message), delayMs),
    sendRequest: (text, delayMs) => sendMessage(queues.requests, text, delayMs),
  };
}
