/** Columns of table `Quarantine`. Pure. Layer: storage adapter. */
import type { QuarantineEntry } from '../../domain/ports.ts';
import { TABLES } from '../names.ts';
import { instant, json, text } from './columns.ts';
import { createRowCodec } from './row-codec.ts';

/** A message nobody could act on. */
export const quarantineCodec = createRowCodec<QuarantineEntry>(TABLES.quarantine, {
  required: {
    id: text('id'),
    queue: text('queue'),
    reason: text('reason'),
    message: text('message'),
    devices: json('devices'),
    atMs: instant('at'),
  },
  optional: { runId: text('runId'), sliceId: text('sliceId') },
});
