/** Which column of a CSV holds what. Pure. Layer: app. */
import type { EscrowOperation } from '../../domain/escrow.ts';
import { ESCROW_COLUMNS, type EscrowColumn, REQUIRED_COLUMNS } from './escrow-row.ts';

/** Where each column is, from 0, and what was left aside: the names of other columns, as far as they may be shown. */
export interface EscrowHeader {
  readonly columns: Readonly<Partial<Record<EscrowColumn, number>>>;
  readonly width: number;
  readonly ignored: readonly string[];
}

export type ParsedEscrowHeader =
  | { readonly header: EscrowHeader; readonly problems?: never }
  | { readonly problems: readonly string[]; readonly header?: never };

/** In a file without a header, the first line is a row: what does not look like a name is not shown. */
const NAME = /^[A-Za-z][A-Za-z _.-]{0,60}[0-9]?$/;

/** Finds the columns by name, in any letter case and order. `problems` names all that is missing or there twice. */
export function parseEscrowHeader(operation: EscrowOperation, names: readonly string[]): ParsedEscrowHeader {
  const columns: Partial<Record<EscrowColumn, number>> = {};
  const ignored: string[] = [];
  const problems: string[] = [];
  for (const [i, name] of names.entries()) {
    const column = ESCROW_COLUMNS.find((one) => one.toLowerCase() === name.trim().toLowerCase());
    if (column === undefined) ignored.push(NAME.test(name.trim()) ? name.trim() : `column ${i + 1}`);
    else if (columns[column] === undefined) columns[column] = i;
    else problems.push(`the column ${column} is there twice`);
  }
  const missing = REQUIRED_COLUMNS[operation].filter((column) => columns[column] === undefined);
  if (missing.length > 0) problems.push(`the header must name ${missing.join(', ')}`);
  return problems.length > 0 ? { problems } : { header: { columns, width: names.length, ignored } };
}
