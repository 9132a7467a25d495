/** Tells a day of the calendar from digits that look like one. Pure. Layer: domain. */

/** True when the text begins with a day there is, as `2026-02-28` does; `Date.parse` takes 30 February for 2 March. */
export function hasCalendarDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(0[1-9]|1[0-2])-(\d\d)/.exec(text) ?? [];
  // Day 0 of the next month is the last of this one.
  return Number(day) >= 1 && Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
}
