/** Reduces whatever was thrown to the few values a log line may carry. Pure. Layer: domain. */
import { GraphError } from './graph-error.ts';
import type { LogFields } from './log-fields.ts';
import { MessageError } from './messages.ts';
import { SettingsError } from './settings-error.ts';
import { StorageError } from './storage-error.ts';

/** Class names and system codes, such as `RestError` and `ECONNRESET`. Anything else in their place may be a payload. */
const NAME = /^[A-Z][A-Za-z]{1,48}$/;
const CODE = /^[A-Z][A-Z0-9_]{2,48}$/;

function nameOf(error: unknown): string {
  return error instanceof Error && NAME.test(error.name) ? error.name : error instanceof Error ? 'Error' : typeof error;
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && CODE.test(code) ? code : undefined;
}

/** Only our own errors promise a printable message; others quote URLs, headers and bodies. */
function ownFields(error: unknown): LogFields {
  if (error instanceof GraphError) {
    const { kind, message, status, requestId, clientRequestId } = error;
    return { errorKind: kind, errorMessage: message, status, requestId, clientRequestId };
  }
  if (error instanceof StorageError) return { errorKind: error.kind, errorMessage: error.message };
  if (error instanceof SettingsError || error instanceof MessageError) return { errorMessage: error.message };
  return {};
}

/**
 * Name, and for our own errors kind, status, request ids and message; of a foreign error only its class and system code.
 * Of its cause: the same two. Accepts anything that can be thrown.
 */
export function errorFields(error: unknown): LogFields {
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    error: nameOf(error),
    code: codeOf(error),
    ...ownFields(error),
    ...(cause === undefined ? {} : { cause: nameOf(cause), causeCode: codeOf(cause) }),
  };
}
