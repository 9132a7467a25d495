/** From a route to its endpoint. Layer: simulator. */
import { listActionAudits, listDirectoryAudits } from './audit-endpoints.ts';
import { getDevice, listDevices } from './device-endpoints.ts';
import { addRoleAssignment, getServicePrincipal, listRoleAssignments } from './directory-endpoints.ts';
import { badRequest, type EndpointAnswer, type EndpointCall, type TenantState } from './endpoint.ts';
import { addKey, updateKey } from './escrow-endpoints.ts';
import { getKey, listKeys } from './key-endpoints.ts';
import { rotate } from './rotate-endpoint.ts';
import { getRunState, listRunStates } from './run-state-endpoints.ts';
import { createState, getState, listStates } from './state-endpoints.ts';

/** Asks the endpoint of the call's route. A batch inside a batch is refused. */
export function endpointAnswer(state: TenantState, call: EndpointCall): EndpointAnswer {
  switch (call.route.endpoint) {
    case 'listDevices':
      return listDevices(state, call, false);
    case 'listComanagedDevices':
      return listDevices(state, call, true);
    case 'getDevice':
      return getDevice(state, call, false);
    case 'getComanagedDevice':
      return getDevice(state, call, true);
    case 'rotate':
      return rotate(state, call);
    case 'listStates':
      return listStates(state, call);
    case 'getState':
      return getState(state, call);
    case 'createState':
      return createState(state, call);
    case 'listActionAudits':
      return listActionAudits(state, call);
    case 'listDirectoryAudits':
      return listDirectoryAudits(state, call);
    case 'listKeys':
      return listKeys(state, call);
    case 'getKey':
      return getKey(state, call);
    case 'addKey':
      return addKey(state, call);
    case 'updateKey':
      return updateKey(state, call);
    case 'listRunStates':
      return listRunStates(state, call);
    case 'getRunState':
      return getRunState(state, call);
    case 'getServicePrincipal':
      return getServicePrincipal(state, call, 'id');
    case 'getServicePrincipalOf':
      return getServicePrincipal(state, call, 'appId');
    case 'listRoleAssignments':
      return listRoleAssignments(state, call);
    case 'addRoleAssignment':
      return addRoleAssignment(state, call);
    case 'batch':
      return badRequest('A batch cannot hold a batch.');
  }
}
