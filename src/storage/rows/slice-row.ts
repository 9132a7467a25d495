/** Columns of the rows of table `Runs` that a run has besides its own: slices, outcomes, and the pointer to the current run. Pure. Layer: storage adapter. */
import type { CurrentRun, Outcomes } from '../../domain/ledger.ts';
import { RUN_TRIGGERS, type Slice } from '../../domain/run.ts';
import { TABLES } from '../names.ts';
import { exactNumber, flag, instant, int, json, oneOf, text } from './columns.ts';
import { createRowCodec } from './row-codec.ts';

/** Up to 100 rotations that settle together. */
export const sliceCodec = createRowCodec<Slice>(TABLES.runs, {
  required: {
    sliceId: text('sliceId'),
    state: oneOf('state', ['again', 'open', 'closed']),
    orders: json('orders'),
    canary: flag('canary'),
    look: int('look'),
    dueAtMs: instant('dueAt'),
    counts: json('counts'),
    skipped: json('skipped'),
  },
  optional: {},
});

/** Windows over the last outcomes of a run, and whether the tenant takes encryption states. */
export const outcomesCodec = createRowCodec<Outcomes>(TABLES.runs, {
  required: { answers: text('answers'), results: text('results'), tripped: flag('tripped') },
  optional: { statesRefused: int('statesRefused') },
});

/** The scheduled run that plans or rotates now, or did last. */
export const currentRunCodec = createRowCodec<CurrentRun>(TABLES.runs, {
  required: {
    runId: text('runId'),
    mode: oneOf('mode', ['live', 'dryRun']),
    trigger: oneOf('trigger', RUN_TRIGGERS),
    createdAtMs: instant('createdAt'),
    seed: exactNumber('seed'),
  },
  optional: {},
});
