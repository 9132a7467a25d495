/** Work files in an Azure blob container. Layer: storage adapter. */
import type { ContainerClient } from '@azure/storage-blob';
import type { Random } from '../domain/ports.ts';
import type { WorkFiles } from '../domain/stored-files.ts';
import { guarded, readFault, type StorageOperation, toStorageError } from './fault.ts';
import { inParallel } from './parallel.ts';

/** Metadata that tells our own earlier try from someone else's file. */
const WRITER = 'writer';

const MISSING: ReadonlySet<string> = new Set(['BlobNotFound']);
const EXISTS: ReadonlySet<string> = new Set(['BlobAlreadyExists', 'ConditionNotMet']);

/** `random` names each `create`, so that its retry recognises it. */
export function createBlobWorkFiles(
  container: ContainerClient,
  random: Random,
  operation: StorageOperation,
): WorkFiles {
  async function list(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    await guarded(operation, async () => {
      for await (const blob of container.listBlobsFlat({ prefix })) names.push(blob.name);
    });
    return names.sort();
  }

  return {
    list,

    async put(name, bytes) {
      await guarded(operation, () => container.getBlockBlobClient(name).upload(body(bytes), bytes.byteLength));
    },

    async create(name, bytes) {
      const blob = container.getBlockBlobClient(name);
      const writer = random.guid();
      try {
        await blob.upload(body(bytes), bytes.byteLength, {
          conditions: { ifNoneMatch: '*' },
          metadata: { [WRITER]: writer },
        });
        return true;
      } catch (error) {
        if (!EXISTS.has(readFault(error).code)) throw toStorageError(operation, error);
        const { metadata } = await guarded(operation, () => blob.getProperties());
        return metadata?.[WRITER] === writer;
      }
    },

    async get(name) {
      try {
        const { readableStreamBody } = await container.getBlobClient(name).download();
        const chunks: Uint8Array[] = [];
        for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
        return new Uint8Array(Buffer.concat(chunks));
      } catch (error) {
        if (MISSING.has(readFault(error).code)) return undefined;
        throw toStorageError(operation, error);
      }
    },

    async deleteAll(prefix) {
      await inParallel(await list(prefix), (name) =>
        guarded(operation, () => container.getBlobClient(name).deleteIfExists()),
      );
    },
  };
}

/** The same bytes as the kind of body the HTTP client takes, not copied. */
function body(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
