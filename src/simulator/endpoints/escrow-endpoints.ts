/** Adding and updating recovery keys. A nasty server: every refusal quotes the recovery password it was given. Layer: simulator. */
import { isGuid } from '../../domain/ids.ts';
import type { EscrowedKey, KeyVolume } from '../devices/escrowed-key.ts';
import { isJsonObject, type JsonObject, member, parseObject, problemOfProperties, text } from '../wire/json-body.ts';
import {
  badRequest,
  type EndpointAnswer,
  type EndpointCall,
  notFound,
  problemOfWrite,
  refusedWrite,
  type TenantState,
} from './endpoint.ts';

/** Source: reference pages "Create bitlockerRecoveryKey" and "Update recoveryKeys", "Request" (read 2026-11-22). */
const TYPE = '#microsoft.graph.bitlockerRecoveryKey';
const REQUIRED = ['@odata.type', 'deviceId', 'key', 'volumeType'];
/** Of the documented members `unknownFutureValue` only stands for ones to come; Chosen: it names no volume. */
const VOLUMES: readonly KeyVolume[] = ['operatingSystemVolume', 'fixedDataVolume', 'removableDataVolume'];
/** Eight groups of six digits. Whether Graph checks the groups as well is undocumented; Chosen: no, that is the client's part. */
const PASSWORD = /^\d{6}(-\d{6}){7}$/;
/** Source: OpenAPI description of Graph, `bitlockerRecoveryKey.createdDateTime` (read 2026-11-22). */
const DATE_TIME = /^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d([.]\d{1,12})?(Z|[+-]\d\d:\d\d)$/;

const KEY = {
  '@odata.type': member([TYPE]),
  id: (value: unknown) => (isGuid(value) ? undefined : 'must be a GUID'),
  createdDateTime: (value: unknown) =>
    typeof value === 'string' && DATE_TIME.test(value) ? undefined : 'must be a date and time',
  deviceId: text,
  key: (value: unknown) =>
    typeof value === 'string' && PASSWORD.test(value) ? undefined : 'must be eight groups of six digits',
  volumeType: member(VOLUMES),
};

/** A body that can be acted on. `id`: the key it names; `owner`: index of the device. */
interface KeyBody {
  readonly id?: string;
  readonly owner: number;
  readonly entraDeviceId: string;
  readonly volume: KeyVolume;
  readonly secret: string;
}

/** `: 'what was given as key'`, for the end of an error message. */
function quoted(body: unknown): string {
  const key = isJsonObject(body) ? body.key : undefined;
  return key === undefined ? '' : ` The key was '${String(key)}'.`;
}

function readBody(state: TenantState, call: EndpointCall): KeyBody | EndpointAnswer {
  const body = parseObject(call.body);
  const refused = refusedWrite(state.escrow, quoted(body)) ?? problemOfWrite(state, call);
  if (refused !== undefined) return refused;
  if (body === undefined) return badRequest('The request body is not a bitlockerRecoveryKey.');
  const problem = problemOf(body);
  if (problem !== undefined) return badRequest(`${problem}${quoted(body)}`);
  const { id, deviceId, volumeType, key } = body as unknown as Readonly<
    Record<'deviceId' | 'key', string> & { id?: string; volumeType: KeyVolume }
  >;
  const owner = state.fleet.ownerOfEntraDevice(deviceId);
  if (owner === undefined) return notFound(`device ${deviceId}.${quoted(body)} Device`);
  const entraDeviceId = state.fleet.profile(owner).entraDeviceId;
  return { owner, entraDeviceId, volume: volumeType, secret: key, ...(id === undefined ? {} : { id }) };
}

function problemOf(body: JsonObject): string | undefined {
  const missing = REQUIRED.find((name) => body[name] === undefined);
  return missing === undefined ? problemOfProperties(body, KEY) : `The property '${missing}' is required.`;
}

/** The object as the pages show it, with the key. */
function keyJson({ keyId, createdAtMs, volume }: EscrowedKey, { entraDeviceId, secret }: KeyBody): string {
  return JSON.stringify({
    '@odata.type': TYPE,
    id: keyId,
    createdDateTime: new Date(createdAtMs).toISOString(),
    deviceId: entraDeviceId,
    key: secret,
    volumeType: volume,
  });
}

/**
 * `POST /users/{id}/informationProtection/bitlocker/recoveryKeys`: 201. Chosen, being undocumented: an `id` in the body becomes the key's,
 * 409 when there is one of that id; `createdDateTime` is the present, whatever the body says; a device with 200 keys gets no more (400);
 * whose the device is does not matter.
 */
export function addKey(state: TenantState, call: EndpointCall): EndpointAnswer {
  const body = readBody(state, call);
  if ('kind' in body) return body;
  const { owner, volume, entraDeviceId, secret } = body;
  const key = state.world.addKey(owner, volume, call.nowMs, body.id);
  if (key === 'full') return badRequest(`The device has 200 keys already.${quoted({ key: secret })}`);
  if (key === 'idTaken') {
    const message = `A key of that id exists already.${quoted({ key: secret })}`;
    return { kind: 'error', status: 409, details: { code: 'Conflict', message } };
  }
  const userId = call.route.ids[0] ?? '';
  const { keyId } = key;
  state.receivedKeys.add({ operation: 'add', userId, entraDeviceId, volume, keyId, atMs: call.nowMs }, secret);
  return { kind: 'answer', status: 201, body: keyJson(key, body) };
}

/**
 * `PATCH /bitlocker/recoveryKeys`: 200. Chosen, being undocumented: it replaces the key of the body's `id`, or the newest one of the device
 * and volume, and leaves id, volume and creation as they are; 404 when there is none such.
 */
export function updateKey(state: TenantState, call: EndpointCall): EndpointAnswer {
  const body = readBody(state, call);
  if ('kind' in body) return body;
  const { owner, volume, entraDeviceId, secret } = body;
  const keys = state.world
    .keysOf(state.fleet.profile(owner), call.nowMs, 0)
    .filter((key) => key.volume === volume && (body.id === undefined || key.keyId === body.id.toLowerCase()));
  const key = keys.reduce<EscrowedKey | undefined>(
    (newest, one) => (newest === undefined || one.createdAtMs >= newest.createdAtMs ? one : newest),
    undefined,
  );
  if (key === undefined) return notFound(`key of device ${entraDeviceId}.${quoted({ key: secret })} Key`);
  const { keyId } = key;
  state.receivedKeys.add({ operation: 'update', entraDeviceId, volume, keyId, atMs: call.nowMs }, secret);
  return { kind: 'answer', status: 200, body: keyJson(key, body) };
}
