/** One block: claim, ask for each rotation, record what came of it, and hand the block over as a slice. Re-enterable after a crash at any line. Layer: app. */
import { assertNever } from '../domain/assert-never.ts';
import type { Claim } from '../domain/device-record.ts';
import type { SliceId } from '../domain/ids.ts';
import type { Versioned } from '../domain/ledger.ts';
import type { Limiter } from '../domain/limiter.ts';
import { CLOCK_MARGIN_MS } from '../domain/newer-key.ts';
import type { Priority } from '../domain/request-class.ts';
import { applyEvent, type Rotation, type RotationEvent, unanswered } from '../domain/rotation.ts';
import { type Run, type Slice, sliceIdOf } from '../domain/run.ts';
import type { RequestOutcome } from '../domain/tenant.ts';
import { checkRoutes } from './check-routes.ts';
import { type ClaimedRotation, claimBlock, clientRequestIdOf, lostSight, unclaim } from './claim-block.ts';
import { type Bounds, callOptions, type Deps } from './deps.ts';
import { adoptOrphans, openSlice, reopenSlice } from './open-slice.ts';
import { recordOutcomes } from './outcomes.ts';
import { settleClaims } from './settle-claims.ts';

export interface BlockResult {
  /** Rotations still planned: the invocation ended, or the quota asks to wait. */
  readonly notSent: number;
  /** The longest wait the quota asked for. */
  readonly retryAfterMs: number;
  readonly tripped: boolean;
}

interface Sent {
  readonly claimed: ClaimedRotation;
  readonly outcome: RequestOutcome;
}

/**
 * Works off the `planned` rows of the block; rows that have moved on are left alone. `again`: the slice these rows are in already.
 * @throws {GraphError} when the fault concerns every device; what was sent is recorded first.
 */
export async function rotateBlock(
  deps: Deps,
  run: Run,
  rows: readonly Versioned<Rotation>[],
  bounds: Bounds,
  again?: Versioned<Slice>,
): Promise<BlockResult> {
  // One that was found never accepted is asked again through its `again` slice alone, or it would end up in two.
  const planned = rows.filter(({ value }) => value.state === 'planned' && (again !== undefined || value.attempt === 0));
  if (again === undefined) await adoptOrphans(deps, run, rows);
  if (planned.length === 0 && again === undefined) return { notSent: 0, retryAfterMs: 0, tripped: false };
  const block = await claimBlock(deps, run, planned);
  const faults: unknown[] = [];
  const claimed = await checkRoutes(deps, run, block.claimed, callOptions(bounds, priorityOf(run)));
  const sent = await sendAll(deps, run, claimed, bounds, faults);

  const notSent = sent.filter(({ outcome }) => outcome.kind === 'notSent');
  const answered = sent.filter(({ outcome }) => outcome.kind !== 'notSent');
  const changes = [
    ...block.settled,
    ...answered.map(({ claimed, outcome }) => ({
      ...claimed.row,
      value: applyOutcome(claimed.row.value, claimed, outcome),
    })),
  ].sort((a, b) => a.value.order - b.value.order);
  const first = changes[0]?.value;
  if (first !== undefined) {
    const sliceId = again?.value.sliceId ?? sliceIdOf(first.order, first.attempt);
    const recorded = await recordRows(deps, run, sliceId, changes, answered);
    await settleClaims(deps, run, recorded);
    if (again === undefined) await openSlice(deps, run, sliceId, recorded);
  }
  await unclaim(
    deps,
    notSent.map(({ claimed }) => claimed),
  );
  if (again !== undefined && notSent.length === 0) await reopenSlice(deps, run, again);
  const tripped = await recordOutcomes(deps, run.runId, {
    answers: answered
      .filter(({ outcome }) => outcome.kind !== 'uncertain')
      .map(({ outcome }) => outcome.kind === 'accepted'),
  });
  if (faults.length > 0) throw faults[0];
  return {
    notSent: notSent.length,
    retryAfterMs: notSent.reduce(
      (max, { outcome }) => Math.max(max, outcome.kind === 'notSent' ? outcome.retryAfterMs : 0),
      0,
    ),
    tripped,
  };
}

/** Asks for every rotation; of a bulk run at most `GRAPH_CONCURRENCY` at once. A fault stops the rest: they were certainly not sent. */
async function sendAll(
  deps: Deps,
  run: Run,
  claimed: readonly ClaimedRotation[],
  bounds: Bounds,
  faults: unknown[],
): Promise<readonly Sent[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([bounds.signal, stop.signal]);
  const serverAheadMs = deps.ledger.serverNowMs() - deps.clock.nowMs();
  const priority = priorityOf(run);

  async function send(one: ClaimedRotation): Promise<Sent> {
    const deadlineAtMs = Math.min(bounds.deadlineAtMs, one.claim.sendByMs - serverAheadMs);
    try {
      const { route, managedDeviceId } = one.row.value;
      const outcome = await deps.tenant.requestRotation(route ?? { via: 'managedDevice', managedDeviceId }, {
        ...callOptions(bounds, priority),
        deadlineAtMs,
        signal,
        clientRequestId: clientRequestIdOf(one.claim),
      });
      return { claimed: one, outcome };
    } catch (error) {
      // The tenant throws only before anything was sent, or when Graph turned everybody away.
      if (!signal.aborted) {
        faults.push(error);
        stop.abort(error);
      }
      return { claimed: one, outcome: { kind: 'notSent', retryAfterMs: 0 } };
    }
  }

  // A bulk run fills the limiter with requests that wait for quota: on-demand work must not queue behind those. The quota bounds it.
  const limited: Limiter = priority === 'bulk' ? deps.limiter : (work) => work();
  return Promise.all(claimed.map((one) => limited(() => send(one))));
}

function priorityOf(run: Run): Priority {
  return run.targets === undefined ? 'bulk' : 'onDemand';
}

/** The same object when it has nothing to learn from the outcome. */
function applyOutcome(rotation: Rotation, { claim }: ClaimedRotation, outcome: RequestOutcome): Rotation {
  if (outcome.kind === 'notSent') return rotation;
  const answer = {
    clientRequestId: outcome.clientRequestId,
    ...(outcome.httpStatus === undefined ? {} : { httpStatus: outcome.httpStatus }),
    ...(outcome.requestId === undefined ? {} : { requestId: outcome.requestId }),
  };
  // Someone else found it left by us, and knows no more than the id it was first asked under.
  if (outcome.kind === 'uncertain' && rotation.state === 'uncertain') return { ...unanswered(rotation), ...answer };
  const claimed = applyEvent(
    rotation,
    { kind: 'claimed' },
    { claimedAtMs: claim.claimedAtMs, sendByMs: claim.sendByMs },
  );
  const asked = unanswered(claimed);
  const next = applyEvent(asked, eventOf(outcome), { ...answer, ...acceptanceOf(outcome, claim) });
  return next === asked ? rotation : next;
}

type Answered = Exclude<RequestOutcome, { readonly kind: 'notSent' }>;

function eventOf({ kind }: Answered): RotationEvent {
  return { kind: kind === 'uncertain' ? 'lostSight' : kind };
}

/** When it was accepted, as far as that is known. */
function acceptanceOf(outcome: Answered, { claimedAtMs }: Claim): Partial<Rotation> {
  switch (outcome.kind) {
    case 'accepted':
      return { acceptedAfterMs: outcome.acceptedAfterMs, acceptedByMs: outcome.acceptedByMs };
    case 'refused':
      return {};
    case 'uncertain':
      return { acceptedAfterMs: claimedAtMs - CLOCK_MARGIN_MS };
    default:
      return assertNever(outcome, 'outcome');
  }
}

/** Writes the rows. One that someone else moved on meanwhile keeps their slice and learns our answer. Returns the rows of our slice as stored. */
async function recordRows(
  deps: Deps,
  run: Run,
  sliceId: SliceId,
  changes: readonly Versioned<Rotation>[],
  answered: readonly Sent[],
): Promise<readonly Rotation[]> {
  const recorded = new Map<number, Rotation>();
  let open: readonly Versioned<Rotation>[] = changes.map((row) => ({ ...row, value: { ...row.value, sliceId } }));
  while (open.length > 0) {
    const lost = new Set(await deps.ledger.writeRotations(run.runId, open));
    for (const row of open)
      if (!lost.has(row.value.order) && row.value.sliceId === sliceId) recorded.set(row.value.order, row.value);
    if (lost.size === 0) break;
    open = (await deps.ledger.readRotationsAt(run.runId, [...lost])).flatMap((row) => {
      const wanted = changes.find((change) => change.value.order === row.value.order)?.value;
      if (row.value.state === 'planned' && wanted !== undefined) return [{ ...row, value: { ...wanted, sliceId } }];
      const answer = answered.find(({ claimed }) => claimed.row.value.order === row.value.order);
      const learnt = answer === undefined ? row.value : applyOutcome(row.value, answer.claimed, answer.outcome);
      return learnt === row.value ? [] : [{ ...row, value: learnt }];
    });
  }
  return [...recorded.values()].sort((a, b) => a.order - b.order);
}

/**
 * What a dead owner of an aborted run asked for, or may have, gets a slice and is looked at; nothing is asked. Doing it twice changes nothing.
 */
export async function adoptBlock(deps: Deps, run: Run, rows: readonly Versioned<Rotation>[]): Promise<void> {
  await adoptOrphans(deps, run, rows);
  const planned = rows.filter(({ value }) => value.state === 'planned' && value.attempt === 0);
  const records = await deps.ledger.readDevices(planned.flatMap(({ value }) => value.entraDeviceId ?? []));
  const unrecorded = planned.flatMap((row): Versioned<Rotation>[] => {
    const id = row.value.entraDeviceId;
    const claim = id === undefined ? undefined : records.get(id)?.value.claim;
    const isOurs = claim?.runId === run.runId && claim.order === row.value.order;
    return claim !== undefined && isOurs ? [{ ...row, value: lostSight(row.value, claim) }] : [];
  });
  const first = unrecorded[0]?.value;
  if (first === undefined) return;
  const sliceId = sliceIdOf(first.order, first.attempt);
  await openSlice(deps, run, sliceId, await recordRows(deps, run, sliceId, unrecorded, []));
}
