/** The one request that changes a device: asked at most once. Layer: graph. */
import { assertNever } from '../domain/assert-never.ts';
import { classifyStatus } from '../domain/retry.ts';
import type { RotationRoute } from '../domain/targets.ts';
import type { RequestOutcome, RotationOptions } from '../domain/tenant.ts';
import { type AskDeps, askOnce, idsOf } from './ask-once.ts';
import type { Answer } from './attempt.ts';
import { forbidden, unavailable } from './errors.ts';
import { routeUrl } from './routes.ts';

/** Source: Graph beta reference, rotateBitLockerKeys, "Response" (read 2026-11-22). */
const ACCEPTED = 204;

/**
 * Asks for one rotation by any of the seven URL forms, and repeats the request only as `askOnce` does.
 * @throws {GraphError} for faults that concern every device: kind `unauthorized`; `forbidden` when the token lacks the role; `unavailable`
 * when Graph cannot even be connected to.
 * @throws {TypeError} when an id of the route is not one path segment; nothing is sent then.
 */
export async function requestRotation(
  deps: AskDeps & { readonly graphRoot: string },
  route: RotationRoute,
  options: RotationOptions,
): Promise<RequestOutcome> {
  const { client } = deps;
  const asked = await askOnce(
    deps,
    {
      operation: 'rotation',
      method: 'POST',
      url: routeUrl(deps.graphRoot, { to: 'rotation', target: route }),
      demand: { write: 1, any: 1 },
      requestClass: 'write',
      onAbort: 'waitForAnswer',
      ...(options.clientRequestId === undefined ? {} : { clientRequestId: options.clientRequestId }),
    },
    options,
  );
  switch (asked.kind) {
    case 'answered':
      return outcomeOf(asked.answer);
    case 'forbidden':
      if (asked.lacksRole) throw forbidden(client.contextOf('rotation', asked.answer));
      return refused(asked.answer);
    case 'unanswered':
      return { kind: 'uncertain', clientRequestId: asked.clientRequestId };
    case 'unconnected':
      throw unavailable(client.contextOf('rotation', asked.fault), asked.fault);
    case 'notSent':
      return asked;
    default:
      return assertNever(asked, 'ending');
  }
}

/** 204 is yes and a 4xx is no; everything else may have been either. */
function outcomeOf(answer: Answer): RequestOutcome {
  if (answer.status === ACCEPTED) {
    return {
      kind: 'accepted',
      acceptedAfterMs: answer.handled.earliestMs,
      acceptedByMs: answer.handled.latestMs,
      httpStatus: answer.status,
      ...idsOf(answer),
    };
  }
  const answered = classifyStatus(answer.status);
  if (answered === 'notFound' || answered === 'refused') return refused(answer);
  return { kind: 'uncertain', httpStatus: answer.status, ...idsOf(answer) };
}

function refused(answer: Answer): RequestOutcome {
  return { kind: 'refused', httpStatus: answer.status, ...idsOf(answer) };
}
