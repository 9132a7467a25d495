/** What a benchmark is: cases measured one per process, and what must hold of their figures. Layer: bench. */

/** One line of a benchmark's table. */
export type Row = Readonly<Record<string, string | number>>;

/** One thing to measure, in a process of its own. */
export interface BenchCase {
  readonly name: string;
  /** Node options of the measured process. */
  readonly execArgv?: readonly string[];
  measure(): Promise<Row>;
}

/** What a figure must not exceed, or must reach. */
export interface Goal {
  readonly what: string;
  readonly measured: number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Bench {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  readonly cases: readonly BenchCase[];
  /** `rows` in the order of the cases. */
  goals(rows: readonly Row[]): readonly Goal[];
}

/** @throws {TypeError} when the row has no such number. */
export function figure(row: Row | undefined, name: string): number {
  const value = row?.[name];
  if (typeof value !== 'number') throw new TypeError(`no figure ${name}`);
  return value;
}

/** The worst of one figure over the rows. */
export function mostOf(rows: readonly Row[], name: string): number {
  return Math.max(...rows.map((row) => figure(row, name)));
}

/** True when the figure keeps to its goal. */
export function isMet({
  measured,
  atMost = Number.POSITIVE_INFINITY,
  atLeast = Number.NEGATIVE_INFINITY,
}: Goal): boolean {
  return measured <= atMost && measured >= atLeast;
}
