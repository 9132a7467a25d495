/** Log lines of the use cases as notes among the progress, for people. Layer: cli. */
import type { LogFields, Logger } from '../domain/ports.ts';
import type { LogLevel } from '../domain/settings.ts';
import type { Progress } from './progress.ts';
import { visible } from './render/text.ts';

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Fields that explain a line, in this order; all others are for machines. */
const EXPLAINING = [
  'quarantineId',
  'errorMessage',
  'abortReason',
  'errorKind',
  'deviceName',
  'status',
  'mode',
  'count',
  'slices',
] as const;

/** Lines below `level` are left out. Progress itself is shown elsewhere, so `warn` is enough by default. */
export function createProgressLogger(
  progress: Pick<Progress, 'note'>,
  level: LogLevel,
  printable: (text: string) => string,
): Logger {
  function bound(bindings: LogFields): Logger {
    const at =
      (lineLevel: LogLevel) =>
      (message: string, fields: LogFields = {}): void => {
        if (RANK[lineLevel] < RANK[level]) return;
        const all = { ...bindings, ...fields };
        const details = EXPLAINING.flatMap((name) => {
          const value = all[name];
          return value === undefined || typeof value === 'object' ? [] : [`${name} ${value}`];
        });
        const more = details.length === 0 ? '' : ` (${details.join(', ')})`;
        progress.note(visible(printable(`${lineLevel === 'info' ? '' : `${lineLevel}: `}${message}${more}`)));
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (more) => bound({ ...bindings, ...more }),
    };
  }
  return bound({});
}
