/** Chooses the credential: the managed identity in Azure, whatever is signed in on a laptop. Layer: graph. */
import type { TokenCredential } from '@azure/core-auth';
import type { Settings } from '../domain/settings.ts';
import { type LoadIdentity, lazyCredential } from '../outbound/lazy-credential.ts';

/** What the choice depends on. */
export type CredentialSettings = Pick<Settings, 'tenantId' | 'authorityHost' | 'clientId'>;

/**
 * The managed identity when the platform offers one, else `DefaultAzureCredential` at the cloud's authority.
 * @param environment the process's variables: `IDENTITY_ENDPOINT` (or the older `MSI_ENDPOINT`) tells that this is Azure.
 * Source: App Service documentation, "Connect to Azure services in app code", REST endpoint reference (read 2026-11-22).
 */
export function createCredential(
  settings: CredentialSettings,
  environment: Readonly<Record<string, string | undefined>>,
  load?: LoadIdentity,
): TokenCredential {
  const { tenantId, authorityHost, clientId } = settings;
  const endpoint = environment.IDENTITY_ENDPOINT ?? environment.MSI_ENDPOINT;
  return lazyCredential(({ DefaultAzureCredential, ManagedIdentityCredential }, transport) => {
    if (endpoint === undefined || endpoint === '') {
      const common = { ...transport, tenantId, authorityHost };
      return clientId === undefined
        ? new DefaultAzureCredential(common)
        : new DefaultAzureCredential({ ...common, managedIdentityClientId: clientId });
    }
    const common = { ...transport, authorityHost };
    return clientId === undefined
      ? new ManagedIdentityCredential(common)
      : new ManagedIdentityCredential({ ...common, clientId });
  }, load);
}

/**
 * The scope of app-only tokens, in two spellings of the same audience, to be used in this order. The second ends the audience in a slash
 * and so is another entry of the identity library's token cache.
 * Source: Entra ID documentation, "Scopes and permissions: trailing slash and /.default" (read 2026-11-22).
 */
export function scopesOf(graphRoot: string): readonly [string, string] {
  return [`${graphRoot}/.default`, `${graphRoot}//.default`];
}
