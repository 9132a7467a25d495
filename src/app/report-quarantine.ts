/** What is in quarantine, for people and scripts. Reads only. Layer: app. */
import type { RunId } from '../domain/ids.ts';
import type { Ledger, QuarantineEntry } from '../domain/ports.ts';

export interface QuarantineReport extends Omit<QuarantineEntry, 'atMs'> {
  /** When it was kept. */
  readonly at: string;
  /** What puts it back. */
  readonly command: string;
}

/** Newest first; with `runId`, of that run only. @throws {StorageError} */
export async function reportQuarantine(
  ledger: Pick<Ledger, 'listQuarantine'>,
  runId?: RunId,
): Promise<readonly QuarantineReport[]> {
  const entries: QuarantineEntry[] = [];
  for await (const entry of ledger.listQuarantine())
    if (runId === undefined || entry.runId === runId) entries.push(entry);
  return entries
    .sort((a, b) => b.atMs - a.atMs)
    .map(({ atMs, ...entry }) => ({
      ...entry,
      at: new Date(atMs).toISOString(),
      command: `npx keyturn requeue ${entry.id}`,
    }));
}
