/** Asks Graph again for every rotation an evidence file calls proven: is the key still there, and is it younger than the request? Layer: app. */
import type { ActionResult } from '../../domain/action-result.ts';
import type { EvidenceCells } from '../../domain/evidence/evidence-columns.ts';
import type { Tally } from '../../domain/evidence/evidence-figures.ts';
import { type ClaimedProof, judgeProof, type ProofVerdict, proofOf } from '../../domain/evidence/proof.ts';
import type { ReadLine } from '../../domain/evidence/read-line.ts';
import type { EntraDeviceId, ManagedDeviceId } from '../../domain/ids.ts';
import type { CallOptions, Reading, Tenant } from '../../domain/ports.ts';

/** One line with which Graph does not agree, or no longer. */
export interface Disagreement {
  readonly line: number;
  readonly deviceName: string;
  readonly entraDeviceId: string;
  readonly because: string;
}

export interface ProofCheck {
  /** Lines that say proven, late ones among them. */
  readonly proven: number;
  readonly agreed: number;
  readonly disagreements: readonly Disagreement[];
  /** Lines by what Intune now says of the action; see `ProofVerdict`. */
  readonly actions: Tally;
}

/** Asked about together. Chosen: five batches of twenty. */
const AT_ONCE = 100;

/** `onProgress` is told how many are checked. @throws {GraphError} */
export async function checkProofs(
  tenant: Pick<Tenant, 'recoveryKeys' | 'actionResults'>,
  lines: AsyncIterable<ReadLine>,
  options: CallOptions,
  onProgress: (checked: number) => void,
): Promise<ProofCheck> {
  const disagreements: Disagreement[] = [];
  let proven = 0;
  const actions = new Map<string, number>();

  async function check(claims: readonly ClaimedProof[]): Promise<void> {
    for (const [claim, verdict] of await judge(tenant, claims, options)) {
      actions.set(verdict.action, (actions.get(verdict.action) ?? 0) + 1);
      if (!verdict.agrees) disagreements.push({ ...namesOf(claim), because: verdict.because });
    }
    proven += claims.length;
    onProgress(proven);
  }

  let waiting: ClaimedProof[] = [];
  for await (const { fact, cells } of lines) {
    if (!isProven(fact.record, cells)) continue;
    waiting.push(proofOf(fact.at, cells));
    if (waiting.length < AT_ONCE) continue;
    await check(waiting);
    waiting = [];
  }
  if (waiting.length > 0) await check(waiting);
  return { proven, agreed: proven - disagreements.length, disagreements, actions: Object.fromEntries(actions) };
}

function isProven(record: string, { state, lateState }: EvidenceCells): boolean {
  return record === 'device' && (state === 'proven' || lateState === 'proven');
}

function namesOf({ line, deviceName, entraDeviceId }: ClaimedProof): Omit<Disagreement, 'because'> {
  return { line, deviceName, entraDeviceId: entraDeviceId ?? '' };
}

async function judge(
  tenant: Pick<Tenant, 'recoveryKeys' | 'actionResults'>,
  claims: readonly ClaimedProof[],
  options: CallOptions,
): Promise<readonly (readonly [ClaimedProof, ProofVerdict])[]> {
  const entraIds = claims.flatMap(({ entraDeviceId }) => entraDeviceId ?? []);
  const managedIds = claims.flatMap(({ managedDeviceId }) => managedDeviceId ?? []);
  const [keys, actions] = await Promise.all([
    tenant.recoveryKeys(entraIds, options),
    tenant.actionResults(managedIds, options),
  ]);
  const actionsOf = (id: ManagedDeviceId | undefined): Reading<readonly ActionResult[]> | undefined =>
    id === undefined ? undefined : actions.get(id);
  const keysOf = (id: EntraDeviceId | undefined) => (id === undefined ? undefined : keys.get(id));
  return claims.map((claim) => [
    claim,
    judgeProof(claim, keysOf(claim.entraDeviceId), actionsOf(claim.managedDeviceId)),
  ]);
}
