/** Recovery-key metadata. Asking for the key itself is answered, with a canary, and held against the client. Layer: simulator. */
import type { DeviceProfile } from '../devices/device-profile.ts';
import { ZERO_GUID } from '../devices/device-profile.ts';
import type { EscrowedKey } from '../devices/escrowed-key.ts';
import { asksForKeyMaterial, keyWriter } from '../wire/recovery-key-wire.ts';
import {
  badRequest,
  type EndpointAnswer,
  type EndpointCall,
  notFound,
  readCursor,
  readQuery,
  type TenantState,
  unsupported,
} from './endpoint.ts';

/** A cursor holds a device index and an ordinal below this; a device never gets more keys than 200. */
const ORDINALS = 1024;

/** Source: reference page "List recoveryKeys": the User-Agent header is required (read 2026-11-22). */
function lacksUserAgent(state: TenantState, call: EndpointCall): EndpointAnswer | undefined {
  if ((call.headers['user-agent'] ?? '') !== '') return undefined;
  state.desk.violation('missingUserAgent', call.url.pathname, call.nowMs);
  return badRequest('The request must have a User-Agent header.');
}

function disclose(state: TenantState, call: EndpointCall, key: EscrowedKey, profile: DeviceProfile): void {
  const { keyId } = key;
  state.disclosures.push({ atMs: call.nowMs, keyId, entraDeviceId: profile.entraDeviceId, readBy: 'Keyturn' });
}

/** `GET …/recoveryKeys`: `$filter=deviceId eq '…'` only; no `$top`, `$skip`, `$count`. */
export function listKeys(state: TenantState, call: EndpointCall): EndpointAnswer {
  const lacking = lacksUserAgent(state, call);
  if (lacking !== undefined) return lacking;
  const query = readQuery(state, call, ['$select', '$filter']);
  if ('kind' in query) return query;
  const [clause, ...more] = query.filter;
  if (
    more.length > 0 ||
    (clause !== undefined && (clause.property !== 'deviceId' || clause.operator !== 'eq' || !clause.quoted))
  ) {
    return unsupported(state, call, "only $filter=deviceId eq '…' is supported");
  }
  const from = readCursor(state, call, query);
  if (typeof from !== 'number') return from;
  const write = keyWriter(query.select, state);
  if (typeof write !== 'function')
    return unsupported(state, call, `Could not find a property named '${write.unknown}'`);
  const material = asksForKeyMaterial(query.select);
  if (material) state.desk.violation('keyMaterialRequested', call.url.pathname, call.nowMs);

  const { fleet, world, pageSize } = state;
  const only = clause === undefined ? undefined : fleet.ownerOfEntraDevice(clause.value);
  const first = clause === undefined ? Math.floor(from / ORDINALS) : (only ?? fleet.size);
  const last = clause === undefined ? fleet.size : Math.min(fleet.size, first + 1);
  const items: string[] = [];
  const cursors: number[] = [];
  let next: number | undefined;
  for (let index = first; index < last && next === undefined; index += 1) {
    if (fleet.ownerOf(index) !== index) continue;
    const profile = fleet.profile(index);
    if (profile.entraDeviceId === ZERO_GUID) continue;
    const fromOrdinal = Math.max(0, from - index * ORDINALS);
    for (const key of world.keysOf(profile, call.nowMs, fromOrdinal)) {
      const cursor = index * ORDINALS + key.ordinal;
      if (items.length >= pageSize) {
        next = cursor;
        break;
      }
      if (material) disclose(state, call, key, profile);
      items.push(write(key, profile.entraDeviceId));
      cursors.push(cursor + 1);
    }
  }
  const context = `${call.url.origin}/${call.version}/$metadata#informationProtection/bitlocker/recoveryKeys`;
  return { kind: 'page', context, page: { from, items, cursors, ...(next === undefined ? {} : { next }) } };
}

/** `GET …/recoveryKeys/{id}`. */
export function getKey(state: TenantState, call: EndpointCall): EndpointAnswer {
  const lacking = lacksUserAgent(state, call);
  if (lacking !== undefined) return lacking;
  const query = readQuery(state, call, ['$select']);
  if ('kind' in query) return query;
  const write = keyWriter(query.select, state);
  if (typeof write !== 'function')
    return unsupported(state, call, `Could not find a property named '${write.unknown}'`);
  const { fleet, world } = state;
  const found = world.keyWithId(call.route.ids[0] ?? '', call.nowMs);
  if (found === undefined) return notFound('key');
  const { key } = found;
  const profile = fleet.profile(found.owner);
  if (asksForKeyMaterial(query.select)) {
    state.desk.violation('keyMaterialRequested', call.url.pathname, call.nowMs);
    disclose(state, call, key, profile);
  }
  return { kind: 'answer', status: 200, body: write(key, profile.entraDeviceId) };
}
