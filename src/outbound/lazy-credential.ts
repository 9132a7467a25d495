/** Credentials of the identity library, loaded when they are first asked for a token. Layer: outbound. */
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { createHttpClient } from './http-client.ts';

/** What is used of the library. */
export type IdentityLibrary = Pick<
  typeof import('@azure/identity'),
  'DefaultAzureCredential' | 'ManagedIdentityCredential'
>;

export type LoadIdentity = () => Promise<IdentityLibrary>;

/** The option of every credential: what the library asks for goes our way. */
export interface IdentityTransport {
  readonly httpClient: HttpClient;
}

/**
 * The credential that `create` makes, at the first token. Loading the library is a third of what starting a command takes, and most commands need
 * no token.
 */
export function lazyCredential(
  create: (library: IdentityLibrary, transport: IdentityTransport) => TokenCredential,
  load: LoadIdentity = () => import('@azure/identity'),
): TokenCredential {
  let credential: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      credential ??= load().then((library) => create(library, { httpClient: createHttpClient() }));
      const made = await credential.catch((error: unknown) => {
        // It may load the next time.
        credential = undefined;
        throw error;
      });
      return made.getToken(scopes, options);
    },
  };
}
