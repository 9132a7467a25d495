/** Finds the queue message behind a call. Not a function: the `main` glob leaves this folder out. Layer: functions. */
import type { InvocationContext } from '@azure/functions';

/**
 * The id Azure Queue Storage gave the message: the same at every delivery. `undefined` when the host does not tell.
 * Source: Azure Queue storage trigger for Azure Functions, "Metadata": `Id` (read 2026-11-22).
 */
export function messageIdOf({ triggerMetadata }: Pick<InvocationContext, 'triggerMetadata'>): string | undefined {
  const id: unknown = triggerMetadata?.id;
  return typeof id === 'string' && id !== '' ? id : undefined;
}
