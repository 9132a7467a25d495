import { describe, expect, it } from 'vitest';
import { settleClaims } from '../../src/app/settle-claims.ts';
import { parseRunId } from '../../src/domain/ids.ts';
import type { Rotation } from '../../src/domain/rotation.ts';
import { sampleRotation, sampleRun } from '../contracts/samples.ts';
import { createPlanning, entraId, managedId, START_MS } from './plan/planning.ts';

const RUN = parseRunId('run-2');
const CLAIM = { runId: RUN, order: 0, attempt: 0, token: 't', claimedAtMs: START_MS, sendByMs: START_MS + 120_000 };

/** What is kept of the claim of a rotation that was given up, while Graph's clock is half a minute behind the storage server's. */
async function pendingOf(changes: Partial<Rotation>) {
  const world = createPlanning();
  const deps = world.deps();
  const behind = { ...deps, tenant: { ...deps.tenant, clockAheadMs: () => -30_000 } };
  const record = { entraDeviceId: entraId(1), managedDeviceId: managedId(1), claim: CLAIM, lastRunId: RUN };
  await world.ledger.writeDevices([{ record, version: undefined }]);
  const { keyBeforeId: _before, acceptedByMs: _by, acceptedAfterMs: _after, ...rotation } = sampleRotation(0);
  await settleClaims(behind, sampleRun({ runId: RUN }), [
    { ...rotation, entraDeviceId: entraId(1), state: 'overdue', ...changes },
  ]);
  return (await world.ledger.readDevices([entraId(1)])).get(entraId(1))?.value.claim?.pending;
}

describe('the claim of a rotation that was given up', () => {
  it('keeps when an answer says the request was taken, by the clock of Graph', async () => {
    const answered = { acceptedAfterMs: START_MS + 3_000, acceptedByMs: START_MS + 4_000 };
    expect(await pendingOf(answered)).toMatchObject(answered);
  });

  it('allows for a clock of Graph that is behind when the answer was lost', async () => {
    expect(await pendingOf({ acceptedAfterMs: START_MS - 5_000 })).toMatchObject({
      acceptedAfterMs: START_MS - 35_000,
      acceptedByMs: CLAIM.sendByMs + 5_000,
    });
  });
});
