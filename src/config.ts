/** Reads the settings: the only reader of the environment, and where every problem is found at once. Layer: wiring. */
import {
  budgetRule,
  choiceRule,
  durationRule,
  durationsRule,
  exclusionRule,
  flagRule,
  guidRule,
  type Rule,
  rootRule,
  scheduleRule,
  shareRule,
  webhookRule,
  wholeRule,
} from './config-rules.ts';
import { defaultOf, SETTINGS, type Setting, type SettingName } from './config-table.ts';
import { CLOUDS } from './domain/clouds.ts';
import type { TenantId } from './domain/ids.ts';
import { NOTIFY_FORMATS, type NotifyFormat } from './domain/notification.ts';
import type { GraphCloud, LogLevel, RotationMode, Settings } from './domain/settings.ts';
import { SettingsError, type SettingsProblem } from './domain/settings-error.ts';

/** Environment variables by name; an empty or blank one counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A copy of this process's environment. */
export function readEnvironment(): Environment {
  return { ...process.env };
}

const CLOUD_NAMES: readonly GraphCloud[] = ['global', 'usgov', 'usgovdod', 'china'];
const MODES: readonly RotationMode[] = ['dryRun', 'live', 'off'];
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Run orders have seven digits (`sliceIdOf`). */
const MOST_DEVICES = 9_999_999;
const QUEUE_LIMIT = ['P7D', ' (the longest a queue message can wait)'] as const;
/** `functionTimeout` in host.json is ten minutes: half a minute is left to finish the block in hand and save the checkpoint. */
const INVOCATION_LIMIT = ['PT9M30S', ' (the host ends an invocation after ten minutes)'] as const;

const duration = durationRule();
const canaryWait = durationRule(...QUEUE_LIMIT);
const timeBudget = durationRule(...INVOCATION_LIMIT);

/** Names that can only be meant for Keyturn. Others (`LOG_LEVEL`, `GRAPH_TOKEN`, `NOTIFY_SOCKET`) may belong to anyone on a laptop. */
const OUR_NAMES = /^(ROTATION_|CONFIRM_|RECORD_TO_|NOTIFY_(WEB|FORM)|GRAPH_\w*BUDGET$)/;

/** Settings whose value opens something, however their names are spelt. */
const SECRET_NAMES = /^NOTIFY_/;
const NOT_SHOWN = 'not shown';

/** As a problem shows it: quoted, on one line, cut short, and without a user name or password somebody put into a URL. */
function shown(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  const safe = text.replace(/\/\/[^/?#]*@/g, '//…@');
  return JSON.stringify(safe.length > 200 ? `${safe.slice(0, 200)}…` : safe);
}

/** Reads settings one by one and keeps what is wrong with them. */
function createReader(environment: Environment) {
  const problems: SettingsProblem[] = [];
  const wrong = new Set<SettingName>();

  const given = (name: SettingName): string | undefined => {
    const text = environment[name]?.trim();
    return text === '' ? undefined : text;
  };

  function report(name: SettingName, rule: string): void {
    if (isSecret(name)) {
      wrong.add(name);
      problems.push({ name, rule, given: NOT_SHOWN });
      return;
    }
    const isDefault = given(name) === undefined && defaultOf(name) !== undefined;
    wrong.add(name);
    problems.push({ name, rule, given: isDefault ? `${shown(defaultOf(name))}, the default` : shown(given(name)) });
  }

  /** The meaning of an optional setting, `undefined` when unset or wrong. */
  function optional<T>(name: SettingName, rule: Rule<T>): T | undefined {
    const text = given(name) ?? defaultOf(name);
    const value = text === undefined ? undefined : rule.parse(text);
    if (text !== undefined && value === undefined) report(name, rule.words);
    return value;
  }

  /** The meaning of a setting that must have one; `placeholder` once it is wrong, which never leaves `parseSettings`. */
  function required<T>(name: SettingName, rule: Rule<T>, placeholder: T): T {
    const value = optional(name, rule);
    if (value === undefined && !wrong.has(name)) report(name, rule.words);
    return value ?? placeholder;
  }

  /** A rule over two settings; says nothing while one of them is wrong by itself. */
  function together(name: SettingName, other: SettingName, holds: boolean, rule: (otherText: string) => string): void {
    if (holds || wrong.has(name) || wrong.has(other)) return;
    report(name, rule(`${other} (${given(other) ?? defaultOf(other) ?? 'unset'})`));
  }

  /** In the order of the settings table; names that no setting has, last. */
  function allProblems(): readonly SettingsProblem[] {
    const order = SETTINGS.map(({ name }): string => name);
    return [...problems.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)), ...misspelt(environment)];
  }

  return { optional, required, together, allProblems };
}

/** A setting nobody reads is a promise nobody keeps: `ROTATION_MODES=off` would stop nothing. */
function misspelt(environment: Environment): readonly SettingsProblem[] {
  const known = new Set<string>(SETTINGS.map(({ name }) => name));
  return Object.entries(environment)
    .filter(([name, text]) => OUR_NAMES.test(name) && !known.has(name) && (text ?? '').trim() !== '')
    .map(([name, text]) => ({
      name,
      rule: 'is no setting of Keyturn: check its spelling',
      given: SECRET_NAMES.test(name) ? NOT_SHOWN : shown(text),
    }));
}

function isSecret(name: SettingName): boolean {
  const setting: Setting | undefined = SETTINGS.find((candidate) => candidate.name === name);
  return setting?.isSecret === true;
}

/**
 * The meaning of every setting, defaults included. Reads nothing but `environment` and changes nothing.
 * @throws {SettingsError} naming every setting that is wrong or cannot work with another, its rule and its value.
 */
export function parseSettings(environment: Environment): Settings {
  const { optional, required, together, allProblems } = createReader(environment);
  const number = (name: SettingName, rule: Rule<number>) => required(name, rule, 0);
  const budget = (name: SettingName) => required(name, budgetRule, { limit: 1, windowMs: 1 });

  const cloud = required('GRAPH_CLOUD', choiceRule(CLOUD_NAMES), 'global');
  const endpoint = optional('GRAPH_ENDPOINT', rootRule);
  const tenantId = required('TENANT_ID', guidRule<TenantId>('your Entra tenant id'), '' as TenantId);
  const clientId = optional('AZURE_CLIENT_ID', guidRule<string>('the client id of a user-assigned identity'));
  const exclude = optional('ROTATION_EXCLUDE', exclusionRule) ?? [];

  const settings: Settings = {
    tenantId,
    cloud,
    graphRoot: endpoint ?? CLOUDS[cloud].graphRoot,
    authorityHost: CLOUDS[cloud].authorityHost,
    ...(clientId === undefined ? {} : { clientId }),
    schedule: required('ROTATION_SCHEDULE', scheduleRule, ''),
    mode: required('ROTATION_MODE', choiceRule(MODES), 'off'),
    maxKeyAgeMs: number('ROTATION_MAX_KEY_AGE', duration),
    minKeyAgeMs: number('ROTATION_MIN_KEY_AGE', duration),
    seenWithinMs: number('ROTATION_SEEN_WITHIN', duration),
    maxDevices: number('ROTATION_MAX_DEVICES', wholeRule(1, MOST_DEVICES)),
    exclude,
    canaryDevices: number('ROTATION_CANARY_DEVICES', wholeRule(0, MOST_DEVICES)),
    canaryMinProven: number('ROTATION_CANARY_MIN_PROVEN', shareRule('zero allowed')),
    canaryWaitMs: number('ROTATION_CANARY_WAIT', canaryWait),
    abortFailureRate: number('ROTATION_ABORT_FAILURE_RATE', shareRule('above zero')),
    timeBudgetMs: number('ROTATION_TIME_BUDGET', timeBudget),
    confirmScheduleMs: required('CONFIRM_SCHEDULE', durationsRule(...QUEUE_LIMIT), []),
    budgets: {
      write: budget('GRAPH_WRITE_BUDGET'),
      any: budget('GRAPH_ANY_BUDGET'),
      key: budget('GRAPH_KEY_BUDGET'),
      stateWrite: budget('GRAPH_STATE_WRITE_BUDGET'),
      stateAny: budget('GRAPH_STATE_ANY_BUDGET'),
    },
    concurrency: number('GRAPH_CONCURRENCY', wholeRule(1, 1000)),
    recordToGraph: required('RECORD_TO_GRAPH', flagRule, false),
    logLevel: required('LOG_LEVEL', choiceRule(LEVELS), 'info'),
  };

  // Checked with the others; read by `parseWebhook`, so that the address is no part of the settings.
  optional('NOTIFY_WEBHOOK', webhookRule);
  optional('NOTIFY_FORMAT', choiceRule(NOTIFY_FORMATS));

  // Every due key would be too young to rotate: nothing would ever be asked.
  together(
    'ROTATION_MIN_KEY_AGE',
    'ROTATION_MAX_KEY_AGE',
    settings.minKeyAgeMs < settings.maxKeyAgeMs,
    (other) => `must be shorter than ${other}, or every key that falls due would be too young to rotate`,
  );
  // The decision would fall before anybody looked: no canary could be proven, and every run would abort.
  together(
    'ROTATION_CANARY_WAIT',
    'CONFIRM_SCHEDULE',
    settings.canaryDevices === 0 || settings.canaryWaitMs >= (settings.confirmScheduleMs[0] ?? 0),
    (other) => `must be at least the first delay of ${other}, or the canary would be judged before its first look`,
  );
  // Tokens come from the cloud's own authority: another cloud's Graph refuses every one of them.
  together(
    'GRAPH_ENDPOINT',
    'GRAPH_CLOUD',
    endpoint === undefined || CLOUD_NAMES.every((name) => name === cloud || CLOUDS[name].graphRoot !== endpoint),
    (other) => `must not be the Graph root of another cloud than ${other}, whose tokens it would refuse`,
  );

  const problems = allProblems();
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

/** Where notifications go. */
export interface Webhook {
  /** A secret: whoever has it can post. Never logged or shown. */
  readonly url: string;
  readonly format: NotifyFormat;
}

/** `undefined` when there is none. To be called with an environment that `parseSettings` accepts. */
export function parseWebhook(environment: Environment): Webhook | undefined {
  const { optional } = createReader(environment);
  const url = optional('NOTIFY_WEBHOOK', webhookRule);
  const format = optional('NOTIFY_FORMAT', choiceRule(NOTIFY_FORMATS));
  return url === undefined || format === undefined ? undefined : { url, format };
}
