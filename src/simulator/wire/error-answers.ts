/** The errors the tenant itself gives, whatever the endpoint. Layer: simulator. */
import type { Fault } from '../faults.ts';
import { formRetryAfter, type RetryAfter } from '../throttling/retry-after-form.ts';
import { type AnswerContext, graphError, type SimulatedResponse } from './graph-answer.ts';

/** 401 with its challenge. */
export function unauthorized(context: AnswerContext, tenantId: string, message: string): SimulatedResponse {
  const challenge = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/${tenantId}/oauth2/authorize", error="invalid_token"`;
  const headers = { 'www-authenticate': challenge };
  return graphError(context, 401, { code: 'InvalidAuthenticationToken', message, headers });
}

/** 403: a role is missing. Intune and Entra say it differently. */
export function forbidden(context: AnswerContext, path: string): SimulatedResponse {
  return path.startsWith('/deviceManagement')
    ? graphError(context, 403, {
        code: 'Forbidden',
        message: 'Application is not authorized to perform this operation',
        intune: true,
      })
    : graphError(context, 403, {
        code: 'Authorization_RequestDenied',
        message: 'Insufficient privileges to complete the operation.',
      });
}

/** The lone 403 that means nothing. Source: observed (2024 to 2026). */
export function flicker(context: AnswerContext): SimulatedResponse {
  return graphError(context, 403, { code: 'UnknownError', message: '', intune: true });
}

/** 429, in the words of the service that throttles. */
export function throttled(context: AnswerContext, path: string, retryAfter: RetryAfter): SimulatedResponse {
  return graphError(context, 429, {
    code: 'TooManyRequests',
    message: 'Too many requests have been sent in a given amount of time',
    intune: path.startsWith('/deviceManagement'),
    retryAfter,
  });
}

/** Nothing there (400, 404), or not with this method (405). */
export function notRouted(context: AnswerContext, status: number, segment: string): SimulatedResponse {
  return status === 405
    ? graphError(context, 405, {
        code: 'MethodNotAllowed',
        message: 'The requested resource does not support this HTTP method.',
      })
    : graphError(context, status, {
        code: 'BadRequest',
        message: `Resource not found for the segment '${segment}'.`,
      });
}

/** 400: neither v1.0 nor beta. */
export function badVersion(context: AnswerContext): SimulatedResponse {
  return graphError(context, 400, { code: 'BadRequest', message: 'Invalid version.' });
}

/** A status somebody scripted. `random` in [0, 1). */
export function faulty(
  context: AnswerContext,
  fault: Extract<Fault, { kind: 'status' | 'statusAfterEffect' }>,
  speed: number,
  random: number,
): SimulatedResponse {
  const { status, code, retryAfter, retryAfterMs = 10_000 } = fault;
  return graphError(context, status, {
    code: code ?? (status >= 500 ? 'ServiceUnavailable' : 'BadRequest'),
    message: 'A fault of the simulated tenant',
    intune: context.variant < 0.5,
    ...(retryAfter === undefined
      ? {}
      : { retryAfter: formRetryAfter(retryAfter, retryAfterMs / speed, context.nowMs, random) }),
  });
}
