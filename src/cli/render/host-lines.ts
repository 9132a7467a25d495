/** What the functions did while the local host ran. Pure. Layer: cli. */

import { number, plural } from '../../domain/plain-figures.ts';
import type { FunctionCounters } from '../../local/function-host.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

export function hostLines(
  functions: Readonly<Record<string, FunctionCounters>>,
  unfinished: number,
  style: Style,
  columns: number,
): readonly string[] {
  const rows = Object.entries(functions).map(([name, { invocations, failures }]) => [
    name,
    number(invocations),
    number(failures),
  ]);
  const titles = [
    { title: 'Function' },
    { title: 'Invocations', align: 'right' },
    { title: 'Failures', align: 'right' },
  ] as const;
  const rest =
    unfinished === 0
      ? 'Stopped; nothing was left running.'
      : style.warn(`Stopped; ${plural(unfinished, 'invocation')} did not end in time and will be delivered again.`);
  return [...table(titles, rows, style, columns), '', rest];
}
