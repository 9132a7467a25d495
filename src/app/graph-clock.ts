/** Graph's clock beside the storage server's. Layer: app. */
import type { Deps } from './deps.ts';

/** How far Graph's clock is behind the storage server's, ms, 0 or more; 0 while no answer of Graph's told. */
export function graphBehindMs({ clock, ledger, tenant }: Pick<Deps, 'clock' | 'ledger' | 'tenant'>): number {
  return Math.max(0, ledger.serverNowMs() - clock.nowMs() - (tenant.clockAheadMs() ?? 0));
}
