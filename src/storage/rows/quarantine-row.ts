/** Columns of table `Quarantine`. Pure. Layer: storage adapter. */
import type { FaultNote, QuarantineEntry } from '../../domain/ledger.ts';
import { TABLES } from '../names.ts';
import { type Column, instant, json, text } from './columns.ts';
import { createRowCodec } from './row-codec.ts';

/** Texts of one line each, at least one, as one text of as many lines. */
function lines(name: string): Column<readonly string[]> {
  const inner = text(name);
  return {
    name,
    write: (cells, value) => inner.write(cells, value.join('\n')),
    read: (cells) => inner.read(cells)?.split('\n'),
  };
}

/** A message nobody could act on. */
export const quarantineCodec = createRowCodec<QuarantineEntry>(TABLES.quarantine, {
  required: {
    id: text('id'),
    queue: text('queue'),
    reasons: lines('reason'),
    message: text('message'),
    devices: json('devices'),
    atMs: instant('at'),
  },
  optional: { runId: text('runId'), sliceId: text('sliceId') },
});

/** Why the last delivery of a message failed. */
export const faultCodec = createRowCodec<FaultNote>(TABLES.quarantine, {
  required: { fault: text('fault') },
  optional: { runId: text('runId') },
});
