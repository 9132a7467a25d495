/** The last runs, and messages nobody could act on. Layer: app. */

import type { Ledger } from '../../domain/ledger.ts';
import { moment, number, plural } from '../../domain/plain-figures.ts';
import type { StorageFindings } from '../../domain/probes.ts';
import { hasEnded, type Run } from '../../domain/run.ts';
import type { Settings } from '../../domain/settings.ts';
import { StorageError } from '../../domain/storage-error.ts';
import { type Check, type CheckName, fail, ok, warn, withAdvice } from './check.ts';
import { list, roughly } from './words.ts';

/** Chosen: a scheduled run is seldom further back than this many on demand. */
const RUNS_LOOKED_AT = 100;
/** Chosen: entries may hold 64 KiB each; more than this many is a matter for `keyturn status`. */
const QUARANTINE_LOOKED_AT = 200;
/** Chosen: one tick may be missed by a restart or a deployment, two in a row are not. */
const PERIODS = 2;

interface LastRuns {
  readonly newest?: Run;
  readonly scheduled?: Run;
}

/** How the newest run stands, and whether the schedule is being kept. */
export async function checkLastRun(
  ledger: Pick<Ledger, 'listRuns'>,
  { mode }: Pick<Settings, 'mode'>,
  schedule: { readonly nextAtMs: number; readonly longestGapMs: number },
  nowMs: number,
): Promise<Check> {
  const name = 'lastRun';
  return orFault(name, async () => {
    const { newest, scheduled } = await lastRuns(ledger);
    if (newest === undefined)
      return ok(name, `no run yet; the schedule comes round at ${moment(schedule.nextAtMs)} UTC`);
    const message = `the last run was ${inWords(newest, nowMs)}`;
    const look = `\`npx keyturn status ${newest.runId}\` shows how it stands`;
    if (newest.state === 'aborted') {
      return warn(name, `${message}${newest.abortReason === undefined ? '' : ` (${newest.abortReason})`}`, look);
    }
    const bare = await runWithoutEvidence(ledger);
    if (bare !== undefined) {
      return warn(
        name,
        `${message}; run ${bare.runId} has no evidence, since other blobs in the container reports have the names for it`,
        'move the blobs that the log names (`no evidence is written`); the next tick has it written',
      );
    }
    if (scheduled === undefined) return ok(name, `${message}; none by the schedule among the latest`);
    const about = scheduled === newest ? message : `${message}; the last by the schedule ${inWords(scheduled, nowMs)}`;
    if (scheduled.state === 'aborted') {
      return warn(name, about, `\`npx keyturn status ${scheduled.runId}\` shows why`);
    }
    const isLate = nowMs - scheduled.createdAtMs > PERIODS * schedule.longestGapMs;
    if (isLate && mode !== 'off') {
      return warn(
        name,
        `${about}, though the schedule comes round every ${roughly(schedule.longestGapMs)} at the longest`,
        `check that the function app is running and reaches storage; ${look}`,
      );
    }
    return ok(name, about);
  });
}

async function runWithoutEvidence(ledger: Pick<Ledger, 'listRuns'>): Promise<Run | undefined> {
  for await (const run of ledger.listRuns({ unfinished: false, evidenceDue: true })) {
    if (hasEnded(run) && run.evidence === undefined) return run;
  }
  return undefined;
}

async function lastRuns(ledger: Pick<Ledger, 'listRuns'>): Promise<LastRuns> {
  let newest: Run | undefined;
  let looked = 0;
  for await (const run of ledger.listRuns({ unfinished: false })) {
    newest ??= run;
    if (run.trigger === 'schedule') return { newest, scheduled: run };
    looked += 1;
    if (looked >= RUNS_LOOKED_AT) break;
  }
  return newest === undefined ? {} : { newest };
}

function inWords({ runId, mode, state, createdAtMs }: Run, nowMs: number): string {
  return `${runId}: ${mode === 'live' ? 'live' : 'a dry run'}, ${state}, begun ${roughly(nowMs - createdAtMs)} ago`;
}

/** Messages in the poison queues that no function took yet. */
export function checkPoison(depths: StorageFindings['depths']): Check {
  const waiting = Object.entries(depths).filter(([name, n]) => name.endsWith('-poison') && n > 0);
  if (waiting.length === 0) return ok('poison', 'no message was given up on');
  const total = waiting.reduce((sum, [, n]) => sum + n, 0);
  return warn(
    'poison',
    `${plural(total, 'message')} in ${list(waiting.map(([name, n]) => `${name} (${number(n)})`))} that nothing has taken into quarantine yet`,
    'check that the function app (or `npx keyturn host`) is running; its quarantine functions take them',
  );
}

/** Messages that are kept for people. */
export async function checkQuarantine(ledger: Pick<Ledger, 'listQuarantine'>): Promise<Check> {
  const name = 'quarantine';
  return orFault(name, async () => {
    let entries = 0;
    for await (const _entry of ledger.listQuarantine()) {
      entries += 1;
      if (entries >= QUARANTINE_LOOKED_AT) break;
    }
    if (entries === 0) return ok(name, 'quarantine is empty');
    const atLeast = entries >= QUARANTINE_LOOKED_AT ? 'at least ' : '';
    return warn(
      name,
      `${atLeast}${plural(entries, 'message')} in quarantine`,
      '`npx keyturn status` shows why, `npx keyturn requeue --all` puts back what can be',
    );
  });
}

async function orFault(name: CheckName, look: () => Promise<Check>): Promise<Check> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const { message, action } = withAdvice(error.message, 'see the checks of storage above');
    return fail(name, message, action);
  }
}
