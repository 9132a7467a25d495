/** A process whose storage fails on purpose: ledger, queues, planning files, reports and budget rows. */
import { StorageError } from '../../../src/domain/storage-error.ts';
import { createLife, type Life } from '../../support/mortal.ts';

/** What its errors say. */
export const UNREACHABLE = 'Azure Storage at keyturn.example cannot be reached: check the network';

/** A process whose storage fails when `fails` says so: before an operation, or after it, when its answer is lost. */
export function withStorage(fails: (operation: string, count: number) => boolean): Life {
  const life = createLife();
  let count = 0;
  return Object.assign(Object.create(life) as Life, {
    step(operation: string) {
      // Not an operation: the distance between two clocks is known already.
      if (operation.startsWith('http') || operation.includes('serverNowMs')) return;
      count += 1;
      if (fails(operation, count)) throw new StorageError('unreachable', UNREACHABLE);
    },
  });
}
