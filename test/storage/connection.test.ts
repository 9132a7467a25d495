import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Environment, parseStorageConnection } from '../../src/storage/connection.ts';

/** The connection. @throws when there is none. */
function parsed(environment: Environment) {
  const result = parseStorageConnection(environment);
  if (result.kind === 'invalid') throw new Error(result.problems.join('; '));
  return result.connection;
}

function problems(environment: Environment): readonly string[] {
  const result = parseStorageConnection(environment);
  return result.kind === 'invalid' ? result.problems : [];
}

const KEY = 'c2VjcmV0LWtleQ==';

describe('a connection string', () => {
  it('names account, key and cloud', () => {
    const { endpoints, authority } = parsed({
      AzureWebJobsStorage: `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${KEY};EndpointSuffix=core.usgovcloudapi.net`,
    });
    expect(endpoints).toEqual({
      table: 'https://contoso.table.core.usgovcloudapi.net',
      queue: 'https://contoso.queue.core.usgovcloudapi.net',
      blob: 'https://contoso.blob.core.usgovcloudapi.net',
    });
    expect(authority).toMatchObject({ kind: 'sharedKey', accountName: 'contoso' });
    expect(authority.kind === 'sharedKey' && authority.accountKey()).toBe(KEY);
  });

  it('may name endpoints instead, with a SAS', () => {
    const { endpoints, authority } = parsed({
      AzureWebJobsStorage:
        'BlobEndpoint=https://a.blob.core.windows.net/;QueueEndpoint=https://a.queue.core.windows.net/;TableEndpoint=https://a.table.core.windows.net/;SharedAccessSignature=?sv=1&sig=x%3D',
    });
    expect(endpoints.table).toBe('https://a.table.core.windows.net');
    expect(authority.kind === 'sas' && authority.signature()).toBe('sv=1&sig=x%3D');
  });

  it('may be the development storage', () => {
    const { endpoints, authority } = parsed({ AzureWebJobsStorage: 'UseDevelopmentStorage=true' });
    expect(endpoints.queue).toBe('http://127.0.0.1:10001/devstoreaccount1');
    expect(authority).toMatchObject({ kind: 'sharedKey', accountName: 'devstoreaccount1' });
  });

  it('wins over identity settings, as in the host', () => {
    const { authority } = parsed({
      AzureWebJobsStorage: `AccountName=contoso;AccountKey=${KEY}`,
      AzureWebJobsStorage__accountName: 'other',
    });
    expect(authority.kind).toBe('sharedKey');
  });

  it('does not show its key when the connection is printed or logged', () => {
    const connection = parsed({ AzureWebJobsStorage: `AccountName=contoso;AccountKey=${KEY}` });
    expect(inspect(connection, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(JSON.stringify(connection)).not.toContain(KEY);
  });
});

describe('an identity-based connection', () => {
  it('names the account, in global Azure', () => {
    const connection = parsed({ AzureWebJobsStorage__accountName: 'contoso' });
    expect(connection).toEqual({
      endpoints: {
        table: 'https://contoso.table.core.windows.net',
        queue: 'https://contoso.queue.core.windows.net',
        blob: 'https://contoso.blob.core.windows.net',
      },
      authority: { kind: 'identity', managedIdentity: false },
    });
  });

  it('may name each service, and a user-assigned identity, in any letter case', () => {
    const connection = parsed({
      AzureWebJobsStorage__blobServiceUri: 'https://c.blob.core.chinacloudapi.cn/',
      AzureWebJobsStorage__queueServiceUri: 'https://c.queue.core.chinacloudapi.cn',
      AzureWebJobsStorage__tableServiceUri: 'https://c.table.core.chinacloudapi.cn',
      AzureWebJobsStorage__credential: 'managedIdentity',
      AzureWebJobsStorage__clientID: 'id-1',
    });
    expect(connection.endpoints.blob).toBe('https://c.blob.core.chinacloudapi.cn');
    expect(connection.authority).toEqual({ kind: 'identity', managedIdentity: true, clientId: 'id-1' });
  });

  it('may name an identity by its resource id', () => {
    const { authority } = parsed({
      AzureWebJobsStorage__accountName: 'contoso',
      AzureWebJobsStorage__managedIdentityResourceId: '/subscriptions/1',
    });
    expect(authority).toEqual({ kind: 'identity', managedIdentity: false, resourceId: '/subscriptions/1' });
  });
});

describe('a wrong connection', () => {
  it.each<[string, Environment, readonly RegExp[]]>([
    ['nothing', {}, [/AzureWebJobsStorage must be a connection string, or AzureWebJobsStorage__accountName/]],
    ['an empty setting', { AzureWebJobsStorage: ' ' }, [/neither is set/]],
    ['text', { AzureWebJobsStorage: 'contoso' }, [/AccountKey=/, /TableEndpoint=/, /QueueEndpoint=/, /BlobEndpoint=/]],
    ['no key', { AzureWebJobsStorage: 'AccountName=contoso' }, [/AccountKey=… or SharedAccessSignature=…/]],
    [
      'a broken endpoint',
      { AzureWebJobsStorage: `AccountName=a;AccountKey=${KEY};TableEndpoint=nowhere` },
      [/table endpoint, must be a URL/],
    ],
    [
      'half of the services, and a wrong credential',
      {
        AzureWebJobsStorage__blobServiceUri: 'https://c.blob.core.windows.net',
        AzureWebJobsStorage__credential: 'clientsecret',
      },
      [
        /tableServiceUri must be set/,
        /queueServiceUri must be set/,
        /credential must be managedidentity.*"clientsecret"/,
      ],
    ],
    ['a wrong name', { AzureWebJobsStorage__accountName: 'Con_toso' }, [/3 to 24 lower-case letters.*"Con_toso"/]],
    [
      'plain http, which would show the token',
      { AzureWebJobsStorage__accountName: 'contoso', AzureWebJobsStorage__tableServiceUri: 'http://127.0.0.1:1' },
      [/tableServiceUri must be a URL such as https:.*begins with http:/],
    ],
    [
      'two identities',
      {
        AzureWebJobsStorage__accountName: 'contoso',
        AzureWebJobsStorage__clientId: 'a',
        AzureWebJobsStorage__managedIdentityResourceId: 'b',
      },
      [/must not both be set/],
    ],
  ])('of %s names every problem and no secret', (_, environment, expected) => {
    const found = problems(environment);
    expect(found).toHaveLength(expected.length);
    found.forEach((problem, i) => {
      expect(problem).toMatch(expected[i] ?? /^$/);
      expect(problem).not.toContain(KEY);
    });
  });
});
