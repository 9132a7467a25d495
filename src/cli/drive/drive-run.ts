/** Carries one run on from this process: the part that queues and functions play in Azure. Layer: cli. */
import { advanceRun } from '../../app/advance-run.ts';
import type { Bounds, Deps } from '../../app/deps.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Run } from '../../domain/run.ts';
import { createLooks } from './looks.ts';
import { isEnded } from './stage.ts';

/**
 * - `finished`: completed or aborted. `sent`: the last request is sent, looks are left. `stopped`: the signal came.
 * - `paused`: the run is live and this process may not send. `gaveUp`: a fault that passes did not.
 */
export type DriveEnd =
  | { readonly kind: 'finished' | 'sent' | 'stopped' | 'paused' }
  | { readonly kind: 'gaveUp'; readonly because: string };

/** What the drive waits for. */
export interface Waiting {
  readonly because: string;
  readonly untilMs: number;
}

export interface DriveOptions {
  readonly runId: RunId;
  /** `sent`: until the last request is sent. `settled`: until the run has ended. */
  readonly until: 'sent' | 'settled';
  readonly signal: AbortSignal;
  /** `undefined`: it works again. */
  readonly onWaiting: (waiting: Waiting | undefined) => void;
}

/**
 * Hand-backs for a fault, one after the other, before it gives up. Chosen: with five minutes between them, about ten minutes of outage;
 * while planning, when nothing is sent yet, whoever called wants to know at once.
 */
const FAULTS_IN_A_ROW = 3;
/** Shorter delays are ordinary waits for quota, or the end of a time budget. Chosen: three windows of the documented budgets. */
const FAULT_DELAY_MS = 60_000;
/** While another process owns the run, look again at least this often. */
const BUSY_POLL_MS = 5_000;
/** A margin past the lease, for the coarseness of clocks. */
const PAST_LEASE_MS = 500;
const CANARY_WAIT = 'waiting for the canaries';

/**
 * Works until the run needs nobody any more, looking at slices as their looks fall due, since no function may be there to do it.
 * A stop by signal finishes what is in hand and saves the checkpoint first.
 * @throws {GraphError} when only people can help. @throws {StorageError} @throws {Error} for an unknown run.
 */
export async function driveRun(deps: Deps, options: DriveOptions): Promise<DriveEnd> {
  const { runId, signal, onWaiting } = options;
  const looks = createLooks(deps, runId);
  let faults = 0;

  const bounds = (): Bounds => ({ deadlineAtMs: deps.clock.nowMs() + deps.settings.timeBudgetMs, signal });

  /** Sleeps until then or until the signal. */
  async function wait(waiting: Waiting, wakeAtMs: number): Promise<void> {
    onWaiting(waiting);
    try {
      await deps.clock.sleep(wakeAtMs - deps.clock.nowMs(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    onWaiting(undefined);
  }

  /** Looks at what is due by then; returns as soon as something was looked at. */
  async function waitAndLook(because: string, untilMs: number): Promise<void> {
    while (!signal.aborted) {
      if (await looks.lookAtDue(bounds)) return;
      if (deps.clock.nowMs() >= untilMs) return;
      const nextMs = await looks.nextDueAtMs();
      await wait({ because, untilMs }, Math.min(untilMs, nextMs ?? untilMs));
    }
  }

  for (;;) {
    const run = await readRun(deps, runId);
    if (isEnded(run)) return { kind: 'finished' };
    if (signal.aborted) return { kind: 'stopped' };
    if (run.state === 'settling') {
      if (options.until === 'settled' && (await looks.areAllThatIsLeft())) {
        await waitAndLook('waiting for the next look', (await looks.nextDueAtMs()) ?? deps.clock.nowMs());
        continue;
      }
    }
    const heldMs = (run.leaseUntilMs ?? 0) - deps.ledger.serverNowMs();
    if (run.leaseOwner !== undefined && heldMs > 0) {
      const nowMs = deps.clock.nowMs();
      const because = 'another process may still be working on this run';
      await wait({ because, untilMs: nowMs + heldMs }, nowMs + Math.min(BUSY_POLL_MS, heldMs + PAST_LEASE_MS));
      continue;
    }
    const outcome = await advanceRun(deps, { tenantId: run.tenantId, runId, checkpoint: run.checkpoint }, bounds());
    switch (outcome.kind) {
      case 'finished':
        return { kind: 'finished' };
      case 'settling':
        if (options.until === 'sent') return { kind: 'sent' };
        break;
      case 'paused':
        return { kind: 'paused' };
      case 'unknownRun':
        throw new Error(`run ${runId} vanished from the ledger`);
      case 'handedBack': {
        const { because, delayMs } = outcome;
        const untilMs = deps.clock.nowMs() + delayMs;
        if (because === CANARY_WAIT) {
          await waitAndLook(because, untilMs);
          break;
        }
        const isFault = because !== undefined && delayMs >= FAULT_DELAY_MS;
        faults = isFault ? faults + 1 : 0;
        if (isFault && (run.state === 'planning' || faults >= FAULTS_IN_A_ROW)) return { kind: 'gaveUp', because };
        if (!signal.aborted) await wait({ because: because ?? 'saving the checkpoint', untilMs }, untilMs);
        break;
      }
      case 'busy':
      case 'older':
      case 'lost':
        // Someone else moved it on in this moment: read it again.
        break;
    }
  }
}

async function readRun(deps: Deps, runId: RunId): Promise<Run> {
  const found = await deps.ledger.readRun(runId);
  if (found === undefined) throw new Error(`run ${runId} is not in the ledger`);
  return found.value;
}
