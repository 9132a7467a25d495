/** The settings that point Keyturn at a simulated tenant, compressed by its speed. Layer: simulator. */
import type { Budget } from '../domain/request-class.ts';
import type { SimulatorServer } from './simulator-server.ts';

export interface SimulatorSettingsOptions {
  /** Delays between looks as in the real world, ms. Default: the contract's `PT30M,PT2H,PT8H,P1D,P3D,P6D`. */
  readonly confirmScheduleMs?: readonly number[];
  /** As in the real world, ms. Default: the contract's `P1D`. */
  readonly canaryWaitMs?: number;
}

const HOUR = 3_600_000;
const CONFIRM_SCHEDULE_MS = [0.5 * HOUR, 2 * HOUR, 8 * HOUR, 24 * HOUR, 72 * HOUR, 144 * HOUR];

/** ISO 8601, in seconds, whatever the length; sub-millisecond windows keep their fraction. */
function isoSeconds(ms: number): string {
  return `PT${Number((ms / 1000).toFixed(6))}S`;
}

const budget = ({ limit, windowMs }: Budget): string => `${limit}/${isoSeconds(windowMs)}`;

/**
 * Environment settings for Keyturn against that server. Budgets and waits are divided by the tenant's speed; ages such as
 * `ROTATION_MAX_KEY_AGE` are left alone, because the tenant's keys have real ages.
 */
export function settingsFor(
  server: Pick<SimulatorServer, 'tenant' | 'url' | 'identityEndpoint' | 'identityHeader'>,
  options: SimulatorSettingsOptions = {},
): Readonly<Record<string, string>> {
  const { tenantId, speed, limits } = server.tenant;
  const schedule = options.confirmScheduleMs ?? CONFIRM_SCHEDULE_MS;
  return {
    TENANT_ID: tenantId,
    GRAPH_ENDPOINT: server.url,
    IDENTITY_ENDPOINT: server.identityEndpoint,
    IDENTITY_HEADER: server.identityHeader,
    GRAPH_WRITE_BUDGET: budget(limits.write),
    GRAPH_ANY_BUDGET: budget(limits.any),
    GRAPH_KEY_BUDGET: budget(limits.key),
    GRAPH_STATE_WRITE_BUDGET: budget(limits.stateWrite),
    GRAPH_STATE_ANY_BUDGET: budget(limits.stateAny),
    CONFIRM_SCHEDULE: schedule.map((ms) => isoSeconds(ms / speed)).join(','),
    ROTATION_CANARY_WAIT: isoSeconds((options.canaryWaitMs ?? 24 * HOUR) / speed),
  };
}
