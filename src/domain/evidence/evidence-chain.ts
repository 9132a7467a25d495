/** Lines of an evidence file, each with the hash of itself and of the line before. Pure. Layer: domain. */
import { writeCell } from './cell.ts';
import { EVIDENCE_COLUMNS, EVIDENCE_HEADING, type EvidenceCells, type EvidenceRecord } from './evidence-columns.ts';

/** SHA-256 of the bytes, or of the text in UTF-8, as lower-case hexadecimal. */
export type Sha256 = (data: Uint8Array | string) => string;

/** Source: RFC 4180, section 2 (read 2026-11-22). */
export const LINE_END = '\r\n';

/** Columns that the chain fills in. */
type OwnColumn = 'line' | 'record' | 'previous' | 'hash';

export interface EvidenceChain {
  /** The first line, with its end. */
  readonly heading: string;
  /** The next line, with its end. */
  add(record: EvidenceRecord, cells: Omit<EvidenceCells, OwnColumn>): string;
  /** So far, the heading among them. */
  lines(): number;
  /** The hash of the last line; of the heading, before there is another. */
  digest(): string;
}

const OWN: ReadonlySet<string> = new Set(['line', 'record', 'previous', 'hash'] satisfies OwnColumn[]);
const GIVEN = EVIDENCE_COLUMNS.filter((name): name is Exclude<typeof name, OwnColumn> => !OWN.has(name));

/**
 * A new file. A line is hashed as it is written, from its first byte to the last before the comma that `hash` follows; `previous`, the cell
 * before, is the hash of the line above. The heading is hashed whole, without its line end.
 */
export function createEvidenceChain(sha256: Sha256): EvidenceChain {
  let lines = 1;
  let digest = sha256(EVIDENCE_HEADING);

  return {
    heading: `${EVIDENCE_HEADING}${LINE_END}`,
    add(record, cells) {
      lines += 1;
      const given = GIVEN.map((name) => writeCell(cells[name] ?? '')).join(',');
      const text = `${lines},${record},${given},${digest}`;
      digest = sha256(text);
      return `${text},${digest}${LINE_END}`;
    },
    lines: () => lines,
    digest: () => digest,
  };
}
