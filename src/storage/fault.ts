/** Turns a fault of the storage SDKs into one `StorageError` that says what to do. Layer: storage adapter. */
import { isLoopback } from '../domain/loopback.ts';
import { StorageError } from '../domain/storage-error.ts';

/** Which service was asked, where, and for what; goes into the message. */
export interface StorageOperation {
  readonly service: 'Table' | 'Queue' | 'Blob';
  /** Host and port of the endpoint; never its query. */
  readonly host: string;
  /** Name of the table, queue or container. */
  readonly resource: string;
}

/** What the SDKs' errors have in common, as far as they have it. */
interface SdkFault {
  readonly status: number | undefined;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly request: object | undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function header(response: unknown, name: string): string | undefined {
  const headers = member(response, 'headers') as { get?: (name: string) => unknown } | undefined;
  const value = typeof headers?.get === 'function' ? headers.get(name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** Reads status, error code and ids off an SDK error, and nothing that could hold a key or signature. */
export function readFault(error: unknown): SdkFault {
  const status = member(error, 'statusCode');
  const request = member(error, 'request');
  const response = member(error, 'response');
  const codes = [
    member(member(member(error, 'details'), 'odataError'), 'code'),
    member(member(error, 'details'), 'errorCode'),
    header(response, 'x-ms-error-code'),
    member(error, 'code'),
  ];
  return {
    status: typeof status === 'number' ? status : undefined,
    code: codes.find((code): code is string => typeof code === 'string' && /^[\w.-]{1,80}$/.test(code)) ?? '',
    requestId: header(response, 'x-ms-request-id'),
    request: typeof request === 'object' && request !== null ? request : undefined,
  };
}

const NETWORK =
  /^(ETIMEDOUT|ESOCKETTIMEDOUT|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EPIPE|PROXY_REFUSED|EHOSTUNREACH|ENETUNREACH|REQUEST_SEND_ERROR|ERR_TLS.*|CERT_.*|.*_CERT.*)$/;
const CREDENTIAL =
  /^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError|AuthenticationRequiredError)$/;

/** The data-plane role each service needs. Source: Azure built-in roles for Storage (read 2026-11-22). */
const ROLES = {
  Table: 'Storage Table Data Contributor',
  Queue: 'Storage Queue Data Contributor',
  Blob: 'Storage Blob Data Owner',
} as const;

function forbidden(code: string, role: string): string {
  switch (code) {
    case 'AuthenticationFailed':
      return "the key, signature or token was not accepted: check AzureWebJobsStorage, and this machine's clock";
    case 'KeyBasedAuthenticationNotPermitted':
      return 'the account accepts no keys: use AzureWebJobsStorage__accountName and an identity instead of a connection string';
    case 'AuthorizationFailure':
      return `the account's firewall or the identity's roles refuse it: allow this network, and grant "${role}"`;
    default:
      return `grant the identity the role "${role}" on the account (it can take some minutes to apply)`;
  }
}

/**
 * One message for people: where, what happened, what to do. The cause keeps code, status and request id; the SDK's error itself is
 * dropped, because it holds the request with its authorization.
 */
export function toStorageError(operation: StorageOperation, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const { service, host, resource } = operation;
  const fault = readFault(error);
  const name = error instanceof Error ? error.name : 'Error';
  const at = `Azure ${service} Storage at ${host} (${resource})`;
  const facts = [
    fault.code || name,
    fault.status && `HTTP ${fault.status}`,
    fault.requestId && `request ${fault.requestId}`,
  ];
  const cause = new Error(facts.filter(Boolean).join(', '));
  cause.name = name;
  const make = (kind: StorageError['kind'], message: string) => new StorageError(kind, `${at} ${message}`, cause);

  if (CREDENTIAL.test(name)) {
    return make('forbidden', 'was not asked, since there is no token for it: sign in, or assign the managed identity');
  }
  if (NETWORK.test(fault.code) || name === 'AbortError') {
    const advice = isLoopback(host.replace(/:\d+$/, ''))
      ? 'is Azurite running?'
      : "check the account's name, its firewall, and this machine's network";
    return make('unreachable', `cannot be reached (${fault.code || 'no answer in time'}): ${advice}`);
  }
  if (fault.status === 401 || fault.status === 403) {
    return make(
      'forbidden',
      `refused the request (${fault.code || `HTTP ${fault.status}`}): ${forbidden(fault.code, ROLES[service])}`,
    );
  }
  if (fault.status === 404) {
    return make(
      'other',
      `does not exist (${fault.code || 'HTTP 404'}): it is created when the app starts; check the account in AzureWebJobsStorage`,
    );
  }
  if (fault.status !== undefined && (fault.status >= 500 || fault.status === 429 || fault.status === 408)) {
    return make('unreachable', `is busy or failing (${fault.code || `HTTP ${fault.status}`}): try again later`);
  }
  if (fault.status !== undefined) {
    return make(
      'other',
      `did not accept the request (${fault.code || name}, HTTP ${fault.status}${fault.requestId ? `, request ${fault.requestId}` : ''})`,
    );
  }
  return make(
    'other',
    `failed (${fault.code || name}): ${error instanceof Error && fault.request === undefined ? plain(error.message) : 'no answer that could be read'}`,
  );
}

/** First line of a local error's message, without anything that looks like a URL's query. */
function plain(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/\?\S*/g, '').slice(0, 200);
}

/** Runs an SDK call. @throws {StorageError} for whatever it throws. */
export async function guarded<T>(operation: StorageOperation, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toStorageError(operation, error);
  }
}
