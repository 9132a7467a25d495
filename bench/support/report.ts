/** Benchmark results as text. Pure. Layer: bench. */
import { type Bench, type Goal, isMet, type Row } from './bench.ts';

function cell(value: string | number | undefined): string {
  if (typeof value !== 'number') return value ?? '';
  if (Number.isInteger(value)) return value.toLocaleString('en');
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 3 : 4;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** One line per row under a heading, numbers to the right. */
export function tableOf(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isText = names.map((name) => rows.some((row) => typeof row[name] === 'string'));
  return lines
    .map((line) =>
      line
        .map((text, i) => (isText[i] === true ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function goalLine(goal: Goal): string {
  const bound = goal.atMost === undefined ? `at least ${cell(goal.atLeast)}` : `at most ${cell(goal.atMost)}`;
  return `${isMet(goal) ? 'holds ' : 'MISSED'}  ${goal.what}: ${cell(goal.measured)} (${bound})`;
}

/** A benchmark's heading, table and goals. */
export function reportOf(bench: Bench, rows: readonly Row[]): string {
  return [`${bench.name}: ${bench.about}`, '', tableOf(rows), '', ...bench.goals(rows).map(goalLine), ''].join('\n');
}
