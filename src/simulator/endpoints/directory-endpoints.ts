/** Service principals, and the app roles they have and offer. Layer: simulator. */
import type { AppRole, AssignmentRow, Principal } from '../entra-directory.ts';
import { parseObject, problemOfProperties, text } from '../wire/json-body.ts';
import {
  badRequest,
  type EndpointAnswer,
  type EndpointCall,
  pageOf,
  problemOfWrite,
  readCursor,
  readQuery,
  type TenantState,
} from './endpoint.ts';

/** Source: Graph v1.0 reference, "List appRoleAssignments granted to a service principal": 100 to a page by default (observed 2026). */
const ASSIGNMENTS_PER_PAGE = 100;

const ASSIGNMENT = { principalId: text, resourceId: text, appRoleId: text };

function missing(id: string): EndpointAnswer {
  return {
    kind: 'error',
    status: 404,
    details: {
      code: 'Request_ResourceNotFound',
      message: `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
    },
  };
}

/** `GET /servicePrincipals/{id}` and `GET /servicePrincipals(appId='{id}')`. */
export function getServicePrincipal(state: TenantState, call: EndpointCall, by: 'id' | 'appId'): EndpointAnswer {
  const query = readQuery(state, call, ['$select']);
  if ('kind' in query) return query;
  const id = call.route.ids[0] ?? '';
  const { directory } = state;
  const principal = by === 'id' ? directory.principal(id) : directory.principalOf(id);
  if (principal === undefined) return missing(id);
  const whole = { ...principalJson(principal), appRoles: directory.offeredRoles(principal).map(roleJson) };
  const selected = Object.entries(whole).filter(([name]) => query.select === undefined || query.select.includes(name));
  return { kind: 'answer', status: 200, body: JSON.stringify(Object.fromEntries(selected)) };
}

/** `GET /servicePrincipals/{id}/appRoleAssignments`. Assignments made a moment ago may be missing. */
export function listRoleAssignments(state: TenantState, call: EndpointCall): EndpointAnswer {
  const query = readQuery(state, call, ['$top']);
  if ('kind' in query) return query;
  const from = readCursor(state, call, query);
  if (typeof from !== 'number') return from;
  const id = call.route.ids[0] ?? '';
  const principal = state.directory.principal(id);
  if (principal === undefined) return missing(id);
  const rows = state.directory.listed(principal, call.nowMs);
  const size = Math.min(query.top ?? ASSIGNMENTS_PER_PAGE, ASSIGNMENTS_PER_PAGE, state.pageSize);
  const page = pageOf(rows, from, size, (row) => JSON.stringify(assignmentJson(row, call.nowMs)));
  const context = `${call.url.origin}/v1.0/$metadata#servicePrincipals('${id}')/appRoleAssignments`;
  return { kind: 'page', context, page };
}

/** `POST /servicePrincipals/{id}/appRoleAssignments`: 201; 400 when it exists, or names what does not. */
export function addRoleAssignment(state: TenantState, call: EndpointCall): EndpointAnswer {
  const problem = problemOfWrite(state, call);
  if (problem !== undefined) return problem;
  const body = parseObject(call.body);
  if (body === undefined) return badRequest('The request body is not an appRoleAssignment.');
  const absent = Object.keys(ASSIGNMENT).find((name) => body[name] === undefined);
  const wrong = absent === undefined ? problemOfProperties(body, ASSIGNMENT) : `The property '${absent}' is required.`;
  if (wrong !== undefined) return badRequest(wrong);
  const id = call.route.ids[0] ?? '';
  const principal = state.directory.principal(id);
  if (principal === undefined) return missing(id);
  if (body.principalId !== principal.id) return badRequest('Not a valid reference update.');
  const row = state.directory.assign(principal, String(body.resourceId), String(body.appRoleId), call.nowMs);
  switch (row) {
    case 'noResource':
      return missing(String(body.resourceId));
    case 'noRole':
      return badRequest('Permission being assigned was not found on application');
    case 'exists': {
      const message = 'Permission being assigned already exists on the object';
      return { kind: 'error', status: 400, details: { code: 'InvalidUpdate', message } };
    }
    default:
      return { kind: 'answer', status: 201, body: JSON.stringify(assignmentJson(row, call.nowMs)) };
  }
}

function principalJson({ id, appId, displayName, type }: Principal) {
  return { id, appId, displayName, servicePrincipalType: type, accountEnabled: true };
}

function roleJson(role: AppRole) {
  return { ...role, displayName: role.value, description: role.value, origin: 'Application' };
}

function assignmentJson({ id, createdAtMs, roleId, principal, resource }: AssignmentRow, nowMs: number) {
  return {
    id,
    deletedDateTime: null,
    appRoleId: roleId,
    createdDateTime: new Date(Number.isFinite(createdAtMs) ? createdAtMs : nowMs).toISOString(),
    principalDisplayName: principal.displayName,
    principalId: principal.id,
    principalType: 'ServicePrincipal',
    resourceDisplayName: resource.displayName,
    resourceId: resource.id,
  };
}
