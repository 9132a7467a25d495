/** Reads a planned run as a plan to show. Layer: cli. */
import { reportRun } from '../../app/report-run.ts';
import type { Run } from '../../domain/run.ts';
import { leastSendingMs } from '../../domain/run-outlook.ts';
import { sendingBudget } from '../../domain/run-throttling.ts';
import type { Services } from '../../services.ts';
import type { PlanResult } from '../render/plan-lines.ts';

/** Shown by name. Chosen: enough to recognise one's fleet. */
const FIRST_DEVICES = 10;

/** @throws {StorageError} */
export async function readPlan({ storage, settings, clock }: Services, run: Run): Promise<PlanResult> {
  const { ledger } = storage;
  const rows = await ledger.readRotations(run.runId, 0, Math.min(FIRST_DEVICES, run.due));
  return {
    report: await reportRun(ledger, run),
    first: rows.map((row) => row.value),
    leastMs: leastSendingMs(run.due, sendingBudget(settings.budgets)),
    nowMs: clock.nowMs(),
  };
}
