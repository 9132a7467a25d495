/** One process that drives runs until they are settled, on the storage and tenant its environment names; made to be killed. */
import { randomUUID } from 'node:crypto';
import { startFleetRun, startTargetedRun } from '../../../src/app/start-run.ts';
import { driveRun } from '../../../src/cli/drive/drive-run.ts';
import { readEnvironment } from '../../../src/config.ts';
import { type ManagedDeviceId, parseRunId, type RunId } from '../../../src/domain/ids.ts';
import { createServices } from '../../../src/services.ts';
import { createLogger } from '../../../src/system/logger.ts';

const environment = readEnvironment();
const services = createServices({
  environment,
  requestTimeoutMs: 2_000,
  timing: { leaseMs: Number(environment.TEST_LEASE_MS), sendWithinMs: 3_000, inFlightMs: 3_000, outageRetryMs: 500 },
});
await services.ready();
const logger = createLogger({
  level: 'info',
  write: (_level, line) => {
    process.stdout.write(`${line}\n`);
  },
});
const { deps } = services.invocation(logger);
const targets = environment.TEST_DEVICES?.split(',').map((id) => ({ managedDeviceId: id as ManagedDeviceId }));
const { run } =
  targets === undefined
    ? await startFleetRun(deps, { trigger: 'commandLine', mode: 'live' })
    : await startTargetedRun(deps, { runId: parseRunId(randomUUID()), trigger: 'commandLine', mode: 'live', targets });
const drive = (runId: RunId) =>
  driveRun(deps, { runId, until: 'settled', signal: new AbortController().signal, onWaiting: () => undefined });
const end = await drive(run.runId);
// A process killed while its run settled left it to the next tick; there is no timer here.
if (targets === undefined) {
  for await (const { runId, state } of deps.ledger.listRuns({ unfinished: true }))
    if (state === 'settling') await drive(runId);
}
process.stdout.write(`${JSON.stringify({ end: end.kind, runId: run.runId })}\n`);
process.exit(end.kind === 'finished' ? 0 : 1);
