/** Tells, row by row, what is wrong with a CSV of recovery keys, and where the run stands. Layer: cli. */
import { type EscrowCounts, noRows, rowsIn } from '../../app/escrow/escrow-counts.ts';
import type { EscrowWatcher } from '../../app/escrow/escrow-rows.ts';
import type { Clock } from '../../domain/ports.ts';
import type { Progress } from '../progress.ts';
import { escrowProgress } from './escrow-progress.ts';
import { troubleText } from './escrow-words.ts';

/** One thing wrong with one row. `rule` holds nothing of the row. */
export interface ReportedProblem {
  readonly line: number;
  readonly column?: string;
  readonly rule: string;
}

export interface RowReport {
  readonly watcher: EscrowWatcher;
  /** The first of them, for the document; all were told as they came. */
  problems(): { readonly problems: readonly ReportedProblem[]; readonly moreProblems: number };
  /** Shows the last standing. */
  end(): void;
}

export interface RowReportOptions {
  readonly progress: Progress;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly isDryRun: boolean;
  /** How much of the input is read, 0 to 1, when that is known. */
  readonly share: () => number | undefined;
}

/** Chosen: enough to see what is wrong with a file; a document of half a million problems helps nobody. */
const MOST_PROBLEMS = 1_000;
/** Chosen: a dry run checks some ten thousand rows a second, and nobody reads that fast. */
const SHOW_EVERY_MS = 100;

export function createRowReport({ progress, clock, isDryRun, share }: RowReportOptions): RowReport {
  const kept: ReportedProblem[] = [];
  let more = 0;
  let counts: EscrowCounts = noRows();
  let shownAtMs = Number.NEGATIVE_INFINITY;

  function tell(problem: ReportedProblem): void {
    const where = problem.column === undefined ? '' : `, ${problem.column}`;
    progress.note(`line ${problem.line}${where}: ${problem.rule}`);
    if (kept.length < MOST_PROBLEMS) kept.push(problem);
    else more += 1;
  }

  function show(): void {
    const read = share();
    progress.show(escrowProgress({ counts, isDryRun, ...(read === undefined ? {} : { share: read }) }));
  }

  return {
    watcher: {
      onRow(_line, _end, now) {
        counts = now;
        const nowMs = clock.nowMs();
        if (nowMs - shownAtMs < SHOW_EVERY_MS) return;
        shownAtMs = nowMs;
        show();
      },
      onProblems: (line, problems) => {
        for (const { column, rule } of problems) tell({ line, ...(column === undefined ? {} : { column }), rule });
      },
      onAnswer: (line, outcome) => tell({ line, rule: troubleText(outcome) }),
    },
    problems: () => ({ problems: kept, moreProblems: more }),
    end: () => {
      if (rowsIn(counts) > 0) show();
      progress.end();
    },
  };
}
