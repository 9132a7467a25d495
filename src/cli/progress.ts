/** Shows where work stands: drawn over on a terminal, as plain lines elsewhere. Layer: cli. */
import type { Clock } from '../domain/ports.ts';
import { createStyle, type Style } from './render/style.ts';
import { clip } from './render/text.ts';
import type { Output } from './terminal.ts';

/** The same standing in both forms. */
export interface ProgressView {
  /** Changes when a new stage begins: its first plain line is never held back. */
  readonly stage: string;
  readonly draw: (style: Style, columns: number) => readonly string[];
  readonly plain: string;
}

export interface Progress {
  /** Replaces what is shown. */
  show(view: ProgressView): void;
  /** A line that stays. */
  note(line: string): void;
  /** Leaves what is drawn standing; later lines come below it. */
  end(): void;
}

/** Plain lines of one stage are at least this far apart. Chosen: a log of an hour stays readable. */
const PLAIN_EVERY_MS = 5_000;

/** `drawn`: a bar chart drawn over and over. `plain`: lines, for files, pipes and `--json`. */
export function createProgress(output: Output, clock: Pick<Clock, 'nowMs'>, form: 'drawn' | 'plain'): Progress {
  return form === 'drawn' ? createDrawnProgress(output) : createPlainProgress(output, clock);
}

/** The form that suits the output. */
export function progressForm(output: Output, options: { readonly json?: boolean }): 'drawn' | 'plain' {
  return output.isInteractive && options.json !== true ? 'drawn' : 'plain';
}

function createDrawnProgress(output: Output): Progress {
  const style = createStyle(output.hasColor);
  let drawn: readonly string[] = [];

  /** To the first drawn line, clearing from there on. */
  const back = (): string => (drawn.length === 0 ? '' : `\u001b[${drawn.length}A\u001b[0J`);
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

  return {
    show(view) {
      // One column stays free: a line that fills the window wraps on some terminals, and going back would miss it.
      const columns = Math.max(20, output.columns() - 1);
      const next = view.draw(style, columns).map((line) => clip(line, columns));
      output.write(back() + text(next));
      drawn = next;
    },
    note: (line) => output.write(`${back()}${line}\n${text(drawn)}`),
    end: () => {
      drawn = [];
    },
  };
}

function createPlainProgress(output: Output, clock: Pick<Clock, 'nowMs'>): Progress {
  let last: { readonly stage: string; readonly plain: string; readonly atMs: number } | undefined;
  return {
    show({ stage, plain }) {
      const nowMs = clock.nowMs();
      const isSame = last?.stage === stage && (last.plain === plain || nowMs - last.atMs < PLAIN_EVERY_MS);
      if (isSame) return;
      last = { stage, plain, atMs: nowMs };
      output.write(`${plain}\n`);
    },
    note: (line) => output.write(`${line}\n`),
    end: () => undefined,
  };
}
