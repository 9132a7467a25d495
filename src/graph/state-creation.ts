/** Creates one recorded encryption state: asked at most once. Layer: graph. */
import { z } from 'zod';
import { assertNever } from '../domain/assert-never.ts';
import type { EncryptionState } from '../domain/encryption-state.ts';
import type { CallOptions } from '../domain/ports.ts';
import { classifyStatus } from '../domain/retry.ts';
import type { StateCreation } from '../domain/tenant.ts';
import { OPERATION_ROLES } from './app-roles.ts';
import { type AskDeps, askOnce, idsOf } from './ask-once.ts';
import type { Answer } from './attempt.ts';
import { encryptionStateBody } from './encryption-states.ts';
import { routeUrl } from './routes.ts';
import { jsonOf } from './wire.ts';

/** Source: Graph beta reference, Create managedDeviceEncryptionState, "Response" (read 2026-11-22). */
const CREATED = 201;

/** A tenant whose collection is read-only may say so with it. Source: RFC 9110 section 15.6.2 (read 2026-11-22). */
const NOT_IMPLEMENTED = 501;

const MISSING_ROLE = OPERATION_ROLES.encryptionStateCreation.needs.join(' and ');

const createdSchema = z.object({ id: z.string().min(1) });

/**
 * Creates one encryption state, and repeats the request only as `askOnce` does. A tenant that cannot be connected to is `notSent`: what is
 * only recorded may wait.
 * @throws {GraphError} kind `unauthorized`.
 */
export async function createEncryptionState(
  deps: AskDeps & { readonly graphRoot: string },
  state: EncryptionState,
  options: CallOptions,
): Promise<StateCreation> {
  const asked = await askOnce(
    deps,
    {
      operation: 'encryptionStateCreation',
      method: 'POST',
      url: routeUrl(deps.graphRoot, { to: 'encryptionStates' }),
      body: JSON.stringify(encryptionStateBody(state)),
      demand: { stateWrite: 1, stateAny: 1 },
      requestClass: 'stateWrite',
      onAbort: 'waitForAnswer',
    },
    options,
  );
  switch (asked.kind) {
    case 'answered':
      return creationOf(asked.answer);
    case 'forbidden':
      return refused(asked.answer, asked.lacksRole ? { missingRole: MISSING_ROLE } : {});
    case 'unanswered':
      return { kind: 'unknown', clientRequestId: asked.clientRequestId };
    case 'unconnected':
    case 'notSent':
      return { kind: 'notSent', retryAfterMs: asked.retryAfterMs };
    default:
      return assertNever(asked, 'ending');
  }
}

/** 201 is yes, whatever its body; a 4xx and 501 are no; everything else may have been either. */
function creationOf(answer: Answer): StateCreation {
  const { status } = answer;
  if (status === CREATED) return { kind: 'created', ...idOf(answer.body), ...idsOf(answer) };
  const answered = classifyStatus(status);
  if (answered === 'notFound' || answered === 'refused' || status === NOT_IMPLEMENTED) return refused(answer);
  return { kind: 'unknown', httpStatus: status, ...idsOf(answer) };
}

function refused(answer: Answer, why: { readonly missingRole?: string } = {}): StateCreation {
  return { kind: 'refused', httpStatus: answer.status, ...why, ...idsOf(answer) };
}

function idOf(body: string): { readonly id?: string } {
  const created = createdSchema.safeParse(jsonOf(body));
  return created.success ? { id: created.data.id } : {};
}
