/** Keeps a poisoned message for people, with why it failed, and gives up what it was about. Layer: app. */
import { affectedWork } from './affected-work.ts';
import type { Deps } from './deps.ts';
import { NO_FAULT } from './note-fault.ts';
import { quarantineId } from './quarantine-id.ts';
import { readMessage } from './read-message.ts';

/**
 * A slice's rotations become `abandoned`: their devices stay claimed as pending, and a later plan looks at them first.
 * Nothing else is given up. The same message twice is kept once. `message`: its text, or the JSON value the host has made of it.
 * @throws {StorageError} to have it delivered again.
 */
export async function quarantineMessage(deps: Deps, queue: string, message: unknown): Promise<void> {
  const { ledger, logger } = deps;
  const { text, key, body } = readMessage(message);
  const id = quarantineId(queue, key);
  const before = await ledger.readQuarantine(id);
  const note = await ledger.readFault(id);
  const { reason, ...affected } = await affectedWork(deps, queue, body);
  // The note goes when the entry is written: a second delivery finds it there.
  const isSecond = note === undefined && before !== undefined;
  const reasons = isSecond ? before.reasons : [reason, note?.fault ?? NO_FAULT];
  const runId = affected.runId ?? (isSecond ? before.runId : note?.runId);
  const work = { ...affected, ...(runId === undefined ? {} : { runId }) };
  await ledger.quarantine({ id, queue, reasons, message: text, ...work, atMs: deps.clock.nowMs() });
  logger.error('message quarantined', {
    quarantineId: id,
    queue,
    reason: reasons.join('; '),
    ...(work.runId === undefined ? {} : { runId: work.runId }),
    ...(work.sliceId === undefined ? {} : { sliceId: work.sliceId }),
    devices: work.devices.length,
  });
}
