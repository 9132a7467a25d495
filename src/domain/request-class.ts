/** Request classes and their budgets: the service's throttling rules as data. Layer: domain. */

/**
 * Graph throttles per app and tenant, separately for each of these. A request counts in every class it belongs to.
 * - `write`: POST/PUT/PATCH/DELETE on managedDevices; 200 / 20 s. `any`: every request on managedDevices and remoteActionAudits; 2,000 / 20 s.
 * - `key`: recoveryKeys; undocumented, chosen 200 / 20 s, adapts on 429.
 * - `stateWrite`, `stateAny`: managedDeviceEncryptionStates; 100 and 1,000 / 20 s.
 * Source: microsoft-graph-docs-contrib `includes/throttling-intune-devices.md`, `includes/throttling-intune-device-configuration.md` (read 2026-11-22).
 */
export const REQUEST_CLASSES = ['write', 'any', 'key', 'stateWrite', 'stateAny'] as const;
export type RequestClass = (typeof REQUEST_CLASSES)[number];

/** At most `limit` requests in any `windowMs`. */
export interface Budget {
  readonly limit: number;
  readonly windowMs: number;
}

/** On-demand work gets the next slot that frees up; bulk work what is left. */
export type Priority = 'onDemand' | 'bulk';
