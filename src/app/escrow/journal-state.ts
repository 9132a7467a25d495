/** What a journal says of each row, in 42 bytes a row: half a million rows are 21 MB. Layer: app. */
import { ESCROW_VOLUMES, type EscrowVolume } from '../../domain/escrow.ts';
import type { EntraDeviceId, RecoveryKeyId } from '../../domain/ids.ts';
import { GUID_BYTES, readGuid, writeGuid } from '../plan/guid-bytes.ts';
import type { JournalEntry } from './journal-entry.ts';

/** `inDoubt`: an intent without an outcome, or an uncertain one. `open`: certainly not performed. */
export type RowStanding = 'inDoubt' | 'escrowed' | 'open';

/** A row that was tried before. */
export interface JournalRow {
  readonly line: number;
  readonly standing: RowStanding;
  readonly entraDeviceId: EntraDeviceId;
  readonly volumeType: EscrowVolume;
  /** Of the last intent. */
  readonly intentAtMs: number;
  /** The tenant's, once escrowed; before that the CSV's, if it gave one. */
  readonly keyId?: RecoveryKeyId;
}

export interface JournalState {
  note(entry: JournalEntry): void;
  /** `undefined` for a row that was never tried. */
  at(line: number): JournalRow | undefined;
  /** Ascending. */
  rows(standing: RowStanding): IterableIterator<JournalRow>;
}

const STANDINGS: readonly RowStanding[] = ['inDoubt', 'escrowed', 'open'];

/** Where each part of a row is. */
const VOLUME = 1;
const INTENT = 2;
const DEVICE = INTENT + 8;
const KEY = DEVICE + GUID_BYTES;
const ROW_BYTES = KEY + GUID_BYTES;

function standingOf(entry: JournalEntry): RowStanding {
  if (entry.event === 'intent' || entry.outcome === 'uncertain') return 'inDoubt';
  return entry.outcome === 'escrowed' ? 'escrowed' : 'open';
}

/** Empty: nothing was tried yet. */
export function createJournalState(): JournalState {
  let bytes = new Uint8Array(1_024 * ROW_BYTES);
  let view = new DataView(bytes.buffer);
  let rows = 0;

  function makeRoom(line: number): void {
    rows = Math.max(rows, line + 1);
    if (rows * ROW_BYTES <= bytes.length) return;
    const larger = new Uint8Array(Math.max(rows * ROW_BYTES, bytes.length * 2));
    larger.set(bytes);
    bytes = larger;
    view = new DataView(bytes.buffer);
  }

  function at(line: number): JournalRow | undefined {
    const from = line * ROW_BYTES;
    // 0 is a row that is not there; standings count from 1.
    const standing = line < rows ? STANDINGS[(bytes[from] ?? 0) - 1] : undefined;
    const volumeType = ESCROW_VOLUMES[bytes[from + VOLUME] ?? 0];
    if (standing === undefined || volumeType === undefined) return undefined;
    const keyId = readGuid(bytes, from + KEY) as RecoveryKeyId | undefined;
    return {
      line,
      standing,
      entraDeviceId: readGuid(bytes, from + DEVICE) as EntraDeviceId,
      volumeType,
      intentAtMs: view.getFloat64(from + INTENT),
      ...(keyId === undefined ? {} : { keyId }),
    };
  }

  return {
    at,
    note(entry) {
      makeRoom(entry.line);
      const from = entry.line * ROW_BYTES;
      bytes[from] = STANDINGS.indexOf(standingOf(entry)) + 1;
      bytes[from + VOLUME] = ESCROW_VOLUMES.indexOf(entry.volumeType);
      writeGuid(bytes, from + DEVICE, entry.entraDeviceId);
      if (entry.event === 'intent') view.setFloat64(from + INTENT, entry.atMs);
      // An outcome without an id says nothing about the one the CSV gave.
      if (entry.event === 'intent' || entry.keyId !== undefined) writeGuid(bytes, from + KEY, entry.keyId);
    },
    *rows(standing) {
      const code = STANDINGS.indexOf(standing) + 1;
      for (let line = 0; line < rows; line += 1) {
        const row = bytes[line * ROW_BYTES] === code ? at(line) : undefined;
        if (row !== undefined) yield row;
      }
    },
  };
}
