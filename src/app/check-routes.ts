/** Makes sure that a request by a script's run state reaches the very device that was planned and claimed. Layer: app. */
import { errorFields } from '../domain/error-fields.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { CallOptions } from '../domain/ports.ts';
import type { Rotation } from '../domain/rotation.ts';
import { plannedFromMs, type Run } from '../domain/run.ts';
import { type RotationRoute, SCRIPT_KINDS, type ScriptKind } from '../domain/targets.ts';
import type { Reading, ScriptRunState } from '../domain/tenant.ts';
import type { ClaimedRotation } from './claim-block.ts';
import type { Deps } from './deps.ts';

/**
 * A plan older than this may be out of date: run states come and go with the devices they are about, and the request names no device.
 * Chosen: on demand nearly everything is sent sooner, and pays nothing for it.
 */
const ROUTES_STALE_AFTER_MS = 5 * 60_000;
/** Faults are asked about for so long. Chosen: the plain form is always there instead. */
const RETRY_FOR_MS = 2_000;

type StateRoute = Extract<RotationRoute, { via: ScriptKind }>;

/**
 * The same rotations; one whose run state no longer names its device, is gone or cannot be read leaves the route and is asked for by the
 * plain `managedDevices/{id}`, which is the device the requester meant. A fresh plan is believed. Reads one batch a script.
 */
export async function checkRoutes(
  deps: Deps,
  run: Run,
  claimed: readonly ClaimedRotation[],
  options: CallOptions,
): Promise<readonly ClaimedRotation[]> {
  const byState = claimed.flatMap((one) => {
    const route = stateRouteOf(one.row.value);
    return route === undefined ? [] : [{ one, route }];
  });
  if (byState.length === 0 || deps.clock.nowMs() - plannedFromMs(run) <= ROUTES_STALE_AFTER_MS) return claimed;
  const astray = new Set<ClaimedRotation>();
  const scripts = Map.groupBy(byState, ({ route }) => JSON.stringify([route.via, route.scriptId]));
  for (const of of scripts.values()) {
    const states = await readStates(
      deps,
      of.map(({ route }) => route),
      { ...options, retryForMs: RETRY_FOR_MS },
    );
    for (const { one, route } of of) {
      if (!isAbout(states.get(route.deviceRunStateId), one.row.value)) astray.add(one);
    }
  }
  if (astray.size > 0) {
    deps.logger.warn('run states no longer name the devices that were planned: these are asked for by their own ids', {
      runId: run.runId,
      devices: astray.size,
    });
  }
  return claimed.map((one) => (astray.has(one) ? withoutRoute(one) : one));
}

function stateRouteOf({ route }: Rotation): StateRoute | undefined {
  return route !== undefined && isStateRoute(route) ? route : undefined;
}

function isStateRoute(route: RotationRoute): route is StateRoute {
  return SCRIPT_KINDS.some((kind) => kind === route.via);
}

/** All of one script. None: it cannot be read now. */
async function readStates(
  { logger, tenant }: Deps,
  routes: readonly StateRoute[],
  options: CallOptions,
): Promise<ReadonlyMap<string, Reading<ScriptRunState>>> {
  const [first] = routes;
  if (first === undefined) return new Map();
  try {
    const ids = routes.map((route) => route.deviceRunStateId);
    return await tenant.runStates(first.via, first.scriptId, ids, options);
  } catch (error) {
    // The invocation ends: nothing is sent any more, by whichever form.
    if (options.signal.aborted) return new Map();
    if (!(error instanceof GraphError)) throw error;
    logger.warn('run states could not be read again', errorFields(error));
    return new Map();
  }
}

function isAbout(state: Reading<ScriptRunState> | undefined, { managedDeviceId }: Rotation): boolean {
  return state?.kind === 'found' && state.value.device?.managedDeviceId === managedDeviceId;
}

function withoutRoute(one: ClaimedRotation): ClaimedRotation {
  const { route: _route, ...value } = one.row.value;
  return { ...one, row: { ...one.row, value } };
}
