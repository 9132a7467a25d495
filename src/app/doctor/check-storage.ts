/** The storage account, by what trying it showed: access, what is missing, the clock. Pure. Layer: app. */

import { plural } from '../../domain/plain-figures.ts';
import type { ServiceFindings, StorageFault, StorageFindings, StorageService } from '../../domain/probes.ts';
import { type Check, type CheckName, fail, ok, skipped, withAdvice } from './check.ts';
import { checkClock } from './check-clock.ts';
import { list } from './words.ts';

/**
 * The data-plane role each service needs; the Functions host needs to own its blobs.
 * Source: Azure Functions, "Connecting to host storage with an identity"; Azure built-in roles for Storage (read 2026-11-22).
 */
export const STORAGE_ROLES: Readonly<Record<StorageService, string>> = {
  Table: 'Storage Table Data Contributor',
  Queue: 'Storage Queue Data Contributor',
  Blob: 'Storage Blob Data Owner',
};

const ABOUT = {
  Table: { access: 'tableAccess', exist: 'tables', one: 'table', tried: 'a row was written and deleted' },
  Queue: {
    access: 'queueAccess',
    exist: 'queues',
    one: 'queue',
    tried: 'messages may be deleted; sending cannot be tried without setting something off',
  },
  Blob: { access: 'blobAccess', exist: 'containers', one: 'container', tried: 'a blob was written and deleted' },
} as const satisfies Record<
  StorageService,
  { readonly access: CheckName; readonly exist: CheckName; readonly one: string; readonly tried: string }
>;

const SERVICES = ['Table', 'Queue', 'Blob'] as const satisfies readonly StorageService[];

/** Seven checks; `undefined`: the connection's settings are wrong. */
export function checkStorage(found: StorageFindings | undefined): readonly Check[] {
  if (found === undefined) {
    return [
      ...SERVICES.flatMap((service) => [
        skipped(ABOUT[service].access, 'settings'),
        skipped(ABOUT[service].exist, 'settings'),
      ]),
      skipped('storageClock', 'settings'),
    ];
  }
  return [
    ...SERVICES.flatMap((service) => checkService(service, found.services[service])),
    found.aheadMs === undefined
      ? skipped('storageClock', 'tableAccess')
      : checkClock('storageClock', "the storage account's", found.aheadMs),
  ];
}

function checkService(service: StorageService, found: ServiceFindings): readonly Check[] {
  const { access, exist, one, tried } = ABOUT[service];
  const { host, wanted, missing } = found;
  const existence = missing.length > 0 ? missingOnes(exist, one, missing, wanted.length) : undefined;
  switch (found.access.kind) {
    case 'tried':
      return [
        ok(access, `${host} lets this identity work: ${tried}`),
        existence ?? ok(exist, `${wanted.length === 2 ? 'both' : `all ${wanted.length}`} ${one}s exist`),
      ];
    case 'untried':
      return [skipped(access, exist), existence ?? skipped(exist, access)];
    case 'fault':
      return [faulty(access, service, host, found.access.fault), existence ?? skipped(exist, access)];
  }
}

function missingOnes(name: CheckName, one: string, missing: readonly string[], wanted: number): Check {
  const which =
    missing.length === wanted
      ? `none of the ${wanted} ${one}s exists`
      : `${plural(missing.length, one)} missing: ${list(missing)}`;
  return fail(
    name,
    which,
    'check that AzureWebJobsStorage names the right account; if Keyturn never ran on it, `npx keyturn plan` makes what is missing, and so does the deployment',
  );
}

/** Refusals that another role would end; the others have reasons of their own. */
function isRoleMissing({ kind, code }: StorageFault): boolean {
  return kind === 'forbidden' && !OTHER_REFUSALS.has(code);
}

/** Source: Azure Storage, common REST API error codes (read 2026-11-22). No code: there was no token to ask with. */
const OTHER_REFUSALS: ReadonlySet<string> = new Set([
  '',
  'AuthenticationFailed',
  'InvalidAuthenticationInfo',
  'KeyBasedAuthenticationNotPermitted',
]);

function faulty(name: CheckName, service: StorageService, host: string, fault: StorageFault): Check {
  if (isRoleMissing(fault)) {
    const firewall =
      fault.code === 'AuthorizationFailure' ? ", and let this network through the account's firewall" : '';
    return fail(
      name,
      `${host} refuses this identity (${fault.code})`,
      `assign it the role "${STORAGE_ROLES[service]}" on the account${firewall}; it takes some minutes to apply`,
    );
  }
  const { message, action } = withAdvice(fault.message, 'try again; if it stays, look at the account in the portal');
  return fail(name, message, action);
}
