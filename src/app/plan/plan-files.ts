/** Names of a run's planning files in the blob container `work`. Layer: app. */
import type { RunId, TenantId } from '../../domain/ids.ts';

/** Everything a run keeps while it plans. */
export function planPrefix(tenantId: TenantId, runId: RunId): string {
  return `${tenantId}/${runId}/`;
}

/** Chunks of one listing, in order; of a script's run states, under the number of its target. `tries`: how often planning was put off. */
export type Listing = 'devices' | 'keys' | 'keys-again' | 'targets' | 'tries' | `script-${string}`;

export function listingPrefix(tenantId: TenantId, runId: RunId, listing: Listing): string {
  return `${planPrefix(tenantId, runId)}${listing}/`;
}

/** The committed plan: whoever creates it first decides. */
export function planIndexName(tenantId: TenantId, runId: RunId): string {
  return `${planPrefix(tenantId, runId)}plan.json`;
}

/** Rows of an attempt at planning, in order. */
export function planRowsName(tenantId: TenantId, runId: RunId, planId: string, part: number): string {
  return `${planPrefix(tenantId, runId)}plan-${planId}/${numbered(part)}`;
}

/** Sorts as text. */
export function numbered(part: number): string {
  return String(part).padStart(6, '0');
}
