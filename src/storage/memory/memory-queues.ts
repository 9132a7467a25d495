/** The internal queues in memory: what was sent, and what has become visible. Layer: storage adapter. */
import type { ContinuationMessage, SliceMessage } from '../../domain/messages.ts';
import type { Clock } from '../../domain/ports.ts';
import type { Queues } from '../../domain/queues.ts';
import { visibilityTimeoutSeconds } from '../azure-queues.ts';
import { QUEUES } from '../names.ts';

/** A message on a queue. */
export type MemoryMessage = { readonly visibleAtMs: number } & (
  | { readonly queue: typeof QUEUES.requests; readonly body: string; readonly messageId: string }
  | { readonly queue: typeof QUEUES.runs; readonly body: ContinuationMessage }
  | { readonly queue: typeof QUEUES.encryptionStates; readonly body: SliceMessage }
);

/** Queues, and the other end of them. */
export interface MemoryQueues extends Queues {
  /** Everything ever sent, in order. */
  sent(): readonly MemoryMessage[];
  /** What was not taken yet, visible or not, in the order in which it becomes visible. */
  waiting(): readonly MemoryMessage[];
  /** Takes the message, of that queue or of any, that has been visible longest; `undefined` when none is. It is not given back. */
  take(queue?: MemoryMessage['queue']): MemoryMessage | undefined;
  /** A message that was taken comes back, at once: it is delivered again. */
  giveBack(message: MemoryMessage): void;
  /** When the next message becomes visible; `undefined` when nothing waits. */
  nextVisibleAtMs(): number | undefined;
}

/** Delays are in whole seconds, rounded up, as in Azure. */
export function createMemoryQueues({ clock }: { readonly clock: Clock }): MemoryQueues {
  const sent: MemoryMessage[] = [];
  /** Sorted by visibility; equal ones in the order sent. */
  const waiting: MemoryMessage[] = [];

  function put(message: MemoryMessage): void {
    sent.push(message);
    wait(message);
  }

  function wait(message: MemoryMessage): void {
    let at = waiting.length;
    while (at > 0 && (waiting[at - 1] as MemoryMessage).visibleAtMs > message.visibleAtMs) at -= 1;
    waiting.splice(at, 0, message);
  }

  const visibleAtMs = (delayMs: number) => clock.nowMs() + visibilityTimeoutSeconds(delayMs) * 1_000;

  return {
    async sendContinuation(body, delayMs) {
      put({ queue: QUEUES.runs, body, visibleAtMs: visibleAtMs(delayMs) });
    },
    async sendSlice(body, delayMs) {
      put({ queue: QUEUES.encryptionStates, body, visibleAtMs: visibleAtMs(delayMs) });
    },
    async sendRequest(body, delayMs) {
      const messageId = `message-${sent.length + 1}`;
      put({ queue: QUEUES.requests, body, messageId, visibleAtMs: visibleAtMs(delayMs) });
    },
    sent: () => [...sent],
    waiting: () => [...waiting],
    take(queue) {
      const at = waiting.findIndex((message) => queue === undefined || message.queue === queue);
      const first = waiting[at];
      if (first === undefined || first.visibleAtMs > clock.nowMs()) return undefined;
      waiting.splice(at, 1);
      return first;
    },
    giveBack: (message) => wait({ ...message, visibleAtMs: clock.nowMs() }),
    nextVisibleAtMs: () => waiting[0]?.visibleAtMs,
  };
}
