/** The `Directory` port on Microsoft Graph: service principals and their app roles, v1.0 in every cloud. Layer: graph. */
import { z } from 'zod';
import { assertNever } from '../domain/assert-never.ts';
import type { AssignmentOutcome, Directory, GraphApi, RoleAssignment, ServicePrincipal } from '../domain/directory.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { CallOptions } from '../domain/ports.ts';
import { classifyStatus } from '../domain/retry.ts';
import { type AskDeps, askOnce, idsOf } from './ask-once.ts';
import type { Answer } from './attempt.ts';
import type { JsonAnswer } from './client.ts';
import { connectGraph, type GraphDeps } from './connection.ts';
import { type ErrorContext, unavailable } from './errors.ts';
import { createLinks } from './links.ts';
import { pages } from './paging.ts';
import { type Route, routeUrl } from './routes.ts';
import { rolesOf } from './token-provider.ts';
import { guidAt, optionalText, parseWire } from './wire.ts';

/**
 * The application id of Microsoft Graph in every tenant and cloud.
 * Source: Microsoft Graph documentation, "Grant or revoke API permissions programmatically" (read 2026-11-22).
 */
const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000';

/** Source: Graph v1.0 reference, "Grant an appRoleAssignment to a service principal", "Response" (read 2026-11-22). */
const ASSIGNED = 201;

/** Source: Graph v1.0 reference, resource `appRole`, `allowedMemberTypes` (read 2026-11-22). */
const FOR_APPLICATIONS = 'Application';

const principalSchema = z.looseObject({
  id: z.string(),
  appId: z.string(),
  displayName: optionalText,
  servicePrincipalType: optionalText,
});

const graphApiSchema = z.looseObject({
  id: z.string(),
  appRoles: z.array(
    z.looseObject({
      id: z.string(),
      value: optionalText,
      isEnabled: z.boolean(),
      allowedMemberTypes: z.array(z.string()),
    }),
  ),
});

const assignmentSchema = z.looseObject({ resourceId: z.string(), appRoleId: z.string() });

/**
 * The directory of that tenant.
 * Chosen: its requests take slots of the class `any`, as a 429 pauses it. The directory has limits of its own, far above what one command
 * sends, so the pacer should be one that no run shares.
 * @throws {TypeError} when the Graph root is plain http to another machine.
 */
export function createDirectory(deps: GraphDeps): Directory {
  const { clock, pacer, random } = deps;
  const { graphRoot } = deps.settings;
  const { client, tokens, meter } = connectGraph(deps);
  const links = createLinks(graphRoot, 'v1.0');
  const asking: AskDeps = {
    client,
    pacer,
    clock,
    random,
    meter,
    grantedRoles: async (call: CallOptions) => rolesOf(await tokens.getToken(call)),
  };

  function get(route: Route, options: CallOptions): Promise<JsonAnswer> {
    return client.read(
      {
        operation: 'servicePrincipals',
        method: 'GET',
        url: routeUrl(graphRoot, route),
        demand: { any: 1 },
        requestClass: 'any',
        onAbort: 'abandon',
      },
      options,
    );
  }

  async function principalAt(route: Route, options: CallOptions): Promise<ServicePrincipal | undefined> {
    try {
      const { answer, json } = await get(route, options);
      return parsePrincipal(json, client.contextOf('servicePrincipals', answer));
    } catch (error) {
      if (error instanceof GraphError && error.kind === 'notFound') return undefined;
      throw error;
    }
  }

  return {
    async graphApi(options) {
      const route: Route = { to: 'servicePrincipalOf', appId: GRAPH_APP_ID, fields: 'appRoles' };
      const { answer, json } = await get(route, options);
      return parseGraphApi(json, client.contextOf('servicePrincipals', answer));
    },

    findPrincipal: async (id, options) =>
      (await principalAt({ to: 'servicePrincipal', id }, options)) ??
      (await principalAt({ to: 'servicePrincipalOf', appId: id, fields: 'identity' }, options)),

    async roleAssignments(principalId, options) {
      const all: RoleAssignment[] = [];
      const collection = {
        operation: 'servicePrincipals',
        requestClass: 'any',
        url: routeUrl(graphRoot, { to: 'roleAssignments', principalId }),
        links,
        parseItem: parseAssignment,
      } as const;
      for await (const page of pages(client, collection, undefined, options)) all.push(...page.items);
      return all;
    },

    async assignRole(principalId, { resourceId, roleId }, options) {
      const asked = await askOnce(
        asking,
        {
          operation: 'roleAssignment',
          method: 'POST',
          url: routeUrl(graphRoot, { to: 'roleAssignments', principalId }),
          body: JSON.stringify({ principalId, resourceId, appRoleId: roleId }),
          demand: { any: 1 },
          requestClass: 'any',
          onAbort: 'waitForAnswer',
        },
        options,
      );
      switch (asked.kind) {
        case 'answered':
          return outcomeOf(asked.answer);
        case 'forbidden':
          return { kind: 'forbidden', ...requestIdOf(asked.answer) };
        case 'unanswered':
          return { kind: 'unknown' };
        case 'unconnected':
          throw unavailable(client.contextOf('roleAssignment', asked.fault), asked.fault);
        case 'notSent':
          return asked;
        default:
          return assertNever(asked, 'ending');
      }
    },
  };
}

function outcomeOf(answer: Answer): AssignmentOutcome {
  const { status } = answer;
  if (status === ASSIGNED) return { kind: 'assigned' };
  if (status === 409 || saysItExists(answer)) return { kind: 'exists' };
  const answered = classifyStatus(status);
  if (answered === 'notFound' || answered === 'refused') {
    return { kind: 'refused', httpStatus: status, ...requestIdOf(answer) };
  }
  return { kind: 'unknown', httpStatus: status };
}

/**
 * A 400 is what a second assignment gets, and a wrong one too; the list does not tell them apart, since it lags. So this one status is told
 * apart by its words, which go nowhere. Observed: "Permission being assigned already exists on the object" (read 2026-11-22).
 */
function saysItExists({ status, body }: Answer): boolean {
  return status === 400 && /\balready exists\b/i.test(body);
}

function requestIdOf(answer: Answer): { readonly requestId?: string } {
  const { requestId } = idsOf(answer);
  return requestId === undefined ? {} : { requestId };
}

function parsePrincipal(json: unknown, context: ErrorContext): ServicePrincipal {
  const { id, appId, displayName, servicePrincipalType } = parseWire(principalSchema, json, context);
  return {
    id: guidAt(id, context, () => ['id']),
    appId: guidAt(appId, context, () => ['appId']),
    displayName: displayName ?? '',
    type: servicePrincipalType ?? '',
  };
}

function parseGraphApi(json: unknown, context: ErrorContext): GraphApi {
  const { id, appRoles } = parseWire(graphApiSchema, json, context);
  return {
    id: guidAt(id, context, () => ['id']),
    roles: appRoles.map((one, i) => ({
      roleId: guidAt(one.id, context, () => ['appRoles', i, 'id']),
      role: one.value ?? '',
      isEnabled: one.isEnabled,
      isForApplications: one.allowedMemberTypes.includes(FOR_APPLICATIONS),
    })),
  };
}

function parseAssignment(value: unknown, context: ErrorContext, at: readonly PropertyKey[]): RoleAssignment {
  const { resourceId, appRoleId } = parseWire(assignmentSchema, value, context, at);
  return {
    resourceId: guidAt(resourceId, context, () => [...at, 'resourceId']),
    roleId: guidAt(appRoleId, context, () => [...at, 'appRoleId']),
  };
}
