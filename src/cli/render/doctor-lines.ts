/** The doctor's findings, a line or two each, with what to do next. Pure. Layer: cli. */
import type { Check, CheckStatus, Diagnosis } from '../../app/doctor/check.ts';
import { plural } from '../../domain/plain-figures.ts';
import type { Style } from './style.ts';
import { padEnd, visible, wrap } from './text.ts';

const STATUS: Readonly<Record<CheckStatus, { readonly words: string; readonly paint: keyof Style }>> = {
  ok: { words: 'ok', paint: 'good' },
  warn: { words: 'warn', paint: 'warn' },
  fail: { words: 'fail', paint: 'bad' },
  skipped: { words: 'skip', paint: 'dim' },
};

/** As wide as the longest of each, and a gap. */
const STATUS_WIDTH = 6;
const NAME_WIDTH = 18;
const NEXT = '→ ';

export function doctorLines({ checks }: Diagnosis, style: Style, columns: number): readonly string[] {
  return [...checks.flatMap((check) => checkLines(check, style, columns)), '', summary(checks, style)];
}

function checkLines({ name, status, message, action }: Check, style: Style, columns: number): readonly string[] {
  const margin = STATUS_WIDTH + NAME_WIDTH;
  const room = columns - margin;
  const { words, paint } = STATUS[status];
  const [first = '', ...rest] = wrap(visible(message), room);
  const next = action === undefined ? [] : wrap(visible(action), room - NEXT.length);
  return [
    `${padEnd(style[paint](words), STATUS_WIDTH)}${padEnd(name, NAME_WIDTH)}${first}`,
    ...rest.map((line) => ' '.repeat(margin) + line),
    ...next.map((line, i) => ' '.repeat(margin) + style.accent(`${i === 0 ? NEXT : '  '}${line}`)),
  ];
}

function summary(checks: readonly Check[], style: Style): string {
  const counted = (status: CheckStatus) => checks.filter((check) => check.status === status).length;
  const failed = counted('fail');
  const warned = counted('warn');
  const skips = counted('skipped');
  const parts = [
    failed === 0 ? style.good('Nothing failed') : style.bad(`${plural(failed, 'check')} failed`),
    ...(warned === 0 ? [] : [style.warn(plural(warned, 'warning'))]),
    ...(skips === 0 ? [] : [`${skips} not looked at`]),
  ];
  return `${parts.join(', ')}.`;
}
