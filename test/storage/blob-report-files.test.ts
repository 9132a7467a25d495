import type { ContainerClient } from '@azure/storage-blob';
import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../src/simulator/seeded-random.ts';
import { createBlobReportFiles } from '../../src/storage/blob-report-files.ts';

/** A container of which every deletion is answered so. */
function filesThatAnswer(statusCode: number, code: string) {
  const deleteIfExists = async () => {
    throw Object.assign(new Error('no'), { statusCode, code });
  };
  const container = { getBlobClient: () => ({ deleteIfExists }) } as unknown as ContainerClient;
  return createBlobReportFiles(container, createSeededRandom(1), {
    service: 'Blob',
    host: 'here',
    resource: 'reports',
  });
}

describe('a file that is to be deleted', () => {
  it.each(['BlobImmutableDueToPolicy', 'BlobImmutableDueToLegalHold'])('stays for %s', async (code) => {
    expect(await filesThatAnswer(409, code).delete('fleet/a.json')).toBe(false);
  });

  it('is a fault for an identity that may not', async () => {
    const files = filesThatAnswer(403, 'AuthorizationPermissionMismatch');
    await expect(files.delete('fleet/a.json')).rejects.toMatchObject({ name: 'StorageError', kind: 'forbidden' });
  });
});
