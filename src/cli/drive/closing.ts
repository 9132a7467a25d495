/** The last word on a run that was carried on, and the exit code. Pure. Layer: cli. */
import type { Run } from '../../domain/run.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { ABORT_WORDS } from '../render/words.ts';
import type { DriveEnd } from './drive-run.ts';

export interface Closing {
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** How the work went; what devices answered is its result, not its failure. */
export function closingOf(end: DriveEnd, run: Run): Closing {
  const isForOthers = run.targets !== undefined || run.state === 'settling';
  const again = `The run keeps its place: ${isForOthers ? 'the function app, `keyturn host` or `keyturn run --wait`' : run.mode === 'live' ? '`keyturn run --live`' : '`keyturn run`'} carries it on.`;
  switch (end.kind) {
    case 'stopped':
      return { message: `Stopped. ${again}`, exitCode: EXIT.failed };
    case 'gaveUp':
      return { message: `${end.because}\n${again}`, exitCode: EXIT.failed };
    case 'paused':
      return {
        message:
          'This run is live, but ROTATION_MODE is not: nothing is sent. Use `keyturn run --live`, or set ROTATION_MODE to live.',
        exitCode: EXIT.usage,
      };
    case 'finished':
    case 'sent':
      return doneClosing(end.kind, run);
  }
}

function doneClosing(kind: 'finished' | 'sent', run: Run): Closing {
  if (run.abortReason !== undefined) {
    const rest = kind === 'sent' ? ' What was asked for is still looked at by the function app or `keyturn host`.' : '';
    return { message: `The run was aborted: ${ABORT_WORDS[run.abortReason]}.${rest}`, exitCode: EXIT.failed };
  }
  const { targets, unresolved = [] } = run;
  if (targets !== undefined && run.devices === 0 && unresolved.length > 0) {
    return { message: 'None of the devices was found in the tenant; nothing was done.', exitCode: EXIT.usage };
  }
  if (run.mode === 'dryRun') {
    const more = run.due === 0 ? '' : ' With --live, `keyturn run` would do this.';
    return { message: `Nothing was sent.${more}`, exitCode: EXIT.done };
  }
  return {
    message:
      kind === 'finished'
        ? 'The run is complete.'
        : 'The last request is sent. The function app, or `keyturn host`, looks at what devices make of it; with --wait, `keyturn run` does so itself.',
    exitCode: EXIT.done,
  };
}
