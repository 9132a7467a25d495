/** The settings table: names, defaults and descriptions, as data for the parser, the documentation and the templates. Layer: wiring. */

/** One setting of the contract. */
export interface Setting {
  readonly name: string;
  /** The text it has when unset; absent when there is none. */
  readonly default?: string;
  /** One line: what it decides. */
  readonly description: string;
  /** Its value is never shown, not even when it is wrong. */
  readonly isSecret?: true;
}

/** Every setting Keyturn reads, in the order of the documentation. */
export const SETTINGS = [
  { name: 'TENANT_ID', description: 'Entra tenant id; required' },
  { name: 'GRAPH_CLOUD', default: 'global', description: '`global`, `usgov`, `usgovdod` or `china`' },
  { name: 'GRAPH_ENDPOINT', description: "overrides the cloud's Graph root; plain http only on loopback" },
  { name: 'AZURE_CLIENT_ID', description: 'client id of a user-assigned identity' },
  { name: 'ROTATION_SCHEDULE', default: '0 0 2 * * *', description: 'NCRONTAB, six fields, UTC' },
  {
    name: 'ROTATION_MODE',
    default: 'dryRun',
    description: '`dryRun`, `live` or `off` (kill switch: also stops a run in progress at the next block)',
  },
  { name: 'ROTATION_MAX_KEY_AGE', default: 'P90D', description: 'a key older than this is due' },
  {
    name: 'ROTATION_MIN_KEY_AGE',
    default: 'P7D',
    description:
      'never rotate a younger key on schedule, nor ask a device twice within it; on demand the floor is `PT1H`',
  },
  { name: 'ROTATION_SEEN_WITHIN', default: 'P14D', description: 'skip devices not seen since' },
  { name: 'ROTATION_MAX_DEVICES', default: '10000', description: 'devices per run' },
  { name: 'ROTATION_EXCLUDE', description: 'comma-separated managed device ids or name globs' },
  {
    name: 'ROTATION_CANARY_DEVICES',
    default: '20',
    description: 'rotate these first and wait for proof; 0 turns it off',
  },
  { name: 'ROTATION_CANARY_MIN_PROVEN', default: '0.8', description: 'share of canaries that must be proven' },
  { name: 'ROTATION_CANARY_WAIT', default: 'P1D', description: 'then decide' },
  {
    name: 'ROTATION_ABORT_FAILURE_RATE',
    default: '0.2',
    description: 'circuit breaker over the last 100 outcomes',
  },
  { name: 'ROTATION_TIME_BUDGET', default: 'PT8M', description: 'work per invocation before handing over' },
  { name: 'CONFIRM_SCHEDULE', default: 'PT30M,PT2H,PT8H,P1D,P3D,P6D', description: 'delays between looks' },
  { name: 'GRAPH_WRITE_BUDGET', default: '200/PT20S', description: 'writes on managed devices: limit/window' },
  { name: 'GRAPH_ANY_BUDGET', default: '2000/PT20S', description: 'all requests on managed devices' },
  { name: 'GRAPH_KEY_BUDGET', default: '200/PT20S', description: 'requests on recovery keys' },
  { name: 'GRAPH_STATE_WRITE_BUDGET', default: '100/PT20S', description: 'writes on encryption states' },
  { name: 'GRAPH_STATE_ANY_BUDGET', default: '1000/PT20S', description: 'all requests on encryption states' },
  { name: 'GRAPH_CONCURRENCY', default: '32', description: 'requests in flight' },
  {
    name: 'RECORD_TO_GRAPH',
    default: 'false',
    description: 'also create a `managedDeviceEncryptionState` per recorded state',
  },
  {
    name: 'NOTIFY_WEBHOOK',
    description: 'https address that is told when a run ends, is aborted or finds a dangerous device; a secret',
    isSecret: true,
  },
  {
    name: 'NOTIFY_FORMAT',
    default: 'json',
    description: '`json`, or `teams` (Adaptive Card for Teams workflows)',
    // An address that somebody puts here by mistake is one.
    isSecret: true,
  },
  { name: 'LOG_LEVEL', default: 'info', description: '`debug`, `info`, `warn` or `error`' },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];

/** The default of each setting, or `undefined` where there is none. */
export function defaultOf(name: SettingName): string | undefined {
  const setting: Setting | undefined = SETTINGS.find((candidate) => candidate.name === name);
  return setting?.default;
}
