/** Every proof that the files tell of, asked of the tenant again as `keyturn verify --graph` does. */
import { expect } from 'vitest';
import { checkProofs, type ProofCheck } from '../../src/app/evidence/check-proofs.ts';
import { evidenceName } from '../../src/app/evidence/evidence-head.ts';
import { verifyEvidence } from '../../src/app/evidence/verify-evidence.ts';
import type { Line } from './agreement-csv.ts';
import type { Life } from './agreement-life.ts';
import type { Story } from './agreement-truth.ts';
import { contentOf } from './expect-evidence.ts';

/** Above the first device stand the heading and the line of the run. */
const FIRST_DEVICE = 3;

/** Fails unless the tenant stands by every proof of the latest evidence, but those of devices that others deleted: of them it may say nothing. */
export async function expectProofsStand(life: Life, stories: readonly Story[]): Promise<void> {
  for (const { run, sheet } of stories) {
    const name = evidenceName(run.runId, run.evidence?.version ?? 0);
    const said = await askAgain(life, name);
    life.outputs.push(JSON.stringify(said));
    const proven = sheet.devices.filter(isProven).length;
    const unchecked = said.unchecked.map(({ line, because }) => ({ ...sheet.devices[line - FIRST_DEVICE], because }));
    expect({
      name,
      ...said,
      unchecked: unchecked.filter((one) => !life.meddledWith.has(one.managedDeviceId ?? '')),
    }).toEqual({
      name,
      proven,
      agreed: proven - unchecked.length,
      disagreements: [],
      unchecked: [],
      actions: expect.anything(),
    });
  }
}

async function askAgain({ world, process }: Life, name: string): Promise<ProofCheck> {
  const { sha256 } = await verifyEvidence(() => contentOf(world.reportFiles, name));
  const options = {
    priority: 'bulk',
    deadlineAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  } as const;
  const file = { content: contentOf(world.reportFiles, name), sha256 };
  return checkProofs(process.deps.tenant, file, options, () => undefined);
}

function isProven({ state, lateState }: Line): boolean {
  return state === 'proven' || lateState === 'proven';
}
