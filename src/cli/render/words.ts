/** What the states of runs and devices mean. Data. Layer: cli. */
import type { RotationState } from '../../domain/rotation.ts';
import type { AbortReason, Run } from '../../domain/run.ts';

/** In the order of a report: what is settled well, what is open, what needs somebody. */
export const STATES_IN_ORDER = [
  'proven',
  'confirmed',
  'requested',
  'uncertain',
  'claimed',
  'planned',
  'overdue',
  'failed',
  'refused',
  'abandoned',
  'notDue',
  'skipped',
] as const satisfies readonly RotationState[];

export const STATE_MEANING: Readonly<Record<RotationState, string>> = {
  planned: 'due, not asked yet',
  claimed: 'about to be asked',
  requested: 'Graph accepted the request; the device has not answered yet',
  uncertain: 'the answer to the request was lost; looked at before anything is repeated',
  confirmed: 'Intune says done; no newer key in escrow yet',
  proven: 'a newer recovery key is in escrow',
  notDue: 'its newest key is young enough',
  skipped: 'not asked; the reasons are below',
  refused: 'Graph refused the request (4xx); nothing was rotated',
  failed: 'the device or Intune said no, or the device is gone',
  overdue: 'asked, no proof by the last look; it may still obey and is not asked again meanwhile',
  abandoned: 'asked, then given up with the run; it may still obey',
};

/** What a state means in such a run: a dry run asks nobody. */
export function meaningOf(state: RotationState, mode: Run['mode']): string {
  return state === 'planned' && mode === 'dryRun' ? 'due; a live run would ask it' : STATE_MEANING[state];
}

/** Who carries on a run that nobody holds: `run` looks for the fleet's, and for what only settles. */
export function carriersOf({ state, mode, targets }: Pick<Run, 'state' | 'mode' | 'targets'>): string {
  if (state === 'settling') return 'the function app, `npx keyturn host` or `npx keyturn run --wait`';
  if (mode === 'dryRun')
    return `${targets === undefined ? '`npx keyturn run`, ' : ''}the function app or \`npx keyturn host\``;
  const app = 'a function app or `npx keyturn host` with ROTATION_MODE live';
  return targets === undefined ? `\`npx keyturn run --live\`, or ${app}` : app;
}

export const ABORT_WORDS: Readonly<Record<AbortReason, string>> = {
  canaryFailed: 'too few canaries were proven (ROTATION_CANARY_MIN_PROVEN)',
  circuitBreaker: 'too many refusals or failures (ROTATION_ABORT_FAILURE_RATE)',
};

export const RUN_STATE_WORDS: Readonly<Record<Run['state'], string>> = {
  planning: 'reading devices and keys, deciding who is due',
  rotating: 'sending requests',
  settling: 'everything sent; looking at what devices make of it',
  completed: 'finished',
  aborted: 'stopped early; what was asked for is settled',
};
