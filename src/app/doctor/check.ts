/** One line of the doctor's findings. Layer: app. */

/** In the order of the report. Scripts filter on these names. */
export const CHECK_NAMES = [
  'settings',
  'mode',
  'canary',
  'storageIdentity',
  'tableAccess',
  'tables',
  'queueAccess',
  'queues',
  'blobAccess',
  'containers',
  'storageClock',
  'graph',
  'graphClock',
  'token',
  'roles',
  'spareRoles',
  'managedDevices',
  'recoveryKeys',
  'actionResults',
  'encryptionStates',
  'scriptRunStates',
  'rotation',
  'eligibility',
  'keys',
  'lastRun',
  'poison',
  'quarantine',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/**
 * `fail`: Keyturn cannot do its work, or not all of it. `warn`: it can, and somebody should look. `skipped`: it could not be told, because of
 * what the message names.
 */
export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Check {
  readonly name: CheckName;
  readonly status: CheckStatus;
  /** What was found. */
  readonly message: string;
  /** What to do next; always there with `warn` and `fail`. */
  readonly action?: string;
}

/** All that was found. */
export interface Diagnosis {
  readonly checks: readonly Check[];
  /** Nothing failed. */
  readonly ok: boolean;
}

export function ok(name: CheckName, message: string): Check {
  return { name, status: 'ok', message };
}

export function warn(name: CheckName, message: string, action: string): Check {
  return { name, status: 'warn', message, action };
}

export function fail(name: CheckName, message: string, action: string): Check {
  return { name, status: 'fail', message, action };
}

/** `because`: the check that has to be right first, or in words why it cannot be told. */
export function skipped(name: CheckName, because: CheckName | { readonly why: string }): Check {
  const message = typeof because === 'string' ? `not looked at, because of "${because}" above` : because.why;
  return { name, status: 'skipped', message };
}

/** True unless that check was made and failed, or could not be made. */
export function isUsable(checks: readonly Check[], name: CheckName): boolean {
  const status = checks.find((check) => check.name === name)?.status;
  return status === 'ok' || status === 'warn';
}

/** Which of the checks stands in the way of what needs all of them: the one that failed, rather than those it held up. */
export function obstacleAmong(checks: readonly Check[], names: readonly CheckName[]): CheckName | undefined {
  const unusable = names.filter((name) => !isUsable(checks, name));
  return unusable.find((name) => checks.some((check) => check.name === name && check.status === 'fail')) ?? unusable[0];
}

/** Our own errors say what happened, a colon, and what to do. */
export function withAdvice(message: string, otherwise: string): { readonly message: string; readonly action: string } {
  const at = message.indexOf(': ');
  return at < 0 ? { message, action: otherwise } : { message: message.slice(0, at), action: message.slice(at + 2) };
}
