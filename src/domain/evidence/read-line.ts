/** One line of an evidence file as it was found: what it says, and whether it is still what it was hashed as. Pure. Layer: domain. */
import { readCells } from './cell.ts';
import type { Sha256 } from './evidence-chain.ts';
import {
  EVIDENCE_COLUMNS,
  EVIDENCE_HEADING,
  EVIDENCE_RECORDS,
  type EvidenceCells,
  type EvidenceRecord,
} from './evidence-columns.ts';

/**
 * What is wrong with a line by itself. Its content: `content` is not what its hash was made of; `cells` are not as many as there are columns,
 * or its number or hash is none; `encoding`: bytes that are no UTF-8; `heading`: other columns than those of this format.
 * Around an intact content: `byteOrderMark` in front; `lineEndLf`, `lineEndCr`: one of the two characters alone; `lineEndMissing`: neither.
 */
export type LineFlaw =
  | 'content'
  | 'cells'
  | 'encoding'
  | 'heading'
  | 'byteOrderMark'
  | 'lineEndLf'
  | 'lineEndCr'
  | 'lineEndMissing';

/** What kind of line it is; `other`: none that an evidence file has. */
export type LineRecord = EvidenceRecord | 'heading' | 'other';

/** What the chain is checked by. A file has as many of these as lines: each has the same few properties, and shares what it can. */
export interface LineFact {
  /** Where it stands, from 1. */
  readonly at: number;
  /** Where it says it stood; `undefined` when it says nothing that could be one. */
  readonly number: number | undefined;
  readonly record: LineRecord;
  /** Its content is what its hash was made of, whatever stands around it. */
  readonly isIntact: boolean;
  /** None for a line that is as it was written. */
  readonly flaws: readonly LineFlaw[];
  /** As it stands in the line; of the heading, computed. Empty where other cells than ours leave it open which one it is. */
  readonly hash: string;
  readonly previous: string;
}

export interface ReadLine {
  readonly fact: LineFact;
  readonly cells: EvidenceCells;
}

const COMMA = 0x2c;
const [CR, LF] = [0x0d, 0x0a];
const BYTE_ORDER_MARK = '\ufeff';
const WHOLE = /^[1-9]\d{0,14}$/;
const HASH = /^[0-9a-f]{64}$/;
const NO_FLAWS: readonly LineFlaw[] = [];
const ONLY: Readonly<Record<LineFlaw, readonly LineFlaw[]>> = {
  content: ['content'],
  cells: ['cells'],
  encoding: ['encoding'],
  heading: ['heading'],
  byteOrderMark: ['byteOrderMark'],
  lineEndLf: ['lineEndLf'],
  lineEndCr: ['lineEndCr'],
  lineEndMissing: ['lineEndMissing'],
};

/** What stands in no line but the last: nothing about a device, and then the details, as cells are written. Other programs part cells otherwise. */
const END_DETAILS = /([,;\t])\1{3}"\{""lines"":/;

/** None of these remembers anything from one call to the next. */
const [STRICT, LENIENT] = [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }), new TextDecoder()];
const ENCODER = new TextEncoder();

const NO_CELLS: EvidenceCells = Object.fromEntries(EVIDENCE_COLUMNS.map((name) => [name, '']));

/** True for what can be a digest of a file. */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && HASH.test(text);
}

/** `bytes`: the line with its end, if it has one. */
export function readEvidenceLine(bytes: Uint8Array, at: number, sha256: Sha256): ReadLine {
  const { body, endFlaws } = withoutEnd(bytes);
  const text = textOf(body);
  if (at === 1) return readHeading(body, text, endFlaws, sha256);
  const readable = text ?? LENIENT.decode(body);
  const values = readCells(readable);
  const cells = cellsOf(values);
  const flaw = flawOf(body, text, values, cells, sha256);
  const isShifted = values.length !== EVIDENCE_COLUMNS.length;
  return {
    cells,
    fact: {
      at,
      number: WHOLE.test(cells.line ?? '') ? Number(cells.line) : undefined,
      record: recordOf(cells, readable, flaw),
      isIntact: flaw === undefined,
      flaws: flaw === undefined ? endFlaws : ONLY[flaw],
      hash: isShifted ? '' : hashOf(cells.hash),
      previous: isShifted ? '' : hashOf(cells.previous),
    },
  };
}

/** A copy that is then filled in: an object that grows cell by cell takes fifteen times the memory. */
function cellsOf(values: readonly string[]): EvidenceCells {
  const cells: { -readonly [Name in keyof EvidenceCells]: EvidenceCells[Name] } = { ...NO_CELLS };
  for (const [i, name] of EVIDENCE_COLUMNS.entries()) cells[name] = values[i] ?? '';
  return cells;
}

function flawOf(
  body: Uint8Array,
  text: string | undefined,
  values: readonly string[],
  { line = '', hash = '' }: EvidenceCells,
  sha256: Sha256,
): LineFlaw | undefined {
  if (text === undefined) return 'encoding';
  const isLine = values.length === EVIDENCE_COLUMNS.length && WHOLE.test(line) && HASH.test(hash);
  if (!isLine || !text.endsWith(`,${hash}`)) return 'cells';
  return sha256(body.subarray(0, Math.max(0, body.lastIndexOf(COMMA)))) === hash ? undefined : 'content';
}

/** A damaged last line is told by what only a last line says, whatever became of its cells. */
function recordOf({ record }: EvidenceCells, text: string, flaw: LineFlaw | undefined): LineRecord {
  const known = EVIDENCE_RECORDS.find((name) => name === record);
  return known ?? (flaw !== undefined && END_DETAILS.test(text) ? 'end' : 'other');
}

function withoutEnd(bytes: Uint8Array): { readonly body: Uint8Array; readonly endFlaws: readonly LineFlaw[] } {
  const hasLf = bytes.at(-1) === LF;
  const hasCr = bytes.at(hasLf ? -2 : -1) === CR;
  const body = bytes.subarray(0, bytes.length - Number(hasLf) - Number(hasCr));
  if (hasLf) return { body, endFlaws: hasCr ? NO_FLAWS : ONLY.lineEndLf };
  return { body, endFlaws: hasCr ? ONLY.lineEndCr : ONLY.lineEndMissing };
}

/** Empty for what is no hash. A copy: a part of a line would keep the whole of it in memory for as long as the fact lives. */
function hashOf(text = ''): string {
  return HASH.test(text) ? LENIENT.decode(ENCODER.encode(text)) : '';
}

function readHeading(
  body: Uint8Array,
  text: string | undefined,
  endFlaws: readonly LineFlaw[],
  sha256: Sha256,
): ReadLine {
  const hasMark = text?.startsWith(BYTE_ORDER_MARK) === true;
  const heading = hasMark ? text.slice(BYTE_ORDER_MARK.length) : (text ?? '');
  const isIntact = heading === EVIDENCE_HEADING;
  const hash = isIntact ? sha256(EVIDENCE_HEADING) : sha256(body);
  const flaws: LineFlaw[] = hasMark ? ['byteOrderMark'] : [];
  if (isIntact) flaws.push(...endFlaws);
  else flaws.push(heading.startsWith(`${EVIDENCE_HEADING}\r`) ? 'lineEndCr' : 'heading');
  return { cells: {}, fact: { at: 1, number: 1, record: 'heading', isIntact, flaws, hash, previous: '' } };
}

/** `undefined` when the bytes are not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes);
  } catch {
    return undefined;
  }
}
