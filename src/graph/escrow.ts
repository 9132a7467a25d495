/** The two operations that handle a recovery password, on Microsoft Graph: the only file that reveals one. Layer: graph. */
import { z } from 'zod';
import { assertNever } from '../domain/assert-never.ts';
import { type Escrow, type EscrowKey, type EscrowOutcome, parseEscrowInstant } from '../domain/escrow.ts';
import { isGuid, parseRecoveryKeyId } from '../domain/ids.ts';
import type { CallOptions } from '../domain/ports.ts';
import { revealRecoveryPassword } from '../domain/recovery-password.ts';
import { classifyStatus } from '../domain/retry.ts';
import { type AskDeps, askOnce, idsOf } from './ask-once.ts';
import type { Answer, GraphRequest } from './attempt.ts';
import { connectGraph, type GraphDeps } from './connection.ts';
import { unavailable } from './errors.ts';
import { type Route, routeUrl } from './routes.ts';
import { jsonOf } from './wire.ts';

/** Source: `reference/create-bitlockerrecoverykey.md`, `reference/update-recoverykeys.md`, "Response" (read 2026-11-22). */
const DONE = { escrowAdd: 201, escrowUpdate: 200 } as const;

/** A tenant without the operation. Source: RFC 9110 sections 15.5.6 and 15.6.2 (read 2026-11-22). */
const NOT_SUPPORTED: readonly number[] = [405, 501];

/**
 * The whole of what is read of an answer, which repeats the key. Both values are checked for their form, so that nothing else gets through
 * under their names.
 */
const answerSchema = z.object({ id: z.unknown(), createdDateTime: z.unknown() });

/**
 * The operations on that tenant. Nothing of an answer's body but the key's id and creation date is kept, in outcomes and errors alike:
 * error messages may repeat what was sent.
 * @throws {TypeError} when the Graph root is plain http to another machine.
 */
export function createEscrow(deps: GraphDeps): Escrow {
  const { clock, pacer, random } = deps;
  const { graphRoot } = deps.settings;
  const { client, meter } = connectGraph(deps);
  // Which roles the operations need is not documented, so a token cannot be said to lack them.
  const grantedRoles = () => Promise.resolve(undefined);
  const asking: AskDeps = { client, pacer, clock, random, meter, grantedRoles };

  async function perform(
    request: Pick<GraphRequest, 'method'> & { readonly operation: keyof typeof DONE; readonly route: Route },
    key: EscrowKey,
    options: CallOptions,
  ): Promise<EscrowOutcome> {
    const { operation, method, route } = request;
    const url = routeUrl(graphRoot, route);
    const asked = await askOnce(
      asking,
      { operation, method, url, body: bodyOf(key), demand: { key: 1 }, requestClass: 'key', onAbort: 'waitForAnswer' },
      options,
    );
    switch (asked.kind) {
      case 'answered':
        return outcomeOf(asked.answer, DONE[operation]);
      case 'forbidden':
        return { kind: 'refused', httpStatus: asked.answer.status, ...idsOf(asked.answer) };
      case 'unanswered':
        return { kind: 'uncertain', clientRequestId: asked.clientRequestId };
      case 'unconnected':
        throw unavailable(client.contextOf(operation, asked.fault), asked.fault);
      case 'notSent':
        return asked;
      default:
        return assertNever(asked, 'ending');
    }
  }

  return {
    add: (userId, key, options) =>
      perform({ operation: 'escrowAdd', method: 'POST', route: { to: 'escrowAdd', userId } }, key, options),
    update: (key, options) =>
      perform({ operation: 'escrowUpdate', method: 'PATCH', route: { to: 'escrowUpdate' } }, key, options),
  };
}

/** Source: `reference/create-bitlockerrecoverykey.md`, "Request body" and its example, which leaves out `id` and `createdDateTime` (read 2026-11-22). */
function bodyOf({ entraDeviceId, volumeType, password, keyId, createdAtMs }: EscrowKey): string {
  return JSON.stringify({
    '@odata.type': '#microsoft.graph.bitlockerRecoveryKey',
    ...(keyId === undefined ? {} : { id: keyId }),
    ...(createdAtMs === undefined ? {} : { createdDateTime: new Date(createdAtMs).toISOString() }),
    deviceId: entraDeviceId,
    key: revealRecoveryPassword(password),
    volumeType,
  });
}

function outcomeOf(answer: Answer, done: number): EscrowOutcome {
  const { status } = answer;
  const ids = idsOf(answer);
  if (status === done) return { kind: 'escrowed', ...escrowedKey(answer.body), ...ids };
  if (NOT_SUPPORTED.includes(status) || saysNotSupported(answer)) {
    return { kind: 'notSupported', httpStatus: status, ...ids };
  }
  const answered = classifyStatus(status);
  if (answered === 'notFound' || answered === 'refused') return { kind: 'refused', httpStatus: status, ...ids };
  return { kind: 'uncertain', httpStatus: status, ...ids };
}

/**
 * A 400 is also what one bad key gets, and it would be wrong to stop for that, or to send all the others after the first refusal of the
 * whole operation. So this one status is told apart by words, those of the metadata's annotations and of OData's refusals; they go nowhere.
 * Source: v1.0 metadata, `Org.OData.Capabilities.V1.InsertRestrictions/Insertable` (read 2026-11-22).
 */
function saysNotSupported({ status, body }: Answer): boolean {
  return status === 400 && /\bnot (?:insertable|updatable|implemented|supported|allowed)\b/i.test(body);
}

function escrowedKey(body: string): Pick<EscrowOutcome & { kind: 'escrowed' }, 'keyId' | 'createdAtMs'> {
  const answered = answerSchema.safeParse(jsonOf(body));
  if (!answered.success) return {};
  const { id, createdDateTime } = answered.data;
  const createdAtMs = typeof createdDateTime === 'string' ? parseEscrowInstant(createdDateTime) : undefined;
  return {
    ...(isGuid(id) ? { keyId: parseRecoveryKeyId(id) } : {}),
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
  };
}
