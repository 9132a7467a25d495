/** What an endpoint is given and what it may answer. Layer: simulator. */
import type { Random } from '../../domain/ports.ts';
import type { CreatedStates } from '../devices/created-states.ts';
import type { DeviceFinder } from '../devices/device-finder.ts';
import type { DeviceWorld } from '../devices/device-world.ts';
import type { Fleet } from '../devices/fleet.ts';
import type { ReceivedKeys } from '../devices/received-keys.ts';
import type { Scripts } from '../devices/scripts.ts';
import type { EntraDirectory } from '../entra-directory.ts';
import type { RefereeDesk } from '../referee.ts';
import type { WriteAnswer } from '../tenant-behaviour.ts';
import type { ErrorDetails } from '../wire/graph-answer.ts';
import { saysJson } from '../wire/json-body.ts';
import { type ODataQuery, parseQuery } from '../wire/odata-query.ts';
import { cursorOf, type WirePage } from '../wire/paging.ts';
import type { Route } from './route.ts';

/** Someone read a recovery password: a person in the portal, or an app that asked for `key`. */
export interface KeyDisclosure {
  readonly atMs: number;
  readonly keyId: string;
  readonly entraDeviceId: string;
  readonly readBy: string;
}

/** The tenant as its endpoints see it. */
export interface TenantState {
  readonly seed: number;
  readonly fleet: Fleet;
  readonly world: DeviceWorld;
  readonly desk: RefereeDesk;
  readonly random: Random;
  readonly speed: number;
  readonly pageSize: number;
  readonly plantSecrets: boolean;
  readonly volumeTypes: 'symbolic' | 'varied';
  readonly encryptionStateIds: 'managedDeviceId' | 'entraDeviceId';
  readonly disclosures: KeyDisclosure[];
  readonly findDevices: DeviceFinder;
  readonly scripts: Scripts;
  readonly createdStates: CreatedStates;
  readonly receivedKeys: ReceivedKeys;
  readonly directory: EntraDirectory;
  readonly stateCreation: WriteAnswer;
  readonly escrow: WriteAnswer;
}

/** One request, or one part of a `$batch`, that passed authorisation and throttling. */
export interface EndpointCall {
  readonly route: Route;
  readonly version: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly nowMs: number;
}

export type EndpointAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body?: string }
  | { readonly kind: 'page'; readonly context: string; readonly page: WirePage }
  | { readonly kind: 'error'; readonly status: number; readonly details: ErrorDetails };

/** 404 the way Intune says it. */
export function notFound(what: string): EndpointAnswer {
  return {
    kind: 'error',
    status: 404,
    details: { code: 'ResourceNotFound', message: `An error has occurred: ${what} not found`, intune: true },
  };
}

/** 400. */
export function badRequest(message: string, intune = false): EndpointAnswer {
  return { kind: 'error', status: 400, details: { code: 'BadRequest', message, intune } };
}

/** Refuses every write the way its status says; `undefined` when writes are taken. `detail` goes into the message. */
export function refusedWrite(answer: WriteAnswer, detail = ''): EndpointAnswer | undefined {
  const refuse = (status: number, code: string, message: string): EndpointAnswer => ({
    kind: 'error',
    status,
    details: { code, message: `${message}${detail}` },
  });
  switch (answer) {
    case 'accepts':
      return undefined;
    case 400:
      return refuse(400, 'BadRequest', 'Writing is not supported for this type.');
    case 405:
      return refuse(405, 'MethodNotAllowed', 'The collection is not insertable.');
    case 501:
      return refuse(501, 'NotImplemented', 'The operation is not implemented.');
  }
}

/** A write has a body that says it is JSON, and no query; what is wrong, if anything. */
export function problemOfWrite(state: TenantState, call: EndpointCall): EndpointAnswer | undefined {
  if (call.url.search !== '') return unsupported(state, call, 'a write has no query options');
  return saysJson(call.headers) ? undefined : badRequest('Write requests must contain the Content-Type header: JSON.');
}

/** Reads the query; an option that Graph does not have there is a violation and a 400. */
export function readQuery(
  state: TenantState,
  call: EndpointCall,
  allowed: readonly string[],
): ODataQuery | EndpointAnswer {
  const query = parseQuery(call.url.searchParams, allowed);
  return 'problem' in query ? unsupported(state, call, query.problem) : query;
}

/** A violation and a 400. */
export function unsupported(state: TenantState, call: EndpointCall, problem: string): EndpointAnswer {
  state.desk.violation('unsupportedQueryOption', `${call.url.pathname}: ${problem}`, call.nowMs);
  return badRequest(problem);
}

/** Where the page begins: 0, or where the token says. */
export function readCursor(state: TenantState, call: EndpointCall, query: ODataQuery): number | EndpointAnswer {
  if (query.skipToken === undefined) return 0;
  const cursor = cursorOf(state.seed, query.skipToken);
  if (cursor !== undefined) return cursor;
  state.desk.violation('badSkipToken', call.url.pathname, call.nowMs);
  return badRequest('Skip token is invalid.');
}

/** Cuts one page out of rows that are at hand. */
export function pageOf<T>(rows: readonly T[], from: number, size: number, write: (row: T) => string): WirePage {
  const end = Math.min(rows.length, from + size);
  const slice = rows.slice(from, end);
  return {
    from,
    items: slice.map((row) => write(row)),
    cursors: slice.map((_, i) => from + i + 1),
    ...(end < rows.length ? { next: end } : {}),
  };
}
