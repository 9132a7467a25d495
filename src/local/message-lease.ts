/** Keeps a queue message hidden while its function runs. Layer: local. */
import { RestError } from '@azure/core-rest-pipeline';
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { Clock } from '../domain/ports.ts';

/** Chosen: how soon a failed renewal is tried again at the earliest. */
const RETRY_MS = 1_000;

export interface MessageLease {
  /** Stops renewing and gives the receipt to settle the message with; `undefined` when someone else has taken it meanwhile. */
  end(): Promise<string | undefined>;
}

/** The service counts visibility in whole seconds. */
export function visibilitySeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

/** The message is no longer ours: taken by someone else, deleted, or its queue is gone. */
export function isTaken(error: unknown): boolean {
  return error instanceof RestError && (error.statusCode === 404 || error.code === 'PopReceiptMismatch');
}

/**
 * Renews `message` at half of `visibilityMs` until ended; a renewal that fails is tried again sooner.
 * Source: azure-webjobs-sdk `QueueListener`, `UpdateQueueMessageVisibilityCommand` (read 2026-11-22).
 */
export function holdMessage(options: {
  readonly queue: QueueClient;
  readonly message: DequeuedMessageItem;
  readonly visibilityMs: number;
  readonly clock: Clock;
  /** Told of a failed renewal. */
  readonly onProblem: (error: unknown) => void;
}): MessageLease {
  const { queue, message, visibilityMs, clock, onProblem } = options;
  const ended = new AbortController();
  let popReceipt: string | undefined = message.popReceipt;

  async function untilDue(waitMs: number): Promise<boolean> {
    try {
      await clock.sleep(waitMs, ended.signal);
      return true;
    } catch (error) {
      if (ended.signal.aborted) return false;
      throw error;
    }
  }

  async function renew(): Promise<void> {
    let waitMs = visibilityMs / 2;
    while (popReceipt !== undefined && (await untilDue(waitMs))) {
      try {
        const seconds = visibilitySeconds(visibilityMs);
        popReceipt = (await queue.updateMessage(message.messageId, popReceipt, undefined, seconds)).popReceipt;
        waitMs = visibilityMs / 2;
      } catch (error) {
        onProblem(error);
        if (isTaken(error)) popReceipt = undefined;
        waitMs = Math.max(RETRY_MS, waitMs / 2);
      }
    }
  }

  const renewing = renew();
  return {
    async end() {
      ended.abort();
      // A renewal under way changes the receipt: it has to finish first.
      await renewing;
      return popReceipt;
    },
  };
}
