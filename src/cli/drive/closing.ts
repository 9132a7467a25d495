/** The last word on a run that was carried on, and the exit code. Pure. Layer: cli. */
import type { Run } from '../../domain/run.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { ABORT_WORDS, carriersOf } from '../render/words.ts';
import type { DriveEnd } from './drive-run.ts';

export interface Closing {
  readonly message: string;
  readonly exitCode: ExitCode;
}

const LOOKERS = carriersOf({ state: 'settling', mode: 'live' });

/** How the work went; what devices answered is its result, not its failure. */
export function closingOf(end: DriveEnd, run: Run): Closing {
  const again = `The run keeps its place: ${carriersOf(run)} carries it on.`;
  switch (end.kind) {
    case 'stopped':
      return { message: `Stopped. ${again}`, exitCode: EXIT.failed };
    case 'gaveUp':
      return { message: `${end.because}\n${again}`, exitCode: EXIT.failed };
    case 'paused':
      return {
        message:
          'This run is live, but ROTATION_MODE is not: nothing is sent. Use `npx keyturn run --live`, or set ROTATION_MODE to live.',
        exitCode: EXIT.usage,
      };
    case 'finished':
    case 'sent':
      return doneClosing(end.kind, run);
  }
}

function doneClosing(kind: 'finished' | 'sent', run: Run): Closing {
  if (run.abortReason !== undefined) {
    const rest = kind === 'sent' ? ` What was asked for is still looked at by ${LOOKERS}.` : '';
    return { message: `The run was aborted: ${ABORT_WORDS[run.abortReason]}.${rest}`, exitCode: EXIT.failed };
  }
  const { targets, unresolved = [] } = run;
  if (targets !== undefined && run.devices === 0 && unresolved.length > 0) {
    return { message: 'None of the devices was found in the tenant; nothing was done.', exitCode: EXIT.usage };
  }
  if (run.mode === 'dryRun') {
    const more =
      targets === undefined
        ? '`npx keyturn run --live` does this.'
        : 'The same command with --live asks these devices.';
    return { message: `Nothing was sent.${run.due === 0 ? '' : ` ${more}`}`, exitCode: EXIT.done };
  }
  return {
    message:
      kind === 'finished'
        ? 'The run is complete.'
        : `The last request is sent. What devices make of it is looked at by ${LOOKERS}.`,
    exitCode: EXIT.done,
  };
}
