/** Rules for the text of single settings: what is allowed, in words, and what it means. Pure. Layer: wiring. */
import { Cron } from 'croner';
import { Duration } from 'luxon';
import { isExclusionPattern } from './domain/exclusion.ts';
import { isGuid } from './domain/ids.ts';
import { isLoopback } from './domain/loopback.ts';
import type { Budget } from './domain/request-class.ts';

/** `parse` returns `undefined` for a text that breaks the rule; it never throws. */
export interface Rule<T> {
  /** Follows the setting's name: `must be …`. */
  readonly words: string;
  readonly parse: (text: string) => T | undefined;
}

const DAY_MS = 24 * 3_600_000;

/** Chosen: ten years, so that instants computed from a duration stay within what a date can hold. */
const LONGEST_MS = 3650 * DAY_MS;

/** Milliseconds of an ISO 8601 duration of fixed length, or `undefined`: years and months have none, and a sign has no sense here. */
export function parseDurationMs(text: string): number | undefined {
  if (/[-,]/.test(text)) return undefined;
  const duration = Duration.fromISO(text);
  const { years, months, ...fixed } = duration.toObject();
  if (!duration.isValid || years !== undefined || months !== undefined) return undefined;
  const ms = Math.round(Duration.fromObject(fixed).toMillis());
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}

/** A duration above zero and up to `longest` (ISO 8601). */
export function durationRule(longest = 'P3650D', because = ''): Rule<number> {
  const longestMs = parseDurationMs(longest) ?? LONGEST_MS;
  return {
    words: `must be an ISO 8601 duration above zero, without years or months, of at most ${longest}${because}, such as P7D or PT0.5S`,
    parse: (text) => {
      const ms = parseDurationMs(text);
      return ms !== undefined && ms <= longestMs ? ms : undefined;
    },
  };
}

/** Comma-separated durations; at least one, each at most what a queue message can wait. */
export function durationsRule(longest: string, because: string): Rule<readonly number[]> {
  const one = durationRule(longest);
  return {
    words: `must be comma-separated ISO 8601 durations, each above zero, without years or months, of at most ${longest}${because}, such as PT30M,P1D`,
    parse: (text) => {
      const all = text.split(',').map((part) => one.parse(part.trim()));
      return all.every((ms) => ms !== undefined) ? all : undefined;
    },
  };
}

/** A whole number in plain digits. */
export function wholeRule(from: number, to: number): Rule<number> {
  return {
    words: `must be a whole number from ${from} to ${to}`,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= from && value <= to ? value : undefined;
    },
  };
}

/** A share from 0 to 1, such as `0.8`. */
export function shareRule(zero: 'zero allowed' | 'above zero'): Rule<number> {
  return {
    words:
      zero === 'above zero'
        ? 'must be a number above 0, up to 1, such as 0.2'
        : 'must be a number from 0 to 1, such as 0.8',
    parse: (text) => {
      const value = /^\d(\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
      return value <= 1 && (value > 0 || (value === 0 && zero === 'zero allowed')) ? value : undefined;
    },
  };
}

/** One of a closed list, letter for letter: a near miss is refused rather than guessed. */
export function choiceRule<T extends string>(choices: readonly T[]): Rule<T> {
  return { words: `must be one of ${choices.join(', ')}`, parse: (text) => choices.find((choice) => choice === text) };
}

/** `true` or `false` in any letter case: Bicep's `string(true)` is `True`. */
export const flagRule: Rule<boolean> = {
  words: 'must be true or false',
  parse: (text) => ({ true: true, false: false })[text.toLowerCase()],
};

/** A GUID other than the all-zero one, in lower case. */
export function guidRule<T extends string>(what: string): Rule<T> {
  return {
    words: `must be ${what}, a GUID`,
    parse: (text) => (isGuid(text) && !/^[0-]+$/.test(text) ? (text.toLowerCase() as T) : undefined),
  };
}

/**
 * Requests per window. Chosen limits: a million requests, since no quota of Graph comes near it; an hour, since no window does.
 */
export const budgetRule: Rule<Budget> = {
  words: 'must be a limit from 1 to 1000000, a slash and an ISO 8601 window of at most PT1H, such as 200/PT20S',
  parse: (text) => {
    const [limitText = '', windowText = '', ...rest] = text.split('/');
    const limit = wholeRule(1, 1_000_000).parse(limitText.trim());
    const windowMs = durationRule('PT1H').parse(windowText.trim());
    return limit === undefined || windowMs === undefined || rest.length > 0 ? undefined : { limit, windowMs };
  },
};

/** A schedule is asked for its next time after this instant, so that the answer never depends on the day. 2026-01-01, UTC. */
const SCHEDULE_PROBE = new Date(Date.UTC(2026, 0, 1));

const FIELD = /^(\*|\w+(-\w+)?)(\/\d+)?(,(\*|\w+(-\w+)?)(\/\d+)?)*$/;

/**
 * Azure's NCRONTAB with seconds: no `L`, `W`, `#` or `?`, Sunday is 0 only, and both day fields must match.
 * Source: learn.microsoft.com azure-functions/functions-bindings-timer, "NCRONTAB expressions" (read 2026-11-22).
 */
export const scheduleRule: Rule<string> = {
  words:
    'must be an NCRONTAB schedule that comes round: six fields (second minute hour day month weekday), weekdays 0 (Sunday) to 6, such as 0 0 2 * * *',
  parse: (text) => {
    const fields = text.split(/\s+/);
    if (fields.length !== 6 || !fields.every((field) => FIELD.test(field))) return undefined;
    if (/\d*[7-9]/.test((fields[5] ?? '').replace(/\/\d+/g, '')) || /[LW]/i.test(fields[3] ?? '')) return undefined;
    const pattern = fields.join(' ');
    try {
      const cron = new Cron(pattern, { mode: '6-part', timezone: 'UTC', domAndDow: true, paused: true });
      return cron.nextRun(SCHEDULE_PROBE) === null ? undefined : pattern;
    } catch {
      // croner throws for every pattern it cannot read; the caller names the rule and the value.
      return undefined;
    }
  },
};

/** Scheme, host and port of a Graph root. The bearer token goes there, so plain http is for this machine only. */
export const rootRule: Rule<string> = {
  words:
    'must be an https URL (plain http only on loopback) of a host, without path, query or user name, such as https://graph.microsoft.com',
  parse: (text) => {
    if (!/^https?:\/\/[^\s\\?#@]+$/i.test(text) || !URL.canParse(text)) return undefined;
    const url = new URL(text);
    if (url.pathname !== '/') return undefined;
    return url.protocol === 'https:' || isLoopback(url.hostname) ? url.origin : undefined;
  },
};

/** Whoever has the address can post, so it travels encrypted only, also on this machine. */
export const webhookRule: Rule<string> = {
  words: 'must be an https URL without user name or fragment',
  parse: (text) => {
    if (/[\s\\#]/.test(text) || !URL.canParse(text)) return undefined;
    const { protocol, username, password, href } = new URL(text);
    return protocol === 'https:' && username === '' && password === '' ? href : undefined;
  },
};

/** Managed device ids (made lower case) and name globs. */
export const exclusionRule: Rule<readonly string[]> = {
  words:
    'must be comma-separated managed device ids or device names, where * stands for any characters, ? for one and [a-z] for one of a range; braces and a leading ! are not understood',
  parse: (text) => {
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    return entries.every(isExclusionPattern)
      ? entries.map((entry) => (isGuid(entry) ? entry.toLowerCase() : entry))
      : undefined;
  },
};
