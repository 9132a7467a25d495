import { inspect } from 'node:util';
import { createHttpHeaders, createPipelineRequest, RestError } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { StorageError, type StorageErrorKind } from '../../src/domain/storage-error.ts';
import { type StorageOperation, toStorageError } from '../../src/storage/fault.ts';

const operation: StorageOperation = { service: 'Table', host: 'contoso.table.core.windows.net', resource: 'Runs' };
const SECRET = 'sig=c2VjcmV0';

/** An SDK error as the pipeline throws it, with a secret wherever one could be. */
function restError(status: number | undefined, code: string): RestError {
  const request = createPipelineRequest({
    url: `https://contoso.table.core.windows.net/Runs?${SECRET}`,
    headers: createHttpHeaders({ authorization: `SharedKey contoso:${SECRET}` }),
  });
  if (status === undefined) return new RestError(`failed at ${SECRET}`, { code, request });
  const headers = createHttpHeaders({ 'x-ms-error-code': code, 'x-ms-request-id': 'r-1' });
  return new RestError(`failed at ${SECRET}`, { statusCode: status, request, response: { request, headers, status } });
}

describe('a fault of storage', () => {
  it.each<[number | undefined, string, StorageErrorKind, RegExp]>([
    [
      undefined,
      'ECONNREFUSED',
      'unreachable',
      /cannot be reached \(ECONNREFUSED\): check the account's name, its firewall/,
    ],
    [undefined, 'ENOTFOUND', 'unreachable', /check the account's name/],
    [undefined, 'ETIMEDOUT', 'unreachable', /cannot be reached \(ETIMEDOUT\)/],
    [403, 'AuthorizationPermissionMismatch', 'forbidden', /role "Storage Table Data Contributor"/],
    [403, 'AuthorizationFailure', 'forbidden', /firewall.*Storage Table Data Contributor/],
    [403, 'AuthenticationFailed', 'forbidden', /check AzureWebJobsStorage, and this machine's clock/],
    [403, 'KeyBasedAuthenticationNotPermitted', 'forbidden', /AzureWebJobsStorage__accountName/],
    [401, 'InvalidAuthenticationInfo', 'forbidden', /Storage Table Data Contributor/],
    [404, 'TableNotFound', 'other', /does not exist \(TableNotFound\)/],
    [503, 'ServerBusy', 'unreachable', /is busy or failing \(ServerBusy\): try again later/],
    [400, 'InvalidInput', 'other', /did not accept the request \(InvalidInput, HTTP 400, request r-1\)/],
    [undefined, '', 'other', /failed/],
  ])('with status %s and code %s says what to do', (status, code, kind, message) => {
    const error = toStorageError(operation, restError(status, code));
    expect(error).toBeInstanceOf(StorageError);
    expect(error.kind).toBe(kind);
    expect(error.message).toMatch(/^Azure Table Storage at contoso\.table\.core\.windows\.net \(Runs\) /);
    expect(error.message).toMatch(message);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
  });

  it.each([
    ['Queue', 'Storage Queue Data Contributor'],
    ['Blob', 'Storage Blob Data Owner'],
  ] as const)('of the %s service names its own role', (service, role) => {
    const error = toStorageError({ ...operation, service }, restError(403, 'AuthorizationPermissionMismatch'));
    expect(error.message).toContain(`"${role}"`);
  });

  it.each(['127.0.0.1:10002', 'localhost:10002', '[::1]:10002'])('at %s asks whether Azurite runs', (host) => {
    expect(toStorageError({ ...operation, host }, restError(undefined, 'ECONNREFUSED')).message).toMatch(
      /is Azurite running\?$/,
    );
  });

  it('that is a storage error already stays what it is', () => {
    const error = new StorageError('other', 'row is damaged');
    expect(toStorageError(operation, error)).toBe(error);
  });
});
