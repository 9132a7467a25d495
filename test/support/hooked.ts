/** Wraps a port so that a test can act before and after each of its operations: crash, delay, repeat, lose the answer. */
import type { BudgetStore } from '../../src/domain/budget-store.ts';
import type { Ledger } from '../../src/domain/ledger.ts';
import type { Tenant } from '../../src/domain/tenant.ts';
import type { MemoryLedger } from '../../src/storage/memory/memory-ledger.ts';
import type { MemoryQueues } from '../../src/storage/memory/memory-queues.ts';

/** One call of a port's method. */
export interface Operation {
  readonly port: string;
  readonly name: string;
  readonly args: readonly unknown[];
  /** How many operations of this wrapper came before. */
  readonly index: number;
}

/** What to do around an operation. A throw in `before`: it never happened; in `after`: it happened, and its answer was lost. */
export interface Hooks {
  readonly before?: (operation: Operation) => void | Promise<void>;
  readonly after?: (operation: Operation) => void | Promise<void>;
}

/** Methods that answer at once; they have no hooks. */
const IMMEDIATE: ReadonlySet<string> = new Set([
  'clockAheadMs',
  'serverNowMs' satisfies keyof Ledger & keyof BudgetStore,
  'rotationCount' satisfies keyof MemoryLedger,
  'sent' satisfies keyof MemoryQueues,
  'waiting' satisfies keyof MemoryQueues,
  'take' satisfies keyof MemoryQueues,
  'nextVisibleAtMs' satisfies keyof MemoryQueues,
]);

/** Methods that return an async iterable; all others return a promise. */
const ITERABLE: ReadonlySet<string> = new Set<keyof Ledger | keyof Tenant>([
  'listRuns',
  'listSlices',
  'rotationPages',
  'devicePages',
  'listQuarantine',
  'managedDevicePages',
  'recoveryKeyPages',
]);

/**
 * The same port with hooks. An iterable is one operation: `before` runs when its first item is asked for, `after` when it has no more.
 */
export function withHooks<P extends object>(port: string, target: P, hooks: Hooks): P {
  let count = 0;
  const begin = async (name: string, args: readonly unknown[]): Promise<Operation> => {
    const operation = { port, name, args, index: count };
    count += 1;
    await hooks.before?.(operation);
    return operation;
  };

  const wrapped: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(target)) {
    if (typeof member !== 'function' || IMMEDIATE.has(name)) {
      wrapped[name] = member;
    } else if (ITERABLE.has(name)) {
      wrapped[name] = async function* (...args: unknown[]) {
        const operation = await begin(name, args);
        yield* member(...args);
        await hooks.after?.(operation);
      };
    } else {
      wrapped[name] = async (...args: unknown[]) => {
        const operation = await begin(name, args);
        const result: unknown = await member(...args);
        await hooks.after?.(operation);
        return result;
      };
    }
  }
  return wrapped as P;
}
