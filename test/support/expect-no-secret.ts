import { expect } from 'vitest';
import { CANARY_SECRETS } from '../../src/simulator/canary-secrets.ts';
import type { SimulatedTenant } from '../../src/simulator/simulated-tenant.ts';

/** Fails when a text holds a recovery password that the tenant planted (with `plantSecrets`), or a token that it issued. */
export function expectNoSecret(
  { issuedTokens }: Pick<SimulatedTenant, 'issuedTokens'>,
  texts: readonly string[],
): void {
  const all = texts.join('\n');
  for (const secret of [...CANARY_SECRETS, ...issuedTokens]) {
    // Compared as flags: a failing test must not print the secret itself.
    expect(all.includes(secret)).toBe(false);
    expect(all.includes(secret.slice(-40))).toBe(false);
  }
}
