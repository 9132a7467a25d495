/** Creates in Graph what looks recorded, at most once per recorded state. It never changes what becomes of a rotation or a run. Layer: app. */
import type { EncryptionState, RecordedEncryptionState } from '../domain/encryption-state.ts';
import { GraphError } from '../domain/graph-error.ts';
import type { CallOptions } from '../domain/ports.ts';
import type { Rotation } from '../domain/rotation.ts';
import type { Run } from '../domain/run.ts';
import type { StateCreation } from '../domain/tenant.ts';
import { type Deps, isOver } from './deps.ts';
import { areStatesRefused, refuseStates } from './outcomes.ts';
import { messageDelayMs, waitAfterMs } from './wait-after.ts';

/** A crash leaves so many `unknown` at most. Chosen: four seconds of the documented quota. */
const ANNOUNCED_TOGETHER = 20;

/**
 * What could not be sent for so long after it was recorded is not sent any more, so that no tenant keeps a run from ending.
 * Chosen: at 100 in 20 s a million states take 56 hours, and are recorded over the 28 that asking takes.
 */
const CREATE_WITHIN_MS = 2 * 86_400_000;

/** Answers about the collection rather than one state. Source: RFC 9110 sections 15.5.1, 15.5.6 and 15.6.2 (read 2026-11-22). */
const TENANT_REFUSALS: ReadonlySet<number> = new Set([400, 405, 501]);

/** A state that this delivery announced, and so the one that may send it. */
interface Announced {
  readonly order: number;
  readonly look: number;
  readonly state: EncryptionState;
}

/** `creation` absent: certainly not created, so that it may be sent later. */
interface Ending extends Pick<RecordedEncryptionState, 'creation'> {
  readonly announced: Announced;
}

/**
 * With `RECORD_TO_GRAPH`, creates every recorded state of these rotations that was not sent yet. Creating is a write to the tenant: an app
 * that is not `live` sends nothing. Returns how long to wait before the rest is sent, or `undefined` when nothing is left to send.
 *
 * Each state is announced in its row before it is sent, and only the delivery whose announcement was written sends it. One that is found
 * announced was left by a crash, or is being sent by another delivery of the same message: it is `unknown`, and never sent again; whoever
 * sends it may still say better. Should that be that it was not sent after all, and the other delivery have closed the slice meanwhile, it
 * stays unsent: too rare to keep a slice open for. @throws {StorageError}
 */
export async function recordToGraph(
  deps: Deps,
  run: Run,
  rotations: readonly Rotation[],
  options: CallOptions,
): Promise<number | undefined> {
  if (!deps.settings.recordToGraph) return undefined;
  await doubtAnnounced(deps, run, rotations);
  const nowMs = deps.clock.nowMs();
  const due = rotations.filter((rotation) => statesOf(rotation).some((recorded) => isDue(recorded, nowMs)));
  const orders = due.map((rotation) => rotation.order);
  for (let from = 0; from < orders.length; from += ANNOUNCED_TOGETHER) {
    if (deps.mode() !== 'live' || (await areStatesRefused(deps, run.runId))) return undefined;
    if (isOver(deps, options)) return waitForRest(deps, options, due, 0);
    const retryAfterMs = await createTogether(deps, run, orders.slice(from, from + ANNOUNCED_TOGETHER), options);
    if (retryAfterMs !== undefined) return waitForRest(deps, options, due, retryAfterMs);
  }
  return undefined;
}

function statesOf(rotation: Rotation): readonly RecordedEncryptionState[] {
  return rotation.encryptionStates ?? [];
}

function isDue(recorded: RecordedEncryptionState, nowMs: number): boolean {
  return recorded.creation === undefined && recorded.state !== 'none' && nowMs - recorded.atMs < CREATE_WITHIN_MS;
}

/** At least a window of the budget, unless the host stops; nothing when all would be too old by then. */
function waitForRest(
  deps: Deps,
  options: CallOptions,
  due: readonly Rotation[],
  retryAfterMs: number,
): number | undefined {
  if (options.signal.aborted) return 0;
  const waitMs = messageDelayMs(Math.max(deps.settings.budgets.stateWrite.windowMs, retryAfterMs));
  const thenMs = deps.clock.nowMs() + waitMs;
  return due.some((rotation) => statesOf(rotation).some((recorded) => isDue(recorded, thenMs))) ? waitMs : undefined;
}

/** What was announced before this delivery began is not sent again. */
async function doubtAnnounced(deps: Deps, run: Run, rotations: readonly Rotation[]): Promise<void> {
  const announced = rotations.filter((rotation) => statesOf(rotation).some(({ creation }) => creation === 'sending'));
  const senders = new Set(announced.flatMap((rotation) => statesOf(rotation).map(({ sender }) => sender)));
  await editStates(deps, run, announced, (recorded) =>
    recorded.creation === 'sending' && senders.has(recorded.sender) ? { ...recorded, creation: 'unknown' } : recorded,
  );
}

/** Announces, sends and records some. Returns how long to wait when not all could be sent. */
async function createTogether(
  deps: Deps,
  run: Run,
  orders: readonly number[],
  options: CallOptions,
): Promise<number | undefined> {
  const sender = deps.random.guid();
  const announced = await announce(deps, run, orders, sender);
  const faults: unknown[] = [];
  let stopped = false;
  let retryAfterMs: number | undefined;

  function wait(ms: number): void {
    stopped = true;
    retryAfterMs = Math.max(retryAfterMs ?? 0, ms);
  }

  async function send(one: Announced): Promise<readonly Ending[]> {
    if (stopped) return [{ announced: one }];
    try {
      const created = await deps.tenant.createEncryptionState(one.state, options);
      if (created.kind === 'notSent') {
        wait(created.retryAfterMs);
        return [{ announced: one }];
      }
      if (created.kind === 'refused' && isTenantRefusal(created)) {
        stopped = true;
        await sayRefused(deps, run, created);
      }
      return [{ announced: one, creation: created.kind }];
    } catch (error) {
      if (error instanceof GraphError) {
        // The tenant throws only when Graph turned everybody away: nothing was created.
        wait(waitAfterMs(deps, error));
        return [{ announced: one }];
      }
      // What came of it was not learnt: it stays announced, to be found by the next delivery.
      stopped = true;
      faults.push(error);
      return [];
    }
  }

  const endings = await Promise.all(announced.map((one) => deps.limiter(() => send(one))));
  await recordEndings(deps, run, endings.flat(), sender);
  if (faults.length > 0) throw faults[0];
  return retryAfterMs;
}

/** The announcement comes before the request; of several deliveries one writes it. Returns those that are this sender's. */
async function announce(
  deps: Deps,
  run: Run,
  orders: readonly number[],
  sender: string,
): Promise<readonly Announced[]> {
  const nowMs = deps.clock.nowMs();
  const rotations = await editStates(
    deps,
    run,
    orders.map((order) => ({ order })),
    (recorded) => (isDue(recorded, nowMs) ? { ...recorded, creation: 'sending', sender } : recorded),
  );
  return rotations.flatMap((rotation) =>
    statesOf(rotation).flatMap(({ look, state, creation, sender: by }) =>
      creation === 'sending' && by === sender && state !== 'none' ? [{ order: rotation.order, look, state }] : [],
    ),
  );
}

/** The sender knows best, also where another delivery took its announcement for one left by a crash. */
async function recordEndings(deps: Deps, run: Run, endings: readonly Ending[], sender: string): Promise<void> {
  const byState = new Map(endings.map((ending) => [`${ending.announced.order}/${ending.announced.look}`, ending]));
  await editStates(
    deps,
    run,
    endings.map(({ announced }) => announced),
    (recorded, { order }) => {
      const ending = byState.get(`${order}/${recorded.look}`);
      if (ending === undefined || recorded.sender !== sender) return recorded;
      const { creation: _creation, sender: _sender, ...rest } = recorded;
      return ending.creation === undefined ? rest : { ...rest, creation: ending.creation };
    },
  );
}

/** Changes recorded states until every row is written or needs no change. Returns the rows as stored. */
async function editStates(
  deps: Deps,
  run: Run,
  rows: readonly Pick<Rotation, 'order'>[],
  edit: (recorded: RecordedEncryptionState, rotation: Rotation) => RecordedEncryptionState,
): Promise<readonly Rotation[]> {
  const stored: Rotation[] = [];
  let open = [...new Set(rows.map(({ order }) => order))];
  while (open.length > 0) {
    const edited = (await deps.ledger.readRotationsAt(run.runId, open)).map(({ value, version }) => {
      const after = statesOf(value).map((recorded) => edit(recorded, value));
      const isChanged = after.some((recorded, i) => recorded !== statesOf(value)[i]);
      return { isChanged, version, value: isChanged ? { ...value, encryptionStates: after } : value };
    });
    const changes = edited.filter(({ isChanged }) => isChanged).map(({ value, version }) => ({ value, version }));
    const lost = new Set(changes.length === 0 ? [] : await deps.ledger.writeRotations(run.runId, changes));
    for (const { value } of edited) if (!lost.has(value.order)) stored.push(value);
    open = [...lost];
  }
  return stored;
}

type Refusal = Extract<StateCreation, { readonly kind: 'refused' }>;

/** The tenant takes no states at all; every other refusal is about the one that was sent. */
function isTenantRefusal({ httpStatus, missingRole }: Refusal): boolean {
  return missingRole !== undefined || TENANT_REFUSALS.has(httpStatus);
}

/** Once per run, whichever instance learns it first. */
async function sayRefused(deps: Deps, run: Run, refusal: Refusal): Promise<void> {
  if (!(await refuseStates(deps, run.runId, refusal.httpStatus))) return;
  const { httpStatus, missingRole, requestId, clientRequestId } = refusal;
  const why =
    missingRole === undefined
      ? `the tenant refuses to create encryption states (status ${httpStatus})`
      : `creating encryption states needs the app role ${missingRole}, which the token lacks: grant it; cached tokens know of it within a day`;
  deps.logger.warn(`${why}; none is sent in the rest of this run, which goes on`, {
    runId: run.runId,
    status: httpStatus,
    missingRole,
    requestId,
    clientRequestId,
  });
}
