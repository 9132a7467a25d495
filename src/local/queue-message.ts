/** A queue message as the Functions host hands it to a function, and what becomes of it afterwards. Pure. Layer: local. */
import type { DequeuedMessageItem } from '@azure/storage-queue';
import type { TriggerData } from './invoke-function.ts';

/** The text a function gets, or `undefined` when the message is not what `messageEncoding` promises. */
export function decodeMessage(messageText: string, encoding: 'none' | 'base64'): string | undefined {
  if (encoding === 'none') return messageText;
  const bytes = Buffer.from(messageText, 'base64');
  // Node skips what is not base64 instead of refusing it, so look whether it survives the way back.
  if (bytes.toString('base64') !== messageText.trim()) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * The trigger's value and metadata in the worker's wire form: the text as a string, which the library parses when it is JSON;
 * instants as JSON. Names are in .NET's case; the library turns them into `dequeueCount`, `popReceipt` and so on.
 * Source: azure-webjobs-sdk, `QueueTriggerAttributeBindingProvider` binding data (read 2026-11-22).
 */
export function triggerDataOf(message: DequeuedMessageItem, text: string): TriggerData {
  const instant = (date: Date) => ({ json: JSON.stringify(date.toISOString()) });
  return {
    input: { string: text },
    metadata: {
      QueueTrigger: { string: text },
      DequeueCount: { int: message.dequeueCount },
      ExpirationTime: instant(message.expiresOn),
      Id: { string: message.messageId },
      InsertionTime: instant(message.insertedOn),
      NextVisibleTime: instant(message.nextVisibleOn),
      PopReceipt: { string: message.popReceipt },
    },
  };
}

/** `delete`: done. `release`: hidden for `visibilityTimeout`, then delivered again. `poison`: moved to `<queue>-poison`. `leave`: hidden until its visibility runs out. */
export type Disposition = 'delete' | 'release' | 'poison' | 'leave';

/**
 * What to do with a message after an attempt. A poison queue has no poison queue of its own: its message stays hidden, so that a
 * failure is not repeated at once and nothing is lost.
 * Source: azure-webjobs-sdk `QueueProcessor.CompleteProcessingMessageAsync` (read 2026-11-22).
 */
export function dispositionOf(attempt: {
  readonly succeeded: boolean;
  readonly queueName: string;
  readonly dequeueCount: number;
  readonly maxDequeueCount: number;
}): Disposition {
  if (attempt.succeeded) return 'delete';
  if (isPoisonQueue(attempt.queueName)) return 'leave';
  return attempt.dequeueCount >= attempt.maxDequeueCount ? 'poison' : 'release';
}

/** A poison queue is recognised by its name. */
export function isPoisonQueue(queueName: string): boolean {
  return queueName.endsWith('-poison');
}
