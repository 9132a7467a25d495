/** Two logs: remote actions (Intune, beta) and who read which recovery key (Entra). Layer: simulator. */
import { actionStateAt } from '../devices/device-world.ts';
import { guidOf, hash32 } from '../seeded-random.ts';
import { matchesInstant, matchesText } from '../wire/odata-query.ts';
import {
  type EndpointAnswer,
  type EndpointCall,
  pageOf,
  readCursor,
  readQuery,
  type TenantState,
  unsupported,
} from './endpoint.ts';

/** `GET /beta/deviceManagement/remoteActionAudits`: every accepted request, oldest first. Filters are undocumented, so there are none. */
export function listActionAudits(state: TenantState, call: EndpointCall): EndpointAnswer {
  const query = readQuery(state, call, ['$top']);
  if ('kind' in query) return query;
  const from = readCursor(state, call, query);
  if (typeof from !== 'number') return from;
  const size = Math.min(query.top ?? state.pageSize, state.pageSize);
  const page = pageOf(state.world.log, from, size, ({ index, action }) => {
    const profile = state.fleet.profile(index);
    const id = guidOf(hash32(state.seed, index, 700), hash32(state.seed, action.acceptedAtMs, 701), index, 702);
    return JSON.stringify({
      id,
      deviceDisplayName: profile.deviceName,
      userName: action.ours ? '' : 'helpdesk@contoso.example',
      initiatedByUserPrincipalName: action.ours ? '' : 'helpdesk@contoso.example',
      action: 'rotateBitLockerKeys',
      requestDateTime: new Date(action.acceptedAtMs).toISOString(),
      deviceOwnerUserPrincipalName: profile.userPrincipalName,
      deviceIMEI: '',
      actionState: actionStateAt(action, call.nowMs),
      managedDeviceId: profile.managedDeviceId,
      deviceActionCategory: 'single',
      bulkDeviceActionId: null,
    });
  });
  const context = `${call.url.origin}/beta/$metadata#deviceManagement/remoteActionAudits`;
  return { kind: 'page', context, page };
}

const READ_KEY = 'Read BitLocker key';

/** `GET /auditLogs/directoryAudits`: disclosures of recovery keys, oldest first. */
export function listDirectoryAudits(state: TenantState, call: EndpointCall): EndpointAnswer {
  const query = readQuery(state, call, ['$filter', '$top']);
  if ('kind' in query) return query;
  const from = readCursor(state, call, query);
  if (typeof from !== 'number') return from;
  let rows = [...state.disclosures];
  for (const clause of query.filter) {
    if (clause.property === 'activityDisplayName' && clause.operator === 'eq') {
      rows = matchesText(clause, READ_KEY) ? rows : [];
    } else if (clause.property === 'activityDateTime' && ['eq', 'ge', 'le'].includes(clause.operator)) {
      rows = rows.filter(({ atMs }) => matchesInstant(clause, atMs));
    } else {
      return unsupported(state, call, `filtering on '${clause.property} ${clause.operator}' is not supported`);
    }
  }
  const size = Math.min(query.top ?? state.pageSize, state.pageSize);
  const page = pageOf(rows, from, size, ({ atMs, keyId, entraDeviceId, readBy }) =>
    JSON.stringify({
      id: `Directory_${keyId}_${atMs}`,
      category: 'KeyManagement',
      correlationId: keyId,
      result: 'success',
      resultReason: '',
      activityDisplayName: READ_KEY,
      activityDateTime: new Date(atMs).toISOString(),
      loggedByService: 'Core Directory',
      operationType: 'Other',
      initiatedBy: readBy.includes('@')
        ? { app: null, user: { id: keyId, displayName: readBy, userPrincipalName: readBy, ipAddress: '' } }
        : {
            app: { appId: null, displayName: readBy, servicePrincipalId: keyId, servicePrincipalName: null },
            user: null,
          },
      targetResources: [
        {
          id: entraDeviceId,
          displayName: null,
          type: 'Device',
          userPrincipalName: null,
          groupType: null,
          modifiedProperties: [],
        },
      ],
      additionalDetails: [
        { key: 'keyIdentifier', value: keyId },
        { key: 'additionalInfo', value: `key id: ${keyId}, device id: ${entraDeviceId}` },
      ],
    }),
  );
  return { kind: 'page', context: `${call.url.origin}/${call.version}/$metadata#auditLogs/directoryAudits`, page };
}
