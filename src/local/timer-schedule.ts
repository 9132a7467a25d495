/** NCRONTAB schedules in UTC, and the `%SETTING%` they come from. Layer: local. */
import { Cron } from 'croner';
import { LocalHostError } from './local-host-error.ts';

export interface TimerSchedule {
  readonly expression: string;
  /** The first occurrence after `afterMs`. */
  nextAfterMs(afterMs: number): number;
  /** Two occurrences can be less than a minute apart: the host then keeps no status of the timer. */
  readonly everyFewSeconds: boolean;
}

/** `%NAME%` from the environment; anything else is itself. @throws {LocalHostError} kind `setting` when it is not there. */
export function resolveSetting(value: string, environment: Readonly<Record<string, string | undefined>>): string {
  return value.replace(/%([^%]+)%/g, (_, name: string) => {
    const found = environment[name];
    if (found === undefined || found.trim() === '') {
      throw new LocalHostError('setting', `${name} is not set; a function's trigger needs it`);
    }
    return found.trim();
  });
}

/** One field: `*`, numbers, names, ranges, lists and steps. Croner reads more than NCRONTAB does (`L`, `W`, `#`, `?`, dates, nicknames). */
const FIELD = /^(\*|[0-9A-Za-z]+)(-[0-9A-Za-z]+)?(\/\d+)?(,(\*|[0-9A-Za-z]+)(-[0-9A-Za-z]+)?(\/\d+)?)*$/;
const NAMES = /^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)$/i;

/**
 * Six fields: second, minute, hour, day, month, day of week (0 to 6, 0 is Sunday); day and day of week must both match.
 * Source: github.com/atifaziz/NCrontab, as used by the timer trigger; UTC as on the Flex plan (read 2026-11-22).
 * @throws {LocalHostError} kind `schedule` when it is not NCRONTAB, or never occurs.
 */
export function parseSchedule(expression: string): TimerSchedule {
  const fail = (why: string) =>
    new LocalHostError(
      'schedule',
      `schedule must be NCRONTAB, "second minute hour day month day-of-week", got ${JSON.stringify(expression)}: ${why}`,
    );
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 6) throw fail(`${fields.length} fields instead of 6`);
  for (const field of fields) {
    const words = field.match(/[A-Za-z]+/g) ?? [];
    if (!FIELD.test(field) || !words.every((word) => NAMES.test(word)))
      throw fail(`${JSON.stringify(field)} is not a field`);
  }
  if (/(^|[^/\d])7($|\D)/.test(fields[5] ?? '')) throw fail('day of week goes from 0 to 6');
  let cron: Cron;
  try {
    cron = new Cron(fields.join(' '), { timezone: 'UTC', mode: '6-part', domAndDow: true, paused: true });
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
  const nextAfterMs = (afterMs: number): number => {
    const next = cron.nextRun(new Date(afterMs));
    if (next === null) throw fail('it never occurs');
    return next.getTime();
  };
  const firstMs = nextAfterMs(0);
  return { expression, nextAfterMs, everyFewSeconds: nextAfterMs(firstMs) - firstMs < 60_000 };
}
