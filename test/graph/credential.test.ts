import { describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { createCredential, scopesOf } from '../../src/graph/credential.ts';
import type { IdentityLibrary } from '../../src/outbound/lazy-credential.ts';

const settings = {
  tenantId: parseTenantId('99999999-0000-4000-8000-000000000001'),
  authorityHost: 'https://login.microsoftonline.com',
};

/** The kind of credential the library is asked for, and with what. */
async function chosen(clientId: string | undefined, environment: Readonly<Record<string, string>>) {
  const made: { readonly kind: string; readonly options: unknown }[] = [];
  const kindOf = (kind: string) =>
    class {
      constructor(options: unknown) {
        made.push({ kind, options });
      }
      getToken = () => Promise.resolve(null);
    };
  const library = { DefaultAzureCredential: kindOf('signedIn'), ManagedIdentityCredential: kindOf('managed') };
  const credential = createCredential(
    { ...settings, ...(clientId === undefined ? {} : { clientId }) },
    environment,
    () => Promise.resolve(library as unknown as IdentityLibrary),
  );
  await credential.getToken('scope');
  return made;
}

describe('createCredential', () => {
  const CLIENT = '88888888-0000-4000-8000-000000000001';
  const { tenantId, authorityHost } = settings;
  const httpClient = expect.anything();

  it.each<[string, Readonly<Record<string, string>>, string, object, object]>([
    [
      'the managed identity where the platform offers one',
      { IDENTITY_ENDPOINT: 'http://localhost:1/msi' },
      'managed',
      { authorityHost, httpClient },
      { clientId: CLIENT },
    ],
    [
      'the managed identity under its older variable',
      { MSI_ENDPOINT: 'https://localhost:1/msi' },
      'managed',
      { authorityHost, httpClient },
      { clientId: CLIENT },
    ],
    [
      'what is signed in elsewhere',
      {},
      'signedIn',
      { tenantId, authorityHost, httpClient },
      { managedIdentityClientId: CLIENT },
    ],
    [
      'what is signed in when the variable is empty',
      { IDENTITY_ENDPOINT: '' },
      'signedIn',
      { tenantId, authorityHost, httpClient },
      { managedIdentityClientId: CLIENT },
    ],
  ])('chooses %s', async (_name, environment, kind, options, withClient) => {
    expect(await chosen(undefined, environment)).toEqual([{ kind, options }]);
    expect(await chosen(CLIENT, environment)).toEqual([{ kind, options: { ...options, ...withClient } }]);
  });
});

describe('scopesOf', () => {
  it('names one audience twice', () => {
    expect(scopesOf('https://graph.microsoft.us')).toEqual([
      'https://graph.microsoft.us/.default',
      'https://graph.microsoft.us//.default',
    ]);
  });
});
