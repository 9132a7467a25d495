/** Columns of table `Budgets`. Pure. Layer: storage adapter. */
import type { BudgetState } from '../../domain/budget-state.ts';
import { TABLES } from '../names.ts';
import { type Cells, json } from './columns.ts';
import { createRowCodec, type RowCodec } from './row-codec.ts';

const codec = createRowCodec<{ readonly state: BudgetState }>(
  TABLES.budgets,
  { required: { state: json('state') }, optional: {} },
  ({ state }): Cells => ({
    pace: state.pace,
    pausedUntil: new Date(Math.round(state.pausedUntilMs)),
    slotsHeld: state.holds.reduce((sum, hold) => sum + hold.count, 0),
  }),
);

/** The whole state is one JSON text, since slots free up at fractions of a ms; `pace`, `pausedUntil` and `slotsHeld` are for people. */
export const budgetCodec: RowCodec<BudgetState> = {
  encode: (state) => codec.encode({ state }),
  decode: (row) => codec.decode(row).state,
};
