/** One call of a function, as the use cases see it. Layer: app. */

/** Where an invocation's log lines go: the log methods of the Functions context, by level. */
export type WriteLine = (level: 'trace' | 'debug' | 'info' | 'warn' | 'error', line: string) => void;

export interface Invocation {
  readonly functionName: string;
  readonly invocationId: string;
  /** How often the queue has delivered the message, this time among it; absent when it was no queue, or the host does not tell. */
  readonly dequeueCount?: number;
  readonly write: WriteLine;
}
