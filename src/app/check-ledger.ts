/** Counts what somebody should know of although no run says it: quarantined messages, and requests that nothing has answered. Layer: app. */
import type { Deps } from './deps.ts';

/** One log line, which alerts are built on. Reads every device record, as planning does. @throws {StorageError} */
export async function checkLedger(deps: Pick<Deps, 'ledger' | 'clock' | 'logger'>): Promise<void> {
  let quarantined = 0;
  for await (const _entry of deps.ledger.listQuarantine()) quarantined += 1;
  let unproven = 0;
  let oldestAtMs = Number.POSITIVE_INFINITY;
  for await (const page of deps.ledger.devicePages()) {
    for (const { claim } of page.map(({ value }) => value)) {
      if (claim === undefined) continue;
      unproven += 1;
      oldestAtMs = Math.min(oldestAtMs, claim.pending?.acceptedByMs ?? claim.claimedAtMs);
    }
  }
  deps.logger.info('ledger checked', {
    quarantined,
    unproven,
    ...(unproven === 0 ? {} : { oldestUnprovenMs: Math.max(0, deps.clock.nowMs() - oldestAtMs) }),
  });
}
