/** Keeps a poisoned message for people, and gives up what it was about. Layer: app. */
import { createHash } from 'node:crypto';
import type { EntraDeviceId } from '../domain/ids.ts';
import { parseSliceMessage, type SliceMessage } from '../domain/messages.ts';
import { abandonSlice } from './abandon-slice.ts';
import type { Deps } from './deps.ts';
import { finishUnowned } from './finish-run.ts';

/** Azure Tables holds 32,768 UTF-16 characters in a property. Source: Understanding the Table service data model (read 2026-11-22). */
const MESSAGE_CHARACTERS = 32_000;

/**
 * A slice's rotations become `abandoned`: their devices stay claimed as pending, and a later plan looks at them first.
 * A run's continuation is only kept: the next tick carries the run on. The same message twice is kept once. @throws {StorageError}
 */
export async function quarantineMessage(deps: Deps, queue: string, message: unknown): Promise<void> {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const slice = queue === 'encryption-states' ? ownSlice(deps, message) : undefined;
  const devices = slice === undefined ? [] : await giveUp(deps, slice);
  const reason =
    slice === undefined
      ? `a message of the queue ${queue} failed at every delivery`
      : `looking at slice ${slice.sliceId} failed at every delivery; the rotations it was to settle are abandoned`;
  await deps.ledger.quarantine({
    id: quarantineId(queue, text),
    queue,
    reason,
    message: text.slice(0, MESSAGE_CHARACTERS),
    ...(slice === undefined ? {} : { runId: slice.runId, sliceId: slice.sliceId }),
    devices,
    atMs: deps.clock.nowMs(),
  });
  deps.logger.error('message quarantined', { queue, reason, devices: devices.length });
}

/** A look that another delivery has done meanwhile gives nothing up. */
async function giveUp(deps: Deps, { runId, sliceId, look }: SliceMessage): Promise<readonly EntraDeviceId[]> {
  const slice = await deps.ledger.readSlice(runId, sliceId);
  if (slice?.value.look !== look) return [];
  const devices = await abandonSlice(deps, runId, sliceId);
  const run = await deps.ledger.readRun(runId);
  if (run?.value.state === 'settling') await finishUnowned(deps, runId);
  return devices;
}

function ownSlice(deps: Deps, message: unknown): SliceMessage | undefined {
  try {
    const parsed = parseSliceMessage(message);
    return parsed.tenantId === deps.settings.tenantId ? parsed : undefined;
  } catch {
    // Not one of ours, which is why it is here: it is kept as it came.
    return undefined;
  }
}

/** The same message gets the same id, so that a second delivery overwrites the first. */
function quarantineId(queue: string, text: string): string {
  return `${queue}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
