/** Asks Graph again for every rotation an evidence file calls proven: is the key still there, younger than the request, and does the action still say done? Layer: app. */
import type { ActionResult } from '../../domain/action-result.ts';
import type { EvidenceCells } from '../../domain/evidence/evidence-columns.ts';
import type { Tally } from '../../domain/evidence/evidence-figures.ts';
import { type ClaimedProof, judgeProof, type ProofVerdict, proofOf } from '../../domain/evidence/proof.ts';
import type { EntraDeviceId, ManagedDeviceId } from '../../domain/ids.ts';
import type { CallOptions } from '../../domain/ports.ts';
import type { Reading, Tenant } from '../../domain/tenant.ts';
import { evidenceLines, hashedChunks } from './verify-evidence.ts';

/** A line that says proven, and what speaks against it or for nothing. */
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
  /** Graph says otherwise. */
  readonly disagreements: readonly Disagreement[];
  /** Graph cannot say, or no longer. */
  readonly unchecked: readonly Disagreement[];
  /** Lines by what Intune now says of the action; see `ProofVerdict`. */
  readonly actions: Tally;
}

/** The file is not what it was when its chain was checked. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError';
}

/** Asked about together. Chosen: five batches of twenty. */
const AT_ONCE = 100;

/**
 * `file`: its content once more, and the SHA-256 of what its chain was checked on. `onProgress` is told how many are checked.
 * @throws {GraphError} @throws {FileChangedError} when the content is another one.
 */
export async function checkProofs(
  tenant: Pick<Tenant, 'recoveryKeys' | 'actionResults'>,
  file: { readonly content: AsyncIterable<Uint8Array>; readonly sha256: string },
  options: CallOptions,
  onProgress: (checked: number) => void,
): Promise<ProofCheck> {
  const disagreements: Disagreement[] = [];
  const unchecked: Disagreement[] = [];
  let proven = 0;
  const actions = new Map<string, number>();

  async function check(claims: readonly ClaimedProof[]): Promise<void> {
    for (const [claim, verdict] of await judge(tenant, claims, options)) {
      actions.set(verdict.action, (actions.get(verdict.action) ?? 0) + 1);
      if (verdict.kind === 'agrees') continue;
      const told = { ...namesOf(claim), because: verdict.because };
      (verdict.kind === 'disagrees' ? disagreements : unchecked).push(told);
    }
    proven += claims.length;
    onProgress(proven);
  }

  let waiting: ClaimedProof[] = [];
  let readHash = '';
  const content = hashedChunks(file.content, (hash) => {
    readHash = hash;
  });
  for await (const { fact, cells } of evidenceLines(content)) {
    if (!isProven(fact.record, cells)) continue;
    waiting.push(proofOf(fact.at, cells));
    if (waiting.length < AT_ONCE) continue;
    await check(waiting);
    waiting = [];
  }
  if (waiting.length > 0) await check(waiting);
  if (readHash !== file.sha256) throw new FileChangedError('the file changed while it was read');
  const agreed = proven - disagreements.length - unchecked.length;
  return { proven, agreed, disagreements, unchecked, actions: Object.fromEntries(actions) };
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
