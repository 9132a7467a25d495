/** A simulated tenant, the real escrow adapter, a ledger, and a journal in memory that keeps real lines. The process can die at any write. */
import { DEFAULT_TIMING } from '../../../src/app/deps.ts';
import { type EscrowCounts, noRows } from '../../../src/app/escrow/escrow-counts.ts';
import { type EscrowRowsEnd, escrowRows, type ReadRow, type RowProblem } from '../../../src/app/escrow/escrow-rows.ts';
import { decodeEntry, encodeEntry } from '../../../src/app/escrow/journal-entry.ts';
import { createJournalState } from '../../../src/app/escrow/journal-state.ts';
import type { EscrowKey, EscrowOperation } from '../../../src/domain/escrow.ts';
import { parseEntraDeviceId } from '../../../src/domain/ids.ts';
import { parseRecoveryPassword } from '../../../src/domain/recovery-password.ts';
import { createEscrow } from '../../../src/graph/escrow.ts';
import { createTenant } from '../../../src/graph/tenant.ts';
import {
  createSimulatedTenant,
  type SimulatedTenant,
  type SimulatedTenantOptions,
} from '../../../src/simulator/simulated-tenant.ts';
import { createVirtualClock, type VirtualClock } from '../../../src/simulator/virtual-clock.ts';
import { createMemoryLedger, type MemoryLedger } from '../../../src/storage/memory/memory-ledger.ts';
import { createFakeLogger, createFakePacer, createFakeRandom, START_MS } from '../../graph/fakes.ts';
import { type Hooks, withHooks } from '../../support/hooked.ts';

/** A well-formed recovery password of its own for every number. */
export function digitsOf(n: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((n * 7_919 + i * 104_729 + 40_000) % 65_536) * 11);
  return groups.map((group) => String(group).padStart(6, '0')).join('-');
}

/** What a test says of a row; the rest is filled in. */
export interface RowSpec extends Partial<Pick<EscrowKey, 'volumeType' | 'keyId'>> {
  /** Index of the device; an index that is no device makes an unknown one. */
  readonly device: number;
  /** Which password. Default: the row's place. */
  readonly password?: number;
}

export interface RunOptions {
  /** The journal fails from this write on, counted from 1 in this run, and the process ends. */
  readonly dieAtWrite?: number;
  /** The ledger fails from this operation on, counted from 1, and with it the journal: the process ends. */
  readonly dieAtLedger?: number;
  /** Around each operation on the ledger. */
  readonly hooks?: Hooks;
  readonly concurrency?: number;
  readonly operation?: EscrowOperation;
  /** Called with the number of rows read so far. */
  readonly onRead?: (rows: number) => void;
}

export function createEscrowWorld(options: Omit<SimulatedTenantOptions, 'clock'>) {
  const clock = createVirtualClock(START_MS);
  return createEscrowIn({
    clock,
    sim: createSimulatedTenant({ ...options, clock }),
    ledger: createMemoryLedger({ clock }),
  });
}

/** The command line beside whatever else goes on in that tenant. */
export function createEscrowIn({
  clock,
  sim,
  ledger,
}: {
  readonly clock: VirtualClock;
  readonly sim: SimulatedTenant;
  readonly ledger: MemoryLedger;
}) {
  const lines: string[] = [];
  const told: { readonly line: number; readonly what: string }[] = [];
  const stop = new AbortController();
  const budget = { limit: 200, windowMs: 20_000 };
  const logger = createFakeLogger();

  function deps() {
    return {
      settings: {
        graphRoot: 'https://graph.microsoft.com',
        budgets: { write: budget, any: budget, key: budget, stateWrite: budget, stateAny: budget },
      },
      createCredential: () => sim.credential(),
      pacer: createFakePacer(clock),
      clock,
      random: createFakeRandom(),
      logger,
      version: '1.2.3',
      httpClient: sim.httpClient(),
    };
  }

  const deviceOf = (device: number) => {
    const id = sim.truth.size > device ? sim.truth.device(device)?.entraDeviceId : undefined;
    const entraDeviceId = parseEntraDeviceId(id ?? '99999999-0000-4000-8000-000000000099');
    if (entraDeviceId === undefined) throw new Error(`device ${device} has no Entra device id`);
    return entraDeviceId;
  };

  /** Rows from line 2 on; `undefined` is an invalid one. */
  async function* rowsOf(specs: readonly (RowSpec | undefined)[], onRead?: (rows: number) => void) {
    for (const [i, spec] of specs.entries()) {
      onRead?.(i + 1);
      const line = i + 2;
      if (spec === undefined) {
        const read: ReadRow = { line, problems: [{ column: 'volumeType', rule: 'must be right' }] };
        yield read;
        continue;
      }
      const { password } = parseRecoveryPassword(digitsOf(spec.password ?? i));
      if (password === undefined) throw new Error('well-formed');
      const { device, volumeType = 'fixedDataVolume', keyId } = spec;
      const key: EscrowKey = {
        entraDeviceId: deviceOf(device),
        volumeType,
        password,
        ...(keyId === undefined ? {} : { keyId }),
      };
      const read: ReadRow = { line, row: { userId: 'ada@contoso.com', key } };
      yield read;
    }
  }

  /** One process: what the journal holds is read, and written on. Rejects as the process would end. */
  async function start(specs: readonly (RowSpec | undefined)[], more: RunOptions = {}): Promise<EscrowRowsEnd> {
    const state = createJournalState();
    for (const line of lines) {
      const entry = decodeEntry(line);
      if (entry === undefined) throw new Error(`not an entry: ${line}`);
      state.note(entry);
    }
    let writes = 0;
    let isDead = false;
    const dieIf = (isNow: boolean): void => {
      isDead ||= isNow;
      if (isDead) throw new Error('killed');
    };
    return escrowRows(
      {
        escrow: createEscrow(deps()),
        tenant: createTenant(deps()),
        ledger: withHooks('ledger', ledger, {
          async before(operation) {
            dieIf(operation.index + 1 >= (more.dieAtLedger ?? Number.POSITIVE_INFINITY));
            await more.hooks?.before?.(operation);
          },
          after: (operation) => more.hooks?.after?.(operation),
        }),
        timing: DEFAULT_TIMING,
        journal: {
          state,
          async write(entry) {
            writes += 1;
            dieIf(writes >= (more.dieAtWrite ?? Number.POSITIVE_INFINITY));
            lines.push(encodeEntry(entry));
          },
        },
        clock,
        concurrency: more.concurrency ?? 8,
      },
      more.operation ?? 'add',
      rowsOf(specs, more.onRead),
      {
        onRow: () => undefined,
        onProblems: (line, problems: readonly RowProblem[]) => {
          for (const { rule } of problems) told.push({ line, what: rule });
        },
        onAnswer: (line, outcome) => told.push({ line, what: outcome.kind }),
      },
      { priority: 'bulk', deadlineAtMs: Number.POSITIVE_INFINITY, signal: stop.signal },
    );
  }

  /** What the ledger has of the device. */
  async function recordOf(device: number) {
    const id = deviceOf(device);
    return (await ledger.readDevices([id])).get(id)?.value;
  }

  return {
    clock,
    sim,
    lines,
    told,
    stop,
    logger,
    start,
    run: (specs: readonly (RowSpec | undefined)[], more?: RunOptions) => clock.run(() => start(specs, more)),
    ledger,
    recordOf,
    deviceOf,
    /** How often the tenant received the password. */
    received: (password: number) =>
      sim.truth.escrowed.filter(({ keyId }) => sim.receivedPassword(keyId) === digitsOf(password)).length,
  };
}

/** All counts zero but these. */
export function counts(some: Partial<EscrowCounts>): EscrowCounts {
  return { ...noRows(), ...some };
}
