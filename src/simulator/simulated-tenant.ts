/** The simulated tenant: a seeded fleet behind Graph's HTTP surface, without any I/O of its own. Layer: simulator. */
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Clock } from '../domain/ports.ts';
import type { Budget } from '../domain/request-class.ts';
import { GRANTED_BY_DEFAULT, issueToken } from './access-token.ts';
import { createCreatedStates } from './devices/created-states.ts';
import { createDeviceFinder } from './devices/device-finder.ts';
import type { DeviceSpec } from './devices/device-profile.ts';
import { createDeviceWorld } from './devices/device-world.ts';
import { createFleet } from './devices/fleet.ts';
import { createReceivedKeys } from './devices/received-keys.ts';
import { createScripts } from './devices/scripts.ts';
import type { KeyDisclosure, TenantState } from './endpoints/endpoint.ts';
import { createEntraDirectory, OWN_PRINCIPAL } from './entra-directory.ts';
import { createFaults, type FaultRates, type ScriptedFault } from './faults.ts';
import { createFrontDoor, type SimulatedAnswer, type Timing } from './front-door.ts';
import { createReferee, type Referee } from './referee.ts';
import type { HistoryEntry } from './request-history.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createSimulatorHttpClient } from './simulator-http-client.ts';
import { rolesFor, type TenantBehaviour } from './tenant-behaviour.ts';
import type { RetryAfterForm } from './throttling/retry-after-form.ts';
import {
  compressedLimits,
  createThrottle,
  DOCUMENTED_LIMITS,
  type ForeignShare,
  type ThrottleClass,
} from './throttling/throttle.ts';
import type { WindowType } from './throttling/throttle-window.ts';
import { createTruth, type Truth } from './truth.ts';
import type { SimulatedRequest } from './wire/graph-answer.ts';

/** Durations are given as in the real world; the tenant divides its own (windows, Retry-After, check-ins, escrow) by `speed`. */
export interface SimulatedTenantOptions extends TenantBehaviour {
  readonly clock: Clock;
  /** Default 1. Same seed, same devices, same faults. */
  readonly seed?: number;
  /** How many seeded devices, or a list of them. */
  readonly devices: number | readonly DeviceSpec[];
  /** Default `mixed`: every kind in real-world shares. `healthy`: every device is due and answers within 25 minutes. */
  readonly fleet?: 'mixed' | 'healthy';
  /** Ages of keys and last syncs count back from here. Default: now. */
  readonly startAtMs?: number;
  /** Above 0. 1 is real time; 1,000 lets a check-in of 8 hours come after 29 seconds. Ages are not compressed. Default 1. */
  readonly speed?: number;
  /** Default: a fixed id. */
  readonly tenantId?: string;
  /** Root of the in-process client's URLs. Default `https://graph.microsoft.com`. */
  readonly graphRoot?: string;
  readonly throttling?: {
    /** Default `sliding`. */
    readonly window?: WindowType;
    /** Default: the documented limits. */
    readonly limits?: Partial<Readonly<Record<ThrottleClass, Budget>>>;
    /** Where fixed windows begin, ms; divided by `speed`. Default 0. */
    readonly fixedPhaseMs?: number;
    /** Default `seconds` at speed 1, `fraction` when compressed, where whole seconds would be too long. */
    readonly retryAfter?: RetryAfterForm;
    /** Default 0: Keyturn is alone. */
    readonly foreignShare?: ForeignShare;
  };
  /** How long after a 429 reached its sender other requests may still leave before the referee objects, ms. Default 0. */
  readonly pauseGraceMs?: number;
  /** Round trip of the in-process client, ms; half of it each way; not divided. A pair is a seeded range. Default 0. */
  readonly latencyMs?: number | readonly [number, number];
  readonly faults?: FaultRates;
  /** App roles in issued tokens. */
  readonly roles?: readonly string[];
  /** Default 24 h, as for managed identities; not divided. */
  readonly tokenLifetimeMs?: number;
  /** Items per page, at most. Default 1,000. Source: observed default of managedDevices (2026). */
  readonly pageSize?: number;
  /** The tenant's clock runs ahead of ours by this, ms. Default 0. */
  readonly clockSkewMs?: number;
  /** Plants {@link CANARY_SECRETS} in lists, devices and errors. Default false. */
  readonly plantSecrets?: boolean;
  /** The last so many requests are kept in `history`. Default 1,000. */
  readonly historyLimit?: number;
}

export interface SimulatedTenant {
  readonly tenantId: string;
  readonly speed: number;
  readonly graphRoot: string;
  readonly limits: Readonly<Record<ThrottleClass, Budget>>;
  /** Answers one HTTP request, now. Transports add the delays. */
  handle(request: SimulatedRequest, timing?: Timing): SimulatedAnswer;
  /** A transport for the Azure pipeline: latency, resets, timeouts and aborts on the tenant's clock, no I/O. */
  httpClient(): HttpClient;
  /** Tokens without a managed-identity endpoint. */
  credential(): TokenCredential;
  /** What the managed-identity endpoint gives for a resource. */
  issueToken(resource: string): { readonly token: string; readonly expiresAtMs: number };
  /** Takes roles away, or grants some; tokens issued before keep theirs. */
  setRoles(roles: readonly string[]): void;
  /** App roles of Graph that the service principal of that object id has. */
  rolesOf(principalId: string): readonly string[];
  script(fault: ScriptedFault): void;
  /** Scripted faults that have not struck; a test should leave none. */
  unusedFaults(): readonly string[];
  readonly truth: Truth;
  readonly referee: Referee;
  /** The last requests (at least `historyLimit`, at most twice as many), oldest first; parts of a batch come before their batch. */
  readonly history: readonly HistoryEntry[];
  /** Someone else rotates the device in the portal. False when Intune would not. */
  rotateAsSomeoneElse(managedDeviceId: string): boolean;
  /** Someone deletes the device from Intune. @throws {RangeError} for an unknown id. */
  removeDevice(managedDeviceId: string): void;
  /** A person reads the device's newest recovery password in the portal: an entry in directoryAudits. @throws {RangeError} for an unknown id or a device without keys. */
  discloseKey(managedDeviceId: string, userPrincipalName: string): void;
  readonly disclosures: readonly KeyDisclosure[];
  /** The recovery password that arrived last for a key in `truth.escrowed`. Kept in memory only. */
  receivedPassword(keyId: string): string | undefined;
  /** Tokens issued so far: secrets as well. */
  readonly issuedTokens: readonly string[];
  /** The tenant's clock. */
  nowMs(): number;
}

const DEFAULT_TENANT = '5eed0000-7e4a-4c1d-9b8e-0123456789ab';
const HOUR = 3_600_000;

function positive(name: string, value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) throw new RangeError(`${name} must be above 0, got ${value}`);
  return value;
}

/** @throws {RangeError} naming the option, the rule and the value. */
export function createSimulatedTenant(options: SimulatedTenantOptions): SimulatedTenant {
  const { clock, seed = 1, throttling = {} } = options;
  const speed = positive('speed', options.speed ?? 1);
  const pageSize = positive('pageSize', options.pageSize ?? 1_000);
  const tenantId = options.tenantId ?? DEFAULT_TENANT;
  const graphRoot = options.graphRoot ?? 'https://graph.microsoft.com';
  const skewMs = options.clockSkewMs ?? 0;
  const nowMs = (): number => clock.nowMs() + skewMs;
  const startMs = options.startAtMs ?? nowMs();
  const kindOfFleet = options.fleet ?? 'mixed';

  const limits = compressedLimits({ ...DOCUMENTED_LIMITS, ...throttling.limits }, speed);
  const fleet = createFleet({ seed, devices: options.devices, fleet: kindOfFleet, startMs });
  const { secondRequest = 'queued' } = options;
  const world = createDeviceWorld({ seed, fleet, kindOfFleet, speed, startMs, secondRequest });
  const desk = createReferee(limits, options.pauseGraceMs ?? 0);
  const faults = createFaults(options.faults ?? {}, createSeededRandom(seed + 1));
  const throttle = createThrottle({
    window: throttling.window ?? 'sliding',
    limits,
    fixedPhaseMs: (throttling.fixedPhaseMs ?? 0) / speed,
    foreignShare: throttling.foreignShare ?? 0,
    random: createSeededRandom(seed + 2),
  });
  const random = createSeededRandom(seed + 3);
  const directory = createEntraDirectory(options.directory ?? {}, options.roles ?? GRANTED_BY_DEFAULT, speed);
  const issuedTokens: string[] = [];
  const state: TenantState = {
    seed,
    fleet,
    world,
    desk,
    random,
    speed,
    pageSize,
    plantSecrets: options.plantSecrets ?? false,
    volumeTypes: options.volumeTypes ?? 'varied',
    encryptionStateIds: options.encryptionStateIds ?? 'managedDeviceId',
    disclosures: [],
    findDevices: createDeviceFinder(fleet),
    scripts: createScripts(options.scripts, fleet, seed),
    createdStates: createCreatedStates((options.duplicateStateWithinMs ?? HOUR) / speed),
    receivedKeys: createReceivedKeys(),
    stateCreation: options.stateCreation ?? 'accepts',
    escrow: options.escrow ?? 'accepts',
    directory,
  };
  const door = createFrontDoor({
    state,
    faults,
    throttle,
    tenantId,
    retryAfter: throttling.retryAfter ?? (speed > 1 ? 'fraction' : 'seconds'),
    historyLimit: options.historyLimit ?? 1_000,
    rolesFor: (route) => rolesFor(route, options),
  });

  function issue(resource: string): { token: string; expiresAtMs: number } {
    const expiresAtMs = nowMs() + (options.tokenLifetimeMs ?? 24 * HOUR);
    const { id: oid, appId: appid } = OWN_PRINCIPAL;
    const roles = directory.rolesOf(oid);
    const claims = { aud: resource, tid: tenantId, oid, appid, roles, exp: Math.floor(expiresAtMs / 1000) };
    const token = issueToken(claims, nowMs(), random.guid());
    issuedTokens.push(token);
    return { token, expiresAtMs: claims.exp * 1000 };
  }

  function indexOf(managedDeviceId: string): number {
    const index = fleet.indexOfManagedDevice(managedDeviceId);
    if (index === undefined) throw new RangeError(`no device has the managed device id ${managedDeviceId}`);
    return index;
  }

  const handle = (request: SimulatedRequest, timing?: Timing): SimulatedAnswer => door.handle(request, nowMs(), timing);

  return {
    tenantId,
    speed,
    graphRoot,
    limits,
    handle,
    httpClient: () =>
      createSimulatorHttpClient({
        handle,
        clock,
        skewMs,
        graphRoot,
        desk,
        latencyMs: options.latencyMs ?? 0,
        random: createSeededRandom(seed + 4),
      }),
    credential: () => ({
      getToken: (scopes) => {
        const scope = typeof scopes === 'string' ? scopes : (scopes[0] ?? '');
        const { token, expiresAtMs } = issue(scope.replace(/\/\.default$/, ''));
        return Promise.resolve({ token, expiresOnTimestamp: expiresAtMs - skewMs });
      },
    }),
    issueToken: issue,
    setRoles: directory.setOwnRoles,
    rolesOf: directory.rolesOf,
    script: faults.script,
    unusedFaults: faults.unused,
    truth: createTruth({ ...state, nowMs }),
    referee: desk.referee,
    history: door.history,
    rotateAsSomeoneElse: (id) => world.request(indexOf(id), nowMs(), false) === 'accepted',
    removeDevice: (id) => world.remove(indexOf(id)),
    discloseKey(id, userPrincipalName) {
      const profile = fleet.profile(fleet.ownerOf(indexOf(id)));
      const key = world.keysOf(profile, nowMs(), 0).findLast(({ volume }) => volume === 'operatingSystemVolume');
      if (key === undefined) throw new RangeError(`${profile.deviceName} has no key in escrow`);
      const { entraDeviceId } = profile;
      state.disclosures.push({ atMs: nowMs(), keyId: key.keyId, entraDeviceId, readBy: userPrincipalName });
    },
    disclosures: state.disclosures,
    receivedPassword: state.receivedKeys.secretOf,
    issuedTokens,
    nowMs,
  };
}
