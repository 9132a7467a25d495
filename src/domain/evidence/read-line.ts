/** One line of an evidence file as it was found: what it says, and whether it is still what it was hashed as. Pure. Layer: domain. */
import { readCells } from './cell.ts';
import { LINE_END, type Sha256 } from './evidence-chain.ts';
import { EVIDENCE_COLUMNS, EVIDENCE_HEADING, type EvidenceCells } from './evidence-columns.ts';

/** What the chain is checked by. */
export interface LineFact {
  /** Where it stands, from 1. */
  readonly at: number;
  /** Where it says it stood; absent when it says nothing that could be one. */
  readonly number?: number;
  readonly record: string;
  /** Its content is what its hash was made of. */
  readonly isIntact: boolean;
  /** As it stands in the line; of the heading, computed. */
  readonly hash: string;
  readonly previous: string;
  /** False for a last line without an end. */
  readonly isEnded: boolean;
}

export interface ReadLine {
  readonly fact: LineFact;
  readonly cells: EvidenceCells;
}

const COMMA = 0x2c;
const [CR, LF] = [LINE_END.charCodeAt(0), LINE_END.charCodeAt(1)];
const WHOLE = /^[1-9]\d{0,14}$/;
const HASH = /^[0-9a-f]{64}$/;

/** `bytes`: the line with its end, if it has one. A byte order mark is part of the line, and belongs in none. */
export function readEvidenceLine(bytes: Uint8Array, at: number, sha256: Sha256): ReadLine {
  const isEnded = bytes.at(-1) === LF;
  const isEndedWell = isEnded && bytes.at(-2) === CR;
  const body = bytes.subarray(0, bytes.length - Number(isEnded) - Number(isEndedWell));
  const text = textOf(body);
  if (at === 1) return readHeading(body, text, isEnded, isEndedWell, sha256);
  const comma = body.lastIndexOf(COMMA);
  const values = readCells(text ?? new TextDecoder().decode(body));
  const cells: EvidenceCells = Object.fromEntries(EVIDENCE_COLUMNS.map((name, i) => [name, values[i] ?? '']));
  const hash = cells.hash ?? '';
  const isIntact =
    isEndedWell &&
    text !== undefined &&
    values.length === EVIDENCE_COLUMNS.length &&
    HASH.test(hash) &&
    text.endsWith(`,${hash}`) &&
    WHOLE.test(cells.line ?? '') &&
    sha256(body.subarray(0, Math.max(0, comma))) === hash;
  return {
    cells,
    fact: {
      at,
      ...(WHOLE.test(cells.line ?? '') ? { number: Number(cells.line) } : {}),
      record: cells.record ?? '',
      isIntact,
      hash: kept(hash),
      previous: kept(cells.previous ?? ''),
      isEnded,
    },
  };
}

/** The text on its own: a part of a line would keep the whole of it in memory for as long as the fact lives. */
function kept(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

function readHeading(
  body: Uint8Array,
  text: string | undefined,
  isEnded: boolean,
  isEndedWell: boolean,
  sha256: Sha256,
): ReadLine {
  const isIntact = isEndedWell && text === EVIDENCE_HEADING;
  return {
    cells: {},
    fact: { at: 1, number: 1, record: 'heading', isIntact, hash: sha256(body), previous: '', isEnded },
  };
}

/** `undefined` when the bytes are not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
