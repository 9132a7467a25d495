/** Reads a planned run as a plan to show. Layer: cli. */
import { reportRun } from '../../app/report-run.ts';
import type { Budget } from '../../domain/request-class.ts';
import type { Run } from '../../domain/run.ts';
import type { Services } from '../../services.ts';
import type { PlanResult } from '../render/plan-lines.ts';

/** Shown by name. Chosen: enough to recognise one's fleet. */
const FIRST_DEVICES = 10;

/** The least that `count` requests take. Source: design, "Pacing": `⌊(N − 1) / limit⌋ × window`. */
export function leastSendingMs(count: number, { limit, windowMs }: Budget): number {
  return count === 0 ? 0 : Math.floor((count - 1) / limit) * windowMs;
}

/** @throws {StorageError} */
export async function readPlan({ storage, settings, clock }: Services, run: Run): Promise<PlanResult> {
  const { ledger } = storage;
  const rows = await ledger.readRotations(run.runId, 0, Math.min(FIRST_DEVICES, run.due));
  return {
    report: await reportRun(ledger, run),
    first: rows.map((row) => row.value),
    leastMs: leastSendingMs(run.due, settings.budgets.write),
    nowMs: clock.nowMs(),
  };
}
