/** Answers in Graph's clothes: headers, the error envelope, Intune's JSON inside a string. Layer: simulator. */
import { CANARY_PLANTED_IN_ERRORS } from '../canary-secrets.ts';
import type { RetryAfter } from '../throttling/retry-after-form.ts';

/** An HTTP request, reduced to what matters. Header names in lower case. */
export interface SimulatedRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SimulatedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, or HTML for some faults; absent for 204. */
  readonly body?: string;
}

/** Facts every answer to one request shares. */
export interface AnswerContext {
  readonly nowMs: number;
  readonly requestId: string;
  readonly clientRequestId: string | undefined;
  /** Seeded, 0 to 1: picks among the ways Graph writes the same thing. */
  readonly variant: number;
  readonly plantSecrets: boolean;
}

/** The HTTP date of an instant: whole seconds, rounded down. */
export function httpDate(atMs: number): string {
  return new Date(atMs).toUTCString();
}

/** Headers every Graph answer has. */
function commonHeaders(context: AnswerContext): Record<string, string> {
  const headers: Record<string, string> = { date: httpDate(context.nowMs), 'request-id': context.requestId };
  if (context.clientRequestId !== undefined) headers['client-request-id'] = context.clientRequestId;
  return headers;
}

/** An answer with a JSON body, or 204 without one. */
export function graphAnswer(context: AnswerContext, status: number, body?: string): SimulatedResponse {
  const headers = commonHeaders(context);
  if (body === undefined) return { status, headers };
  headers['content-type'] = 'application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8';
  return { status, headers, body };
}

export interface ErrorDetails {
  readonly code: string;
  readonly message: string;
  /** Written the way Intune does: its own JSON as a string inside `message`, sometimes twice. */
  readonly intune?: boolean;
  readonly retryAfter?: RetryAfter;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error answer in the envelope of graph-facts. */
export function graphError(context: AnswerContext, status: number, details: ErrorDetails): SimulatedResponse {
  const planted = context.plantSecrets ? ` (recovery password ${CANARY_PLANTED_IN_ERRORS})` : '';
  const nested = details.intune === true || details.retryAfter?.nestedSeconds !== undefined;
  const plain = `${details.message}${planted}`;
  const message = nested ? intuneMessage(context, plain, details) : plain;
  const inner = {
    date: new Date(context.nowMs).toISOString().slice(0, 19),
    'request-id': context.requestId,
    'client-request-id': context.clientRequestId ?? context.requestId,
  };
  const error = { code: details.code, message, [context.variant < 0.5 ? 'innerError' : 'innererror']: inner };
  const answer = graphAnswer(context, status, JSON.stringify({ error }));
  const headers: Record<string, string> = { ...answer.headers, ...details.headers };
  if (details.retryAfter?.header !== undefined) headers['retry-after'] = details.retryAfter.header;
  if (context.plantSecrets) headers['x-ms-ags-diagnostic'] = JSON.stringify({ trace: CANARY_PLANTED_IN_ERRORS });
  return { ...answer, headers };
}

/** Intune's own error, as a string; in half of the cases wrapped once more. */
function intuneMessage(context: AnswerContext, text: string, details: ErrorDetails): string {
  const own = JSON.stringify({
    _version: 3,
    Message: `${text} - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: ${context.requestId} - Url: https://fef.amsub0102.manage.example/DeviceFE/StatelessDeviceFEService/deviceManagement?api-version=5025-07-03`,
    CustomApiErrorPhrase: '',
    RetryAfter: details.retryAfter?.nestedSeconds ?? null,
    ErrorSourceService: '',
    HttpHeaders: '{}',
  });
  if (context.variant % 0.5 < 0.25) return own;
  return JSON.stringify({ ErrorCode: details.code, Message: own, Target: null, Details: null, InnerError: null });
}
