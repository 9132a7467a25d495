/** Settings after parsing: durations in ms, ids branded. `config.ts` makes them; everyone else only reads. Layer: domain. */
import type { TenantId } from './ids.ts';
import type { Budget, RequestClass } from './request-class.ts';

export type GraphCloud = 'global' | 'usgov' | 'usgovdod' | 'china';
/** `off` is the kill switch; `dryRun` plans and sends nothing. */
export type RotationMode = 'dryRun' | 'live' | 'off';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Settings {
  readonly tenantId: TenantId;
  readonly cloud: GraphCloud;
  /** Graph root without version or trailing slash: `https://graph.microsoft.com`. */
  readonly graphRoot: string;
  /** Entra authority of the cloud: `https://login.microsoftonline.com`. */
  readonly authorityHost: string;
  /** Client id of the user-assigned identity, when one is set. */
  readonly clientId?: string;
  /** NCRONTAB, six fields, UTC. */
  readonly schedule: string;
  readonly mode: RotationMode;
  readonly maxKeyAgeMs: number;
  readonly minKeyAgeMs: number;
  readonly seenWithinMs: number;
  readonly maxDevices: number;
  /** Managed device ids (lower case) or name globs. */
  readonly exclude: readonly string[];
  readonly canaryDevices: number;
  /** 0 to 1. */
  readonly canaryMinProven: number;
  readonly canaryWaitMs: number;
  /** Above 0, up to 1. */
  readonly abortFailureRate: number;
  readonly timeBudgetMs: number;
  /** Delays between looks; at least one. */
  readonly confirmScheduleMs: readonly number[];
  readonly budgets: Readonly<Record<RequestClass, Budget>>;
  /** Graph requests in flight, at least 1. */
  readonly concurrency: number;
  readonly recordToGraph: boolean;
  readonly logLevel: LogLevel;
}
