/** The one error of configuration: every problem at once. Layer: domain. */

/** One setting that breaks a rule. */
export interface SettingsProblem {
  /** The setting, such as `ROTATION_MODE`. */
  readonly name: string;
  /** What it must be, in words that follow its name: `must be …`. */
  readonly rule: string;
  /** The value as it was given, quoted; `nothing` when unset. Never a credential. */
  readonly given: string;
}

/** The settings cannot be used. The message lists every problem, one per line, and is safe to print. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly SettingsProblem[];

  /** @param problems at least one. */
  constructor(problems: readonly SettingsProblem[]) {
    const lines = problems.map(({ name, rule, given }) => `- ${name} ${rule}; given: ${given}`);
    super(
      [problems.length === 1 ? '1 setting is wrong:' : `${problems.length} settings are wrong:`, ...lines].join('\n'),
    );
    this.problems = problems;
  }
}
