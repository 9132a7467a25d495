/** One call of a function, as the use cases see it. Layer: app. */

/** Where an invocation's log lines go: the log methods of the Functions context, by level. */
export type WriteLine = (level: 'trace' | 'debug' | 'info' | 'warn' | 'error', line: string) => void;

export interface Invocation {
  readonly functionName: string;
  readonly invocationId: string;
  readonly write: WriteLine;
}
