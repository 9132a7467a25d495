/** Turns the Functions context into the invocation our use cases know. Not a function: the `main` glob leaves this folder out. Layer: functions. */
import type { InvocationContext } from '@azure/functions';
import type { Invocation } from '../../src/app/invocation.ts';

/**
 * The invocation behind `context`: its lines go to the context's log methods, and so to Application Insights with their level.
 * Source: Azure Queue storage trigger for Azure Functions, "Metadata": `DequeueCount` (read 2026-11-22).
 */
export function invocationOf(context: InvocationContext): Invocation {
  const dequeueCount = Number(context.triggerMetadata?.dequeueCount);
  return {
    functionName: context.functionName,
    invocationId: context.invocationId,
    ...(dequeueCount >= 1 ? { dequeueCount } : {}),
    // `%s`, because the context formats like `console.log`: a `%` in a line must not eat its neighbours.
    write: (level, line) => context[level]('%s', line),
  };
}
