/** How much of a quarantined message's story one row holds; shared by the memory ledger. Layer: storage adapter. */
import type { FaultNote, QuarantineEntry } from '../domain/ledger.ts';

/**
 * Characters of all reasons together. Chosen: with a message of 64 KiB and the devices it stays well below the 1 MiB of a row, which is
 * 524,288 characters. Source: Understanding the Table service data model, "Property limitations" (read 2026-11-22).
 */
const REASON_CHARACTERS = 250_000;
/** Chosen: one line that says what is wrong. */
const FAULT_CHARACTERS = 1_000;

const LINE_ENDS = /\s*[\r\n\u2028\u2029]+\s*/g;

/** At most `length` characters, never half of a surrogate pair. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const short = text.slice(0, length - 1);
  return `${/[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short}…`;
}

/** The entry with one line to a reason; what is too much for a row is counted. */
export function fitted(entry: QuarantineEntry): QuarantineEntry {
  const lines = entry.reasons.map((reason) => reason.replace(LINE_ENDS, ' '));
  const reasons: string[] = [];
  let left = REASON_CHARACTERS;
  for (const line of lines) {
    if (reasons.length > 0 && line.length >= left) break;
    reasons.push(cut(line, left));
    left -= line.length + 1;
  }
  const more = lines.length - reasons.length;
  return { ...entry, reasons: more === 0 ? reasons : [...reasons, `and ${more} more`] };
}

/** The note with its fault as one line, cut short. */
export function fittedNote(note: FaultNote): FaultNote {
  return { ...note, fault: cut(note.fault.replace(LINE_ENDS, ' '), FAULT_CHARACTERS) };
}
