/** Credentials of the identity library, loaded when they are first asked for a token. Layer: identity. */
import type { TokenCredential } from '@azure/core-auth';

/** What is used of the library. */
export type IdentityLibrary = Pick<
  typeof import('@azure/identity'),
  'DefaultAzureCredential' | 'ManagedIdentityCredential'
>;

export type LoadIdentity = () => Promise<IdentityLibrary>;

/**
 * The credential that `create` makes, at the first token. Loading the library takes as long as loading the rest of Keyturn does, and most
 * commands need no token.
 */
export function lazyCredential(
  create: (library: IdentityLibrary) => TokenCredential,
  load: LoadIdentity = () => import('@azure/identity'),
): TokenCredential {
  let credential: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      credential ??= load().then(create);
      return (await credential).getToken(scopes, options);
    },
  };
}
