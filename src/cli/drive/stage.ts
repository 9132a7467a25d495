/** The stage of a run as people follow it. Pure. Layer: cli. */
import type { Run } from '../../domain/run.ts';

export type Stage = 'planning' | 'canary' | 'rotating' | 'settling' | 'finished';

/** `canary` is the part of `rotating` before the fleet follows. */
export function stageOf(run: Pick<Run, 'state' | 'canaryPassed'>): Stage {
  switch (run.state) {
    case 'planning':
    case 'settling':
      return run.state;
    case 'rotating':
      return run.canaryPassed ? 'rotating' : 'canary';
    case 'completed':
    case 'aborted':
      return 'finished';
  }
}

/** Nothing changes it any more. */
export function isEnded(run: Pick<Run, 'state'>): boolean {
  return run.state === 'completed' || run.state === 'aborted';
}
