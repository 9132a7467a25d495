/** The figures of an evidence file: each is a number of device lines, so that whoever has the lines can count again. Pure. Layer: domain. */
import type { EvidenceCells } from './evidence-columns.ts';

/** Numbers by name; what would be 0 is absent. */
export type Tally = Readonly<Record<string, number>>;

/** Each figure counts the device lines named in its comment. */
export interface EvidenceFigures {
  /** All. */
  readonly devices: number;
  /** By `state`. */
  readonly states: Tally;
  /** By `reason`, those with `decision` `skipped`. */
  readonly skipped: Tally;
  /** With `canary`. */
  readonly canaries: number;
  /** With `acceptedBy`: Graph took the request, so far as is known. */
  readonly accepted: number;
  /** With `confirmedAt`: Intune's action result said done. */
  readonly confirmed: number;
  /** With `unconfirmed`: proven, though the action never said done. */
  readonly unconfirmed: number;
  /** With `uncertain`: whether Graph took the request was never told. */
  readonly uncertain: number;
  /** By `httpStatus`, those with `state` `refused`. */
  readonly refused: Tally;
  /** By `errorCode`, or `failure` when there is none, those with `state` `failed`. */
  readonly failed: Tally;
  /** By `lateState`. */
  readonly late: Tally;
}

/** Figures that are counted line by line. */
export interface FigureCount {
  add(device: EvidenceCells): void;
  figures(): EvidenceFigures;
}

/** All at nothing. */
export function countFigures(): FigureCount {
  const totals = { devices: 0, canaries: 0, accepted: 0, confirmed: 0, unconfirmed: 0, uncertain: 0 };
  const tallies = {
    states: new Map<string, number>(),
    skipped: new Map<string, number>(),
    refused: new Map<string, number>(),
    failed: new Map<string, number>(),
    late: new Map<string, number>(),
  };
  const tally = (counts: Map<string, number>, name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const has = (cell: string | undefined) => Number((cell ?? '') !== '');

  return {
    add(device) {
      totals.devices += 1;
      totals.canaries += has(device.canary);
      totals.accepted += has(device.acceptedBy);
      totals.confirmed += has(device.confirmedAt);
      totals.unconfirmed += has(device.unconfirmed);
      totals.uncertain += has(device.uncertain);
      const state = device.state ?? '';
      tally(tallies.states, state);
      if (device.decision === 'skipped') tally(tallies.skipped, device.reason ?? '');
      if (state === 'refused') tally(tallies.refused, device.httpStatus || 'unknown');
      if (state === 'failed') tally(tallies.failed, device.errorCode || device.failure || 'unknown');
      if (has(device.lateState) > 0) tally(tallies.late, device.lateState ?? '');
    },
    figures: () => ({
      ...totals,
      states: sorted(tallies.states),
      skipped: sorted(tallies.skipped),
      refused: sorted(tallies.refused),
      failed: sorted(tallies.failed),
      late: sorted(tallies.late),
    }),
  };
}

function sorted(counts: ReadonlyMap<string, number>): Tally {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One figure that is not what it is said to be. `name`: `devices`, `states.proven`. */
export interface FigureDifference {
  readonly name: string;
  /** Absent: the file states no such figure. */
  readonly stated?: number;
  readonly counted: number;
}

/** Every figure that was stated other than it was counted; `stated` comes from a file, and may be anything. */
export function compareFigures(stated: unknown, counted: EvidenceFigures): readonly FigureDifference[] {
  const claims = flatten(stated);
  const truths = flatten(counted);
  const names = [...new Set([...truths.keys(), ...claims.keys()])].sort();
  return names.flatMap((name) => {
    const claim = claims.get(name);
    const truth = truths.get(name) ?? 0;
    if (claim === truth) return [];
    return [{ name, ...(claim === undefined ? {} : { stated: claim }), counted: truth }];
  });
}

/** Numbers by their path; what is no number is not a figure, and counts as one that is not a number. */
function flatten(figures: unknown): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [name, value] of entries(figures)) {
    if (typeof value !== 'object' || value === null) found.set(name, numeric(value));
    else for (const [part, count] of entries(value)) found.set(`${name}.${part}`, numeric(count));
  }
  return found;
}

function entries(value: unknown): readonly [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function numeric(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}
