/** What is in quarantine, for people and scripts. Reads only. Layer: app. */
import pLimit from 'p-limit';
import type { RunId } from '../domain/ids.ts';
import type { QuarantineEntry } from '../domain/ledger.ts';
import { whyItStays } from './decide-requeue.ts';
import type { Deps } from './deps.ts';
import { readMessage } from './read-message.ts';

export interface QuarantineReport extends Omit<QuarantineEntry, 'atMs'> {
  /** When it was kept. ISO 8601. */
  readonly at: string;
  /** Why it cannot be put back; absent when it can. */
  readonly stays?: string;
  /** What puts it back; or, when nothing can, what dismisses it. */
  readonly command: string;
}

/** Decided together. Chosen: a thousand entries in a second or two. */
const AT_ONCE = 16;

/** Newest first; with `id`, those of that run, and requests with that id. @throws {StorageError} */
export async function reportQuarantine(deps: Deps, id?: RunId): Promise<readonly QuarantineReport[]> {
  const entries: QuarantineEntry[] = [];
  for await (const entry of deps.ledger.listQuarantine())
    if (id === undefined || isAbout(entry, id)) entries.push(entry);
  entries.sort((a, b) => b.atMs - a.atMs);
  const limit = pLimit(AT_ONCE);
  return Promise.all(entries.map((entry) => limit(() => reportEntry(deps, entry))));
}

/** One entry, and what to do about it. @throws {StorageError} */
export async function reportEntry(deps: Deps, entry: QuarantineEntry): Promise<QuarantineReport> {
  const stays = await whyItStays(deps, entry);
  const { atMs, ...kept } = entry;
  return {
    ...kept,
    at: new Date(atMs).toISOString(),
    ...(stays === undefined ? {} : { stays }),
    command: `npx keyturn requeue ${stays === undefined ? '' : '--dismiss '}${entry.id}`,
  };
}

function isAbout(entry: QuarantineEntry, id: RunId): boolean {
  if (entry.runId === id) return true;
  if (entry.queue !== 'rotation-requests') return false;
  const { body } = readMessage(entry.message);
  const requestId = typeof body === 'object' && body !== null && 'requestId' in body ? body.requestId : undefined;
  return typeof requestId === 'string' && requestId.toLowerCase() === id.toLowerCase();
}
