/** How to reach the storage account, read from settings as the Functions host reads them. Pure. Layer: storage adapter. */

/** Settings by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Roots of the three services, without a trailing slash or query. */
export interface StorageEndpoints {
  readonly table: string;
  readonly queue: string;
  readonly blob: string;
}

/** What signs requests. Secrets are behind functions, so that they are not printed with the object. */
export type StorageAuthority =
  | { readonly kind: 'sharedKey'; readonly accountName: string; readonly accountKey: () => string }
  | { readonly kind: 'sas'; readonly signature: () => string }
  /** `managedIdentity`: that and nothing else; otherwise whatever identity this machine has. */
  | {
      readonly kind: 'identity';
      readonly managedIdentity: boolean;
      readonly clientId?: string;
      readonly resourceId?: string;
    };

/** A storage account and the right to use it. */
export interface StorageConnection {
  readonly endpoints: StorageEndpoints;
  readonly authority: StorageAuthority;
}

/** Every problem at once, each naming the setting and the rule; never its secret parts. */
export type ParsedConnection =
  | { readonly kind: 'parsed'; readonly connection: StorageConnection }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

const SETTING = 'AzureWebJobsStorage';

/** Public, the same on every machine. Source: Azurite, "Default storage account" (read 2026-11-22). */
export const DEVELOPMENT_ACCOUNT = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
} as const;

/** Azurite's fixed ports. Source: Azurite, "Listening ports" (read 2026-11-22). */
const DEVELOPMENT_PORTS = { table: 10_002, queue: 10_001, blob: 10_000 } as const;

type Service = keyof StorageEndpoints;
const SERVICES: readonly Service[] = ['table', 'queue', 'blob'];

function endpointProblem(name: string, value: string, schemes: RegExp): string | undefined {
  const protocol = URL.canParse(value) ? new URL(value).protocol : '';
  return schemes.test(protocol)
    ? undefined
    : `${name} must be a URL such as https://account.table.core.windows.net, got ${protocol === '' ? 'none' : `one that begins with ${protocol}`}`;
}

/** A key or SAS may travel in the clear when the connection string says so: emulators have no certificates. */
const ANY_HTTP = /^https?:$/;
/** A token may not: the SDKs refuse it, too. */
const HTTPS = /^https:$/;

/** `scheme://host/path` of a URL, without query or trailing slash. */
function rootOf(value: string): string {
  const url = new URL(value);
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

function parts(connectionString: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of connectionString.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) found.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  return found;
}

function fromConnectionString(text: string): ParsedConnection {
  const found = parts(text);
  if (found.get('usedevelopmentstorage')?.toLowerCase() === 'true') {
    const root = (service: Service) => `http://127.0.0.1:${DEVELOPMENT_PORTS[service]}/${DEVELOPMENT_ACCOUNT.name}`;
    return {
      kind: 'parsed',
      connection: {
        endpoints: { table: root('table'), queue: root('queue'), blob: root('blob') },
        authority: {
          kind: 'sharedKey',
          accountName: DEVELOPMENT_ACCOUNT.name,
          accountKey: () => DEVELOPMENT_ACCOUNT.key,
        },
      },
    };
  }
  const problems: string[] = [];
  const accountName = found.get('accountname');
  const accountKey = found.get('accountkey');
  const signature = found.get('sharedaccesssignature')?.replace(/^\?/, '');
  if (!accountKey && !signature) problems.push(`${SETTING} must hold AccountKey=… or SharedAccessSignature=…`);
  if (accountKey && !accountName) problems.push(`${SETTING} must hold AccountName=… beside its key`);

  const protocol = found.get('defaultendpointsprotocol') ?? 'https';
  const suffix = found.get('endpointsuffix') ?? 'core.windows.net';
  const endpoint = (service: Service): string => {
    const given = found.get(`${service}endpoint`);
    if (given === undefined && accountName === undefined) {
      problems.push(`${SETTING} must hold AccountName=… or ${service[0]?.toUpperCase()}${service.slice(1)}Endpoint=…`);
      return '';
    }
    const value = given ?? `${protocol}://${accountName}.${service}.${suffix}`;
    const problem = endpointProblem(`${SETTING}, ${service} endpoint,`, value, ANY_HTTP);
    if (problem === undefined) return rootOf(value);
    problems.push(problem);
    return '';
  };
  const endpoints = { table: endpoint('table'), queue: endpoint('queue'), blob: endpoint('blob') };
  if (problems.length > 0) return { kind: 'invalid', problems };
  return {
    kind: 'parsed',
    connection: {
      endpoints,
      authority:
        accountKey !== undefined && accountName !== undefined
          ? { kind: 'sharedKey', accountName, accountKey: () => accountKey }
          : { kind: 'sas', signature: () => signature ?? '' },
    },
  };
}

function fromIdentity(read: (name: string) => string | undefined): ParsedConnection {
  const problems: string[] = [];
  const accountName = read('accountName');
  if (accountName !== undefined && !/^[a-z0-9]{3,24}$/.test(accountName)) {
    problems.push(
      `${SETTING}__accountName must be 3 to 24 lower-case letters and digits, got ${JSON.stringify(accountName)}`,
    );
  }
  const endpoint = (service: Service): string => {
    const name = `${service}ServiceUri`;
    const given = read(name);
    if (given !== undefined) {
      const problem = endpointProblem(`${SETTING}__${name}`, given, HTTPS);
      if (problem === undefined) return rootOf(given);
      problems.push(problem);
      return '';
    }
    if (accountName === undefined) problems.push(`${SETTING}__${name} must be set, or ${SETTING}__accountName`);
    return `https://${accountName}.${service}.core.windows.net`;
  };
  const [table, queue, blob] = SERVICES.map(endpoint) as [string, string, string];
  const credential = read('credential');
  if (credential !== undefined && credential.toLowerCase() !== 'managedidentity') {
    problems.push(`${SETTING}__credential must be managedidentity or absent, got ${JSON.stringify(credential)}`);
  }
  const clientId = read('clientId');
  const resourceId = read('managedIdentityResourceId');
  if (clientId !== undefined && resourceId !== undefined) {
    problems.push(`${SETTING}__clientId and ${SETTING}__managedIdentityResourceId must not both be set`);
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  return {
    kind: 'parsed',
    connection: {
      endpoints: { table, queue, blob },
      authority: {
        kind: 'identity',
        managedIdentity: credential !== undefined,
        ...(clientId === undefined ? {} : { clientId }),
        ...(resourceId === undefined ? {} : { resourceId }),
      },
    },
  };
}

/**
 * Reads `AzureWebJobsStorage` (a connection string, also `UseDevelopmentStorage=true`), or, when it is not set, the identity-based
 * form: `AzureWebJobsStorage__accountName` (global Azure) or `__tableServiceUri`, `__queueServiceUri`, `__blobServiceUri`, with
 * `__credential` (`managedidentity`) and `__clientId` or `__managedIdentityResourceId` for a user-assigned identity. Names are
 * matched in any letter case, as the host does.
 * Source: Azure Functions developer guide, "Connecting to host storage with an identity" and "Common properties for identity-based
 * connections" (read 2026-11-22).
 */
export function parseStorageConnection(environment: Environment): ParsedConnection {
  const byName = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value.trim() !== '') byName.set(name.toLowerCase(), value.trim());
  }
  const direct = byName.get(SETTING.toLowerCase());
  if (direct !== undefined) return fromConnectionString(direct);
  const prefix = `${SETTING}__`.toLowerCase();
  if (![...byName.keys()].some((name) => name.startsWith(prefix))) {
    return {
      kind: 'invalid',
      problems: [
        `${SETTING} must be a connection string, or ${SETTING}__accountName must name the account; neither is set`,
      ],
    };
  }
  return fromIdentity((name) => byName.get(prefix + name.toLowerCase()));
}
