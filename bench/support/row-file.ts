/** Rows with versions in a file of equal slots: storage that takes no memory of the measured process. Layer: bench. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Versioned } from '../../src/domain/ledger.ts';

/** Chosen: a rotation with its encryption state takes about 1,400 bytes. */
const SLOT_BYTES = 4_096;
const LENGTH_BYTES = 4;

/** Values of one kind by number. Conditional writes as in a table. */
export interface RowFile<T> {
  read(index: number): Versioned<T> | undefined;
  /** False when the stored version is another. `version` undefined: there must be none yet. */
  write(index: number, value: T, version: string | undefined): boolean;
  close(): void;
}

/** An empty file of its own. `initial`: what a row nobody wrote holds, if anything; its version is `0`. */
export function createRowFile<T>(initial: (index: number) => T | undefined = () => undefined): RowFile<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-bench-'));
  const file = openSync(path.join(folder, 'rows'), 'w+');
  const slot = Buffer.alloc(SLOT_BYTES);
  let writes = 0;

  function read(index: number): Versioned<T> | undefined {
    const length = readSync(file, slot, 0, SLOT_BYTES, index * SLOT_BYTES) < LENGTH_BYTES ? 0 : slot.readUInt32LE(0);
    if (length > 0) return JSON.parse(slot.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + length)) as Versioned<T>;
    const value = initial(index);
    return value === undefined ? undefined : { value, version: '0' };
  }

  return {
    read,
    write(index, value, version) {
      if (read(index)?.version !== version) return false;
      writes += 1;
      const length = slot.write(JSON.stringify({ value, version: String(writes) }), LENGTH_BYTES, 'utf8');
      if (length >= SLOT_BYTES - LENGTH_BYTES) throw new RangeError(`row ${index} is longer than its slot`);
      slot.writeUInt32LE(length, 0);
      writeSync(file, slot, 0, LENGTH_BYTES + length, index * SLOT_BYTES);
      return true;
    },
    close() {
      closeSync(file);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
