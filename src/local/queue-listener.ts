/** Polls one queue for one function with the semantics of the Functions host. Layer: local. */
import { RestError } from '@azure/core-rest-pipeline';
import type { DequeuedMessageItem, QueueServiceClient } from '@azure/storage-queue';
import type { Clock, Random } from '../domain/ports.ts';
import type { QueueSettings } from './host-settings.ts';
import { type InvocationOutcome, reasonOf, type TriggerData } from './invoke-function.ts';
import { holdMessage, isTaken, visibilitySeconds } from './message-lease.ts';
import { type Backoff, IDLE, nextBackoff } from './poll-backoff.ts';
import { decodeMessage, dispositionOf, isPoisonQueue, triggerDataOf } from './queue-message.ts';

export interface QueueListener {
  readonly queueName: string;
  /** Polls until `stopping`, then waits for the messages in hand. Never rejects: a fault is logged and polled again. */
  run(): Promise<void>;
  /** Polls now instead of at the end of the wait: something has just arrived. */
  wake(): void;
}

/** A message is deleted only after its function succeeded. */
export function createQueueListener(options: {
  readonly queueName: string;
  readonly service: Pick<QueueServiceClient, 'getQueueClient'>;
  readonly settings: QueueSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (level: 'debug' | 'warn' | 'error', line: string) => void;
  readonly invoke: (trigger: TriggerData) => Promise<InvocationOutcome>;
  /** A message has moved to that queue. */
  readonly onPoisoned: (poisonQueueName: string) => void;
  /** Aborted: fetch nothing more. */
  readonly stopping: AbortSignal;
  /** Aborted: nobody waits any longer; what is in hand is left to reappear. */
  readonly abandoned: AbortSignal;
}): QueueListener {
  const { queueName, service, settings, clock, random, log, invoke, onPoisoned, stopping, abandoned } = options;
  const queue = service.getQueueClient(queueName);
  const running = new Set<Promise<void>>();
  let woken = new AbortController();
  let problem = '';

  async function poison(message: DequeuedMessageItem, popReceipt: string): Promise<void> {
    const name = `${queueName}-poison`;
    log(
      'warn',
      `Message has reached MaxDequeueCount of ${settings.maxDequeueCount}. Moving message to queue '${name}'.`,
    );
    const target = service.getQueueClient(name);
    // Chosen: never expires. The Functions host lets it expire after the service's default of seven days.
    const send = () => target.sendMessage(message.messageText, { messageTimeToLive: -1 });
    try {
      await send();
    } catch (error) {
      if (!(error instanceof RestError) || error.code !== 'QueueNotFound') throw error;
      await target.createIfNotExists();
      await send();
    }
    await queue.deleteMessage(message.messageId, popReceipt);
    onPoisoned(name);
  }

  async function attempt(message: DequeuedMessageItem): Promise<InvocationOutcome> {
    const text = decodeMessage(message.messageText, settings.messageEncoding);
    if (text !== undefined) return invoke(triggerDataOf(message, text));
    log('warn', `Message ${message.messageId} is not ${settings.messageEncoding} (host.json messageEncoding).`);
    return { kind: 'failed', error: new TypeError('message could not be decoded') };
  }

  async function handle(message: DequeuedMessageItem): Promise<void> {
    const { messageId, dequeueCount } = message;
    // Its last attempt was not the one that moved it: the process died during that attempt.
    if (dequeueCount > settings.maxDequeueCount && !isPoisonQueue(queueName))
      return poison(message, message.popReceipt);
    const lease = holdMessage({
      queue,
      message,
      visibilityMs: settings.runningVisibilityMs,
      clock,
      onProblem: (error) => log('warn', `Message ${messageId} could not be kept hidden: ${reasonOf(error)}`),
    });
    const forsake = () => void lease.end();
    abandoned.addEventListener('abort', forsake, { once: true });
    const outcome = await attempt(message);
    abandoned.removeEventListener('abort', forsake);
    const popReceipt = await lease.end();
    if (popReceipt === undefined || abandoned.aborted) return;
    const { maxDequeueCount } = settings;
    switch (dispositionOf({ succeeded: outcome.kind === 'succeeded', queueName, dequeueCount, maxDequeueCount })) {
      case 'delete':
        await queue.deleteMessage(messageId, popReceipt);
        return;
      case 'poison':
        return poison(message, popReceipt);
      case 'release':
        await queue.updateMessage(messageId, popReceipt, undefined, visibilitySeconds(settings.visibilityTimeoutMs));
        return;
      case 'leave':
        return;
    }
  }

  function start(message: DequeuedMessageItem): void {
    const work = handle(message)
      .catch((error: unknown) => {
        // Nothing is lost: a message that was not settled reappears.
        const level = isTaken(error) ? 'debug' : 'error';
        log(level, `Message ${message.messageId} could not be settled: ${reasonOf(error)}`);
      })
      .finally(() => running.delete(work));
    running.add(work);
  }

  /** How many messages came. A fault counts as none and is logged once, until a poll works again. */
  async function poll(): Promise<number> {
    try {
      const { receivedMessageItems } = await queue.receiveMessages({
        numberOfMessages: settings.batchSize,
        visibilityTimeout: visibilitySeconds(settings.runningVisibilityMs),
      });
      problem = '';
      if (stopping.aborted) {
        // Fetched while the stop was asked for: back at once, for whoever comes next.
        for (const message of receivedMessageItems) await queue.updateMessage(message.messageId, message.popReceipt);
        return 0;
      }
      for (const message of receivedMessageItems) start(message);
      return receivedMessageItems.length;
    } catch (error) {
      const missing = error instanceof RestError && error.code === 'QueueNotFound';
      const found = missing ? `Queue '${queueName}' does not exist yet.` : `Polling '${queueName}': ${reasonOf(error)}`;
      if (found !== problem) log(missing || stopping.aborted ? 'debug' : 'error', found);
      problem = found;
      return 0;
    }
  }

  async function pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([stopping, woken.signal]);
    try {
      await clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (woken.signal.aborted) woken = new AbortController();
  }

  async function run(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      if (stopping.aborted) resolve();
      stopping.addEventListener('abort', () => resolve(), { once: true });
    });
    let backoff: Backoff = IDLE;
    let foundSinceWait = false;
    while (!stopping.aborted) {
      if ((await poll()) > 0) {
        foundSinceWait = true;
        while (running.size > settings.newBatchThreshold && !stopping.aborted)
          await Promise.race([...running, stopped]);
      } else {
        backoff = nextBackoff(backoff, foundSinceWait, settings.maxPollingIntervalMs, random);
        foundSinceWait = false;
        await pause(backoff.delayMs);
      }
    }
    await Promise.all(running);
  }

  return { queueName, run, wake: () => woken.abort() };
}
