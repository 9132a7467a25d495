/** When a schedule comes round: for judging how old its last run may be. Pure. Layer: wiring. */
import { Cron } from 'croner';

/** Chosen: enough to meet every gap of a week, of a month's days and of the hours of a day. */
const LOOKS_AHEAD = 50;

/** The next time after an instant, and the longest gap between two times from then on. */
export interface ScheduleFacts {
  readonly nextAtMs: number;
  readonly longestGapMs: number;
}

/** @param schedule NCRONTAB that `parseSettings` accepted; UTC. */
export function scheduleFacts(schedule: string, nowMs: number): ScheduleFacts {
  const cron = new Cron(schedule, { mode: '6-part', timezone: 'UTC', domAndDow: true, paused: true });
  const times = cron.nextRuns(LOOKS_AHEAD, new Date(nowMs)).map((time) => time.getTime());
  const gaps = times.slice(1).map((atMs, i) => atMs - (times[i] ?? atMs));
  return { nextAtMs: times[0] ?? Number.POSITIVE_INFINITY, longestGapMs: Math.max(0, ...gaps) };
}
