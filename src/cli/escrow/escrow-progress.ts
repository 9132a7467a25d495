/** How far a CSV of recovery keys has come, as a bar and as one plain line. Pure. Layer: cli. */
import { type EscrowCounts, failedIn, ROW_ENDS, type RowEnd, rowsIn } from '../../app/escrow/escrow-counts.ts';
import { number, percent, plural } from '../../domain/plain-figures.ts';
import type { ProgressView } from '../progress.ts';
import { bar } from '../render/bar.ts';
import type { Style } from '../render/style.ts';

/** In words that follow a number of rows. */
export const END_WORDS: Readonly<Record<RowEnd, string>> = {
  escrowed: 'escrowed',
  already: 'escrowed before',
  found: 'found in escrow',
  valid: 'valid',
  invalid: 'invalid',
  refused: 'refused',
  uncertain: 'uncertain',
  notSupported: 'not supported',
  rotationPending: 'held by a rotation',
  notSent: 'not sent',
};

export interface EscrowStanding {
  readonly counts: EscrowCounts;
  /** Of the input, 0 to 1, when it is a file. */
  readonly share?: number;
  readonly isDryRun: boolean;
}

const MOST_BAR = 40;

/** The counts that are not zero: `3 escrowed, 1 refused`. */
export function countsText(counts: EscrowCounts): string {
  const parts = ROW_ENDS.flatMap((end) => (counts[end] > 0 ? [`${number(counts[end])} ${END_WORDS[end]}`] : []));
  return parts.length === 0 ? 'no rows yet' : parts.join(', ');
}

/** The view of a standing. */
export function escrowProgress(standing: EscrowStanding): ProgressView {
  const { counts, share, isDryRun } = standing;
  const title = isDryRun ? 'Checking' : 'Escrowing';
  const far = share === undefined ? plural(rowsIn(counts), 'row') : percent(share);
  return {
    stage: 'rows',
    plain: `${title}: ${far}; ${countsText(counts)}`,
    draw: (style, columns) => draw(standing, title, style, columns),
  };
}

function draw({ counts, share }: EscrowStanding, title: string, style: Style, columns: number): readonly string[] {
  const paint = failedIn(counts) > 0 ? style.warn : style.accent;
  const drawn = share === undefined ? '' : `${paint(bar(share, Math.max(10, Math.min(MOST_BAR, columns - 40))))} `;
  const rows = `${plural(rowsIn(counts), 'row')}${share === undefined ? '' : `, ${percent(share)}`}`;
  return [`${style.accent('›')} ${style.bold(title)} ${drawn}${rows}`, style.dim(`  ${countsText(counts)}`)];
}
