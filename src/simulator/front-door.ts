/** Every request's way through the tenant: token, throttling, faults, roles, endpoint, answer. Layer: simulator. */
import { isGuid } from '../domain/ids.ts';
import { createTokenCheck, type TokenClaims } from './access-token.ts';
import { holdsRecoveryPassword } from './canary-secrets.ts';
import type { EndpointCall, TenantState } from './endpoints/endpoint.ts';
import { endpointAnswer } from './endpoints/endpoint-answer.ts';
import { answerBatch, type BatchPart, parseBatch } from './endpoints/json-batch.ts';
import { type Route, routeOf } from './endpoints/route.ts';
import { delayOf, type Fault, type Faults } from './faults.ts';
import { createRequestHistory, type HistoryEntry } from './request-history.ts';
import { formRetryAfter, type RetryAfterForm } from './throttling/retry-after-form.ts';
import type { Throttle, ThrottleClass } from './throttling/throttle.ts';
import { badVersion, faulty, flicker, forbidden, notRouted, throttled, unauthorized } from './wire/error-answers.ts';
import {
  type AnswerContext,
  graphAnswer,
  graphError,
  type SimulatedRequest,
  type SimulatedResponse,
} from './wire/graph-answer.ts';
import { malformedBody, pageBody } from './wire/page-answer.ts';

/** When the request left and how long the answer takes to arrive, ms. Without it both are at once. */
export interface Timing {
  /** In the tenant's clock. */
  readonly sentAtMs: number;
  readonly deliveryMs: number;
}

/** `reset`: the connection dies without an answer. `delayMs`: how much later than usual that happens. */
export type SimulatedAnswer =
  | { readonly kind: 'answered'; readonly response: SimulatedResponse; readonly delayMs: number }
  | { readonly kind: 'reset' };

export interface FrontDoorOptions {
  readonly state: TenantState;
  readonly faults: Faults;
  readonly throttle: Throttle;
  readonly tenantId: string;
  readonly retryAfter: RetryAfterForm;
  readonly historyLimit: number;
  /** Any one of these app roles suffices; none: every token does. */
  readonly rolesFor: (route: Route) => readonly string[];
}

export interface FrontDoor {
  handle(request: SimulatedRequest, nowMs: number, timing: Timing | undefined): SimulatedAnswer;
  readonly history: readonly HistoryEntry[];
}

/** One request on its way. */
interface Visit {
  readonly method: string;
  readonly version: string;
  readonly path: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly part: boolean;
  readonly timing: Timing;
  readonly context: AnswerContext;
  readonly claims: TokenClaims;
}

/** Between the wire and the endpoints of one tenant. */
export function createFrontDoor(options: FrontDoorOptions): FrontDoor {
  const { state, faults, throttle, historyLimit } = options;
  const { desk, random } = state;
  const history = createRequestHistory(historyLimit);
  const checkToken = createTokenCheck(options.tenantId);

  function handle(request: SimulatedRequest, nowMs: number, given: Timing | undefined): SimulatedAnswer {
    desk.httpRequest();
    const url = new URL(request.url);
    const clientRequestId = request.headers['client-request-id'];
    const context: AnswerContext = {
      nowMs,
      requestId: random.guid(),
      clientRequestId,
      variant: random.next(),
      plantSecrets: state.plantSecrets,
    };
    const [, version = '', path = ''] = /^\/(v1\.0|beta)(\/.*)$/.exec(url.pathname) ?? [];
    if (!isGuid(clientRequestId)) desk.violation('missingClientRequestId', `${request.method} ${url.pathname}`, nowMs);
    if (version === '') {
      return { kind: 'answered', delayMs: 0, response: badVersion(context) };
    }
    const claims = checkToken(request.headers.authorization, url.origin, nowMs);
    const timing = given ?? { sentAtMs: nowMs, deliveryMs: 0 };
    const answer: SimulatedAnswer =
      typeof claims === 'string'
        ? { kind: 'answered', delayMs: 0, response: unauthorized(context, options.tenantId, claims) }
        : visit({ ...request, version, path, url, part: false, timing, context, claims });
    const status = answer.kind === 'answered' ? answer.response.status : 0;
    history.add({
      ...{ atMs: nowMs, method: request.method, version, path, query: url.search, status, part: false },
      ...(clientRequestId === undefined ? {} : { clientRequestId }),
    });
    return answer;
  }

  function visit(visit: Visit): SimulatedAnswer {
    const { method, version, path, context, timing, claims } = visit;
    const what = `${method} /${version}${path}`;
    const answered = (response: SimulatedResponse): SimulatedAnswer => ({ kind: 'answered', response, delayMs: 0 });
    // Without the URL: what a test prints is read by people.
    if (holdsRecoveryPassword(visit.url.href)) desk.violation('recoveryPasswordInUrl', method, context.nowMs);
    const route = routeOf(method, version, path);
    if ('segment' in route) {
      if (route.otherVersion) desk.violation('wrongVersion', what, context.nowMs);
      return answered(notRouted(context, route.status, route.segment));
    }

    const { classes } = route;
    desk.arrived(classes, context.nowMs, timing.sentAtMs, what);
    const rejection = throttle.hit(classes, context.nowMs);
    if (rejection !== undefined) {
      return answered(tooMany(visit, rejection.rejectedBy, options.retryAfter, rejection.waitMs));
    }
    const fault = faults.next({ method, version, path, part: visit.part, list: route.list });
    const struck = beforeEffect(visit, fault, classes);
    if (struck !== undefined) return struck;
    const roles = options.rolesFor(route);
    if (roles.length > 0 && !roles.some((role) => claims.roles.includes(role))) {
      return answered(forbidden(context, path));
    }
    return afterEffect(visit, fault, respond(visit, route, fault));
  }

  /** A 429, and a pause of the class as long as it says. */
  function tooMany(
    { context, timing, path }: Visit,
    name: ThrottleClass,
    form: RetryAfterForm,
    waitMs: number,
  ): SimulatedResponse {
    const retryAfter = formRetryAfter(form, waitMs, context.nowMs, random.next());
    desk.throttled(name);
    if (retryAfter.untilMs !== undefined) {
      desk.pause(name, context.nowMs + timing.deliveryMs, retryAfter.untilMs);
    }
    return throttled(context, path, retryAfter);
  }

  function beforeEffect(
    visit: Visit,
    fault: Fault | undefined,
    classes: readonly ThrottleClass[],
  ): SimulatedAnswer | undefined {
    const { context } = visit;
    const answered = (response: SimulatedResponse): SimulatedAnswer => ({ kind: 'answered', response, delayMs: 0 });
    switch (fault?.kind) {
      case 'status':
        return answered(faulty(context, fault, state.speed, random.next()));
      case 'resetBefore':
        return { kind: 'reset' };
      case 'throttle':
        return answered(
          tooMany(visit, classes[0] ?? 'any', fault.retryAfter, (fault.retryAfterMs ?? 10_000) / state.speed),
        );
      case 'forbiddenFlicker':
        return answered(flicker(context));
      case 'expiredToken':
        return answered(unauthorized(context, options.tenantId, 'Lifetime validation failed, the token is expired.'));
      default:
        return undefined;
    }
  }

  function afterEffect(visit: Visit, fault: Fault | undefined, response: SimulatedResponse): SimulatedAnswer {
    switch (fault?.kind) {
      case 'statusAfterEffect':
        return { kind: 'answered', response: faulty(visit.context, fault, state.speed, random.next()), delayMs: 0 };
      case 'resetAfter':
        return { kind: 'reset' };
      case 'slow':
        return { kind: 'answered', response, delayMs: fault.latencyMs };
      case 'malformed': {
        const { body, contentType } = malformedBody(fault.variant, response.body ?? '{}');
        const headers = { ...response.headers, 'content-type': contentType };
        return { kind: 'answered', response: { ...response, headers, body }, delayMs: 0 };
      }
      default:
        return { kind: 'answered', response, delayMs: 0 };
    }
  }

  function respond(visit: Visit, route: Route, fault: Fault | undefined): SimulatedResponse {
    const { context, url, version, headers, body } = visit;
    if (route.endpoint === 'batch' && !visit.part) return respondBatch(visit, fault);
    const { nowMs } = context;
    const call: EndpointCall = { route, version, url, headers, nowMs, ...(body === undefined ? {} : { body }) };
    const answer = endpointAnswer(state, call);
    switch (answer.kind) {
      case 'answer':
        return graphAnswer(context, answer.status, answer.body);
      case 'error':
        return graphError(context, answer.status, answer.details);
      case 'page': {
        const nonce = 1 + Math.floor(random.next() * 1e9);
        const request = { seed: state.seed, url, version, context: answer.context, nonce };
        return graphAnswer(context, 200, pageBody(answer.page, request, fault));
      }
    }
  }

  function respondBatch(visit: Visit, fault: Fault | undefined): SimulatedResponse {
    const { context, version, url, timing } = visit;
    // What the parts are told reaches their sender with the whole answer, or not at all.
    const whole: Visit = { ...visit, timing: { ...timing, deliveryMs: timing.deliveryMs + delayOf(fault) } };
    const parts = parseBatch(whole.body);
    if (typeof parts === 'string') {
      desk.violation('badBatch', parts, context.nowMs);
      return graphError(context, 400, { code: 'BadRequest', message: parts });
    }
    return graphAnswer(
      context,
      200,
      answerBatch(parts, random, (part) => visitPart(whole, part, new URL(`${url.origin}/${version}${part.url}`))),
    );
  }

  function visitPart(whole: Visit, part: BatchPart, url: URL): SimulatedResponse {
    const { version } = whole;
    const path = url.pathname.slice(version.length + 1);
    const { method, body } = part;
    const context = { ...whole.context, variant: random.next() };
    const { 'user-agent': userAgent = '' } = whole.headers;
    const answer = visit({
      ...{ method, version, path, url, part: true, context, timing: whole.timing, claims: whole.claims },
      headers: { 'user-agent': userAgent, ...part.headers },
      ...(body === undefined ? {} : { body }),
    });
    if (answer.kind === 'reset') throw new TypeError('a single part of a batch cannot be reset');
    const { response } = answer;
    const { status } = response;
    history.add({ atMs: context.nowMs, method, version, path, query: url.search, status, part: true });
    return response;
  }

  return { handle, history: history.entries };
}
