/** The one error of the local host. Layer: local. */

/**
 * - `node`: this Node version cannot run it. `packageJson`, `hostJson`: that file is not usable; the message says why.
 * - `functions`: the functions could not be loaded, are none, or use what this host does not have.
 * - `schedule`: not NCRONTAB. `setting`: an unset `%SETTING%`.
 * - `unknownFunction`: asked to fire something that is not there.
 */
export type LocalHostErrorKind =
  | 'node'
  | 'packageJson'
  | 'hostJson'
  | 'functions'
  | 'schedule'
  | 'setting'
  | 'unknownFunction';

/** A fault of the local host; the message says what to do. */
export class LocalHostError extends Error {
  override readonly name = 'LocalHostError';
  readonly kind: LocalHostErrorKind;

  constructor(kind: LocalHostErrorKind, message: string, cause?: unknown) {
    super(message);
    if (cause !== undefined) Object.defineProperty(this, 'cause', { value: cause, enumerable: false });
    this.kind = kind;
  }
}
