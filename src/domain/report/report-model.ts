/** Everything the report of a run says, as data: counted line by line from its evidence. Pure. Layer: domain. */
import type { EvidenceCells } from '../evidence/evidence-columns.ts';
import { countFigures, type EvidenceFigures } from '../evidence/evidence-figures.ts';
import type { RunDetails } from '../evidence/run-details.ts';
import { throttlingOf } from '../evidence/throttling-details.ts';
import { hasKeyAge, type KeyAges, keyAgeClass, noKeyAges } from '../key-ages.ts';
import type { Run, RunEvidence, RunState } from '../run.ts';
import { type AttentionRow, createAttentionList } from './attention-list.ts';
import { type DeviceOutcome, deviceOutcome } from './device-outcome.ts';
import { OUTCOME_WORDS, OUTCOMES_IN_ORDER } from './outcome-words.ts';
import { countRequests, type RequestRate } from './request-rate.ts';
import { distributeTimes, type TimeDistribution } from './time-classes.ts';

/** How many devices went how far. Each step counts devices, so that a later one may hold more: proof needs no confirmation. */
export interface Funnel {
  /** Due by the plan. */
  readonly due: number;
  /** Graph took the request, so far as is known. */
  readonly requested: number;
  readonly confirmed: number;
  readonly proven: number;
}

export interface OutcomeCount {
  readonly outcome: DeviceOutcome;
  readonly devices: number;
}

export interface ReportModel {
  /** As the evidence says it. */
  readonly run: RunDetails;
  readonly state: RunState;
  /** Absent while the run has none: everything else is as the ledger stands. */
  readonly evidence?: RunEvidence;
  readonly figures: EvidenceFigures;
  readonly funnel: Funnel;
  /** Those that occur, the most urgent first. They add up to the devices. */
  readonly outcomes: readonly OutcomeCount[];
  /** Devices whose key in escrow may no longer open them. */
  readonly inDanger: number;
  readonly needAttention: number;
  /** At most `MOST_ATTENTION_ROWS` of `needAttention`. */
  readonly attention: readonly AttentionRow[];
  /** When the run was planned, by the newest keys known before each device was asked. Like the log and `keyturn fleet`, without those that have no age of their own. */
  readonly agesBefore: KeyAges;
  /** When the evidence was written, by the keys known then. */
  readonly agesAfter: KeyAges;
  /** Absent when nothing was sent. */
  readonly rate?: RequestRate;
  /** From the answer to the request to the new key, both by Graph's clock. Absent when nothing was proven. */
  readonly timeToKey?: TimeDistribution;
}

/** What a report is about, besides its devices. */
export interface ReportFacts {
  readonly details: RunDetails;
  readonly run: Pick<Run, 'state' | 'due'>;
  readonly evidence?: RunEvidence;
}

export interface ReportCount {
  /** The next device, in the order of the run. */
  add(device: EvidenceCells): void;
  /** Once, at the end. */
  model(): ReportModel;
}

/** In memory that grows with what is shown, and 8 bytes per proof. */
export function countReport({ details, run, evidence }: ReportFacts): ReportCount {
  const figures = countFigures();
  const outcomes = new Map<DeviceOutcome, number>();
  const attention = createAttentionList();
  const requests = countRequests();
  const agesBefore = noKeyAges();
  const agesAfter = noKeyAges();
  const timesMs: number[] = [];
  const [plannedAtMs, writtenAtMs] = [Date.parse(details.createdAt), Date.parse(details.writtenAt)];

  return {
    add(device) {
      figures.add(device);
      const outcome = deviceOutcome(device);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      attention.add(outcome, device);
      const before = instantOf(device.keyBeforeAt);
      const after = instantOf(device.keyAfterAt) ?? instantOf(device.lateKeyAt);
      if (hasKeyAge(outcome)) {
        agesBefore[keyAgeClass(before, plannedAtMs)] += 1;
        agesAfter[keyAgeClass(after ?? before, writtenAtMs)] += 1;
      }
      const acceptedAtMs = instantOf(device.acceptedBy);
      const askedAtMs = acceptedAtMs ?? (device.httpStatus ? instantOf(device.claimedAt) : undefined);
      if (askedAtMs !== undefined) requests.add(askedAtMs);
      if (after !== undefined && acceptedAtMs !== undefined) timesMs.push(Math.max(0, after - acceptedAtMs));
    },
    model() {
      const counted = figures.figures();
      const { throttling } = details;
      const rate = requests.rate(details.settings.budgets, throttling && throttlingOf(throttling));
      const timeToKey = distributeTimes(Float64Array.from(timesMs));
      const present = OUTCOMES_IN_ORDER.filter((outcome) => outcomes.has(outcome));
      const devicesOf = (outcome: DeviceOutcome) => outcomes.get(outcome) ?? 0;
      return {
        run: details,
        state: run.state,
        ...(evidence === undefined ? {} : { evidence }),
        figures: counted,
        funnel: {
          due: run.due,
          requested: counted.accepted,
          confirmed: counted.confirmed,
          proven: counted.states.proven ?? 0,
        },
        outcomes: present.map((outcome) => ({ outcome, devices: devicesOf(outcome) })),
        inDanger: present
          .filter((outcome) => OUTCOME_WORDS[outcome].urgency === 'danger')
          .reduce((sum, outcome) => sum + devicesOf(outcome), 0),
        needAttention: attention.total(),
        attention: attention.rows(),
        agesBefore,
        agesAfter,
        ...(rate === undefined ? {} : { rate }),
        ...(timeToKey === undefined ? {} : { timeToKey }),
      };
    },
  };
}

function instantOf(cell: string | undefined): number | undefined {
  if (!cell) return undefined;
  const atMs = Date.parse(cell);
  return Number.isNaN(atMs) ? undefined : atMs;
}
