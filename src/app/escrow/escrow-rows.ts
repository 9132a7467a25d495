/** Puts a stream of recovery keys into escrow: each at most once, with a journal to carry on from. Layer: app. */
import { assertNever } from '../../domain/assert-never.ts';
import type { EscrowOperation } from '../../domain/escrow.ts';
import type { EntraDeviceId, RecoveryKeyId } from '../../domain/ids.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { Tenant } from '../../domain/tenant.ts';
import { type EscrowCounts, noRows, type RowEnd } from './escrow-counts.ts';
import { type EscrowKeyDeps, escrowKey, type KeyOutcome, recordImported } from './escrow-key.ts';
import type { CellProblem, EscrowRow } from './escrow-row.ts';
import type { JournalEntry, OutcomeEntry } from './journal-entry.ts';
import type { JournalRow, JournalState } from './journal-state.ts';
import { type Looked, lookAtDoubts } from './look-at-doubts.ts';

/** A row as it was read. `line` from 1, the header included. `problems`: not to be sent. */
export type ReadRow =
  | { readonly line: number; readonly row: EscrowRow; readonly problems?: never }
  | { readonly line: number; readonly problems: readonly RowProblem[]; readonly row?: never };

/** Why a row is not sent. Without a column it concerns the whole row. */
export type RowProblem = CellProblem | { readonly column?: never; readonly rule: string };

/** The journal: what earlier runs left, and where this one writes. */
export interface EscrowJournal {
  readonly state: JournalState;
  /** Resolves once the entry would survive a power cut. */
  write(entry: JournalEntry): Promise<void>;
}

export interface EscrowRowsDeps extends EscrowKeyDeps {
  readonly tenant: Pick<Tenant, 'recoveryKeys' | 'clockAheadMs'>;
  readonly journal: EscrowJournal;
  /** Requests in flight, at least 1. The pace is the pacer's business. */
  readonly concurrency: number;
}

/** Something to show while it goes on. */
export interface EscrowWatcher {
  onRow(line: number, end: RowEnd, counts: EscrowCounts): void;
  onProblems(line: number, problems: readonly RowProblem[]): void;
  onAnswer(line: number, outcome: Exclude<KeyOutcome, { readonly kind: 'escrowed' }>): void;
}

/** Why the rest was left untouched. */
export type EarlyEnd =
  | { readonly kind: 'notSupported'; readonly line: number; readonly httpStatus: number }
  /** A 403 before anything was accepted: it would be the same for every row. */
  | { readonly kind: 'forbidden'; readonly line: number }
  /** The row is another one than the journal has under this line. */
  | { readonly kind: 'otherRow'; readonly line: number; readonly journal: JournalRow }
  | { readonly kind: 'stopped' };

export interface EscrowRowsEnd {
  readonly counts: EscrowCounts;
  /** Absent: every row was dealt with. */
  readonly early?: EarlyEnd;
}

/**
 * Sends every row that is not in escrow yet. The intent is in the journal before a request leaves, and the outcome after it; adds in doubt
 * are looked for first, updates are sent again, since a second one changes nothing. Rows go one at a time until one is accepted, so that a
 * tenant without the operation gets one request. A row whose device a run holds is not sent: no imported key may pass for the proof of a
 * rotation. What is in flight is waited for, however it ends.
 * @throws {GraphError} {@link StorageError} for faults that concern every row, and whatever reading the rows or writing the journal throws.
 */
export async function escrowRows(
  deps: EscrowRowsDeps,
  operation: EscrowOperation,
  rows: AsyncIterable<ReadRow>,
  watcher: EscrowWatcher,
  options: CallOptions,
): Promise<EscrowRowsEnd> {
  const { clock, journal } = deps;
  const counts = noRows();
  const inFlight = new Set<Promise<void>>();
  const found = new Set<number>();
  const unreadable = new Set<number>();
  let hasAccepted = false;
  let early: EarlyEnd | undefined;
  let fault: { readonly error: unknown } | undefined;

  const end = (line: number, how: RowEnd): void => {
    counts[how] += 1;
    watcher.onRow(line, how, counts);
  };

  async function send(line: number, row: EscrowRow): Promise<void> {
    const { entraDeviceId, volumeType, keyId } = row.key;
    const at = () => ({ line, entraDeviceId, volumeType, atMs: clock.nowMs() });
    let isIntended = false;
    const intend = async (): Promise<void> => {
      await journal.write({
        event: 'intent',
        ...at(),
        ...(row.userId === undefined ? {} : { userId: row.userId }),
        ...(keyId === undefined ? {} : { keyId }),
      });
      isIntended = true;
    };
    let outcome: KeyOutcome;
    try {
      outcome = await escrowKey(deps, operation, row, options, intend);
    } catch (error) {
      // Whatever is thrown there was certainly not performed.
      if (isIntended) await journal.write({ event: 'outcome', outcome: 'notSent', ...at() });
      end(line, 'notSent');
      throw error;
    }
    if (outcome.kind === 'escrowed') await remember(line, entraDeviceId, outcome.keyId ?? keyId);
    // What was never tried stays as it was: a row in doubt is looked for once more.
    if (isIntended) await journal.write({ event: 'outcome', ...at(), ...recorded(outcome) });
    settle(line, outcome);
  }

  /** Before the journal says that the key is in escrow: a row whose key could not be remembered stays in doubt. */
  async function remember(line: number, entraDeviceId: EntraDeviceId, keyId: RecoveryKeyId | undefined): Promise<void> {
    if (keyId === undefined) return;
    try {
      await recordImported(deps, entraDeviceId, keyId);
    } catch (error) {
      end(line, 'uncertain');
      throw error;
    }
  }

  function settle(line: number, outcome: KeyOutcome): void {
    end(line, outcome.kind);
    if (outcome.kind === 'escrowed') {
      hasAccepted = true;
      return;
    }
    watcher.onAnswer(line, outcome);
    // Where an operation was performed, a 400 is about the row, whatever it says.
    const isTold = outcome.kind === 'notSupported' && !(hasAccepted && outcome.httpStatus === 400);
    if (isTold) early ??= { kind: 'notSupported', line, httpStatus: outcome.httpStatus };
    if (outcome.kind === 'refused' && outcome.httpStatus === 403 && !hasAccepted) early ??= { kind: 'forbidden', line };
  }

  /** True when the row is to be sent. */
  function isToSend({ line, row }: ReadRow & { readonly row: EscrowRow }): boolean {
    const before = journal.state.at(line);
    if (before === undefined || before.standing === 'open') return true;
    if (before.entraDeviceId !== row.key.entraDeviceId || before.volumeType !== row.key.volumeType) {
      early ??= { kind: 'otherRow', line, journal: before };
      return false;
    }
    if (before.standing === 'escrowed') {
      end(line, found.has(line) ? 'found' : 'already');
      return false;
    }
    if (!unreadable.has(line)) return true;
    end(line, 'uncertain');
    return false;
  }

  async function room(): Promise<void> {
    while (inFlight.size >= (hasAccepted ? deps.concurrency : 1)) await Promise.race(inFlight);
  }

  const isOver = (): boolean => early !== undefined || fault !== undefined;

  try {
    if (operation === 'add') {
      for (const looked of await lookAtDoubts(deps, journal.state, options)) {
        if (looked.kind === 'unreadable') unreadable.add(looked.row.line);
        if (looked.kind !== 'found') continue;
        found.add(looked.row.line);
        const entry = seen(looked, clock.nowMs());
        await recordImported(deps, looked.row.entraDeviceId, looked.key.keyId);
        journal.state.note(entry);
        await journal.write(entry);
      }
    }
    for await (const read of rows) {
      if (isOver()) break;
      if (options.signal.aborted) {
        early ??= { kind: 'stopped' };
        break;
      }
      if (read.row === undefined) {
        watcher.onProblems(read.line, read.problems);
        end(read.line, 'invalid');
        continue;
      }
      if (!isToSend(read)) {
        if (isOver()) break;
        continue;
      }
      await room();
      if (isOver()) break;
      const work = send(read.line, read.row)
        .catch((error: unknown) => {
          fault ??= { error };
        })
        .finally(() => inFlight.delete(work));
      inFlight.add(work);
    }
  } finally {
    await Promise.all(inFlight);
  }
  if (fault !== undefined) throw fault.error;
  // Cut short between the last row and its answer.
  if (early === undefined && options.signal.aborted && counts.notSent > 0) early = { kind: 'stopped' };
  return { counts, ...(early === undefined ? {} : { early }) };
}

function seen({ row, key }: Looked & { readonly kind: 'found' }, atMs: number): OutcomeEntry {
  const { line, entraDeviceId, volumeType } = row;
  const { keyId, createdAtMs } = key;
  return {
    event: 'outcome',
    outcome: 'escrowed',
    line,
    entraDeviceId,
    volumeType,
    keyId,
    createdAtMs,
    atMs,
    seen: true,
  };
}

/** What the journal keeps of an outcome. */
function recorded(outcome: KeyOutcome) {
  switch (outcome.kind) {
    case 'notSent':
    case 'rotationPending':
      return { outcome: 'notSent' } as const;
    case 'escrowed':
    case 'refused':
    case 'notSupported':
    case 'uncertain': {
      const { kind, ...details } = outcome;
      return { outcome: kind, ...details };
    }
    default:
      return assertNever(outcome, 'escrow outcome');
  }
}
