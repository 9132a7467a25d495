/** Allow-list redaction: the few values of an answer or a fault that may reach a message, log or row. Layer: graph. */
import { isGuid } from '../domain/ids.ts';

/** `request-id` and `client-request-id` are GUIDs; anything else in those headers is dropped. */
export function safeRequestId(value: string | undefined): string | undefined {
  return isGuid(value) ? value.toLowerCase() : undefined;
}

/** System and library codes look like `ECONNRESET` or `ERR_TLS_CERT_ALTNAME_INVALID`. */
const CODE = /^[A-Z][A-Z0-9_]{2,48}$/;
const NAME = /^[A-Z][A-Za-z]{2,48}Error$/;

/** A name for what went wrong, from the error's own code or class: never its message, which may quote URLs, headers or payloads. */
export function faultCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'UNKNOWN';
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === 'string' && CODE.test(code)) return code;
  return typeof name === 'string' && NAME.test(name) ? name : 'UNKNOWN';
}

/** The Entra error code in an identity library's message, such as `AADSTS700016`; it tells people what to search for. */
export function entraCode(error: unknown): string | undefined {
  return error instanceof Error ? /\bAADSTS\d{4,8}\b/.exec(error.message)?.[0] : undefined;
}

/** Host and port of a URL: no user, path or query. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
